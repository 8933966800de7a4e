"""Which turns of a long loop are recorded: its first and its last ones.

A loop of thousands of turns would make more nodes than anybody looks at, and take many times as long as
Python. So once it is clear that it will, by the nodes that its first turns made and by how many turns there
are, those in its middle run without being recorded. Of a loop of which nobody knows when it ends, as of
`while`, more of the first turns are recorded, and none after them. Counts decide, so that each run keeps the
same turns.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.data_loading import DataLoader
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator, ProgressBar
from llm_linalg.recording.gap import Gap

_SIZED = (list, tuple, range, str, dict, DataLoader)
_ONE_FOR_ONE = frozenset(["enumerate object", "zip object"])
_SHARE = 4  # the first turns that are recorded, and the last ones, make a fourth of the most nodes each
_LONGER = 2  # as many times the most nodes are recorded of a loop that may end at any turn
_NEVER = 2**63
_OWN_BODY = (ast.FunctionDef, ast.ClassDef)
_HOLDERS = (ast.stmt, ast.ExceptHandler, ast.match_case)


class LoopWindow:
    """The turns of a loop that are recorded.

    Args:
        run: The run.
        node: The loop.
        items: What it goes through; None for `while`.
    """

    __slots__ = (
        *("_first", "_gap_start", "_items", "_next_check", "_node"),
        *("_position", "_resume_at", "_run", "_turn", "_turns"),
    )

    def __init__(self, run: Interpreter, node: ast.For | ast.While, items: Any) -> None:
        self._run = run
        self._node = node
        self._items = items
        self._first = len(run.recorder.nodes)
        self._next_check = self._first + run.budget.loop_nodes // _SHARE
        self._turn = 0
        self._turns = 0
        self._gap_start = self._resume_at = self._position = 0

    def start_turn(self) -> None:
        """Take note that a turn begins, and stop recording or go on with it."""
        self._turn += 1
        if self._gap_start:
            if self._turn == self._resume_at:
                self.close()
        elif len(self._run.recorder.nodes) >= self._next_check:
            self._consider()

    def close(self) -> None:
        """End a gap, if there is one: the turn that begins now, or what comes after the loop, is recorded."""
        if self._gap_start:
            last = self._turn - (self._turn == self._resume_at)
            gap = Gap(self._node.lineno, self._gap_start, last, self._turns or last, self._position)
            self._gap_start = 0
            self._run.recorder.resume(gap)
            self._next_check = _NEVER

    def _consider(self) -> None:
        """Stop recording if the loop makes too many nodes."""
        run, most = self._run, self._run.budget.loop_nodes
        done = self._turn - 1
        made = len(run.recorder.nodes) - self._first
        self._next_check = _NEVER
        if not run.may_skip or run.recorder.is_paused or run.passes:
            return
        turns = count_turns(self._items)
        if turns is None or _may_leave(self._node.body):
            most *= _LONGER
            makes_more = made >= most
        else:
            makes_more = made * turns > most * done  # by what a turn has made so far
        if not makes_more:
            self._next_check = self._first + most
            return
        last = max(1, run.budget.loop_nodes // _SHARE * done // made)
        if turns is not None and turns - last <= done:
            return
        self._turns, self._position = turns or 0, len(run.recorder.nodes)
        self._gap_start, self._resume_at = self._turn, _NEVER if turns is None else turns - last + 1
        run.recorder.pause()


def count_turns(items: Any) -> int | None:
    """Return how many turns a loop over a value takes; None if only the loop itself will tell."""
    if isinstance(items, _SIZED):
        try:
            return len(items)
        except OverflowError:  # a range beyond what a length may be
            return None
    if isinstance(items, Tensor | Array):
        with untraced():
            return len(items)
    if isinstance(items, ProgressBar):
        return count_turns(items.items)
    if isinstance(items, ItemIterator) and items.title in _ONE_FOR_ONE:
        counts = [count_turns(inner) for inner in items.inner]
        known = [count for count in counts if count is not None]
        return min(known) if known and len(known) == len(counts) else None
    return None


def _may_leave(body: Sequence[ast.AST], *, inner: bool = False) -> bool:
    """Return whether a loop with this body may end before its last turn, by `break` or `return`."""
    for node in body:
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break) and not inner):
            return True
        if isinstance(node, _OWN_BODY):
            continue
        if isinstance(node, ast.For | ast.While):
            if _may_leave(node.body, inner=True) or _may_leave(node.orelse, inner=inner):
                return True
        elif isinstance(node, _HOLDERS) and _may_leave(list(ast.iter_child_nodes(node)), inner=inner):
            return True
    return False
