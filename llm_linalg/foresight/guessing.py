"""What a rehearsal leaves open of how much a program does."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from llm_linalg.foresight.least import Least
from llm_linalg.foresight.timed import Timed
from llm_linalg.foresight.unknown import Unknown
from llm_linalg.language import layers, tables, values
from llm_linalg.language.caller import UserFunction
from llm_linalg.language.source import Source
from llm_linalg.ops.fallback import DRAWING
from llm_linalg.ops.rowwise import SORTING
from llm_linalg.parsing import within

_CALLING = ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript | ast.Call
_PLAIN = [item for table in values.METHODS.values() for item in table.items()]
_CHANGING = frozenset(
    [
        *(name for name, method in _PLAIN if method in values.CHANGING),
        *(*layers.METHODS, "backward", "retain_grad"),
    ]
)
_TELLING = frozenset([*tables.METHODS, *dict(_PLAIN)]) - _CHANGING
_AT_ONCE = frozenset(
    ["append", "pop", "get", "item", "backward", "zero_grad", "parameters", "size", "dim", "numel"]
)
_TIMES = {
    **dict.fromkeys(["sort", "argsort", "topk"], SORTING),
    **dict.fromkeys(["nonzero", "where"], 4),  # as many as there are axes, which are seldom more
    "multinomial": DRAWING,
}  # as much as the largest tensor has cells
T = TypeVar("T")
NODES_A_STEP = 5  # that are looked at in a step
_HOPELESS, _SOON = 60, 1_500  # guesses; steps of a rehearsal after those
_TURNING = ast.For | ast.comprehension
_ALONE = frozenset([ast.Name, ast.Constant, ast.Load, ast.Store])  # which most nodes are


class Guessing(Timed):
    """Counts what is left open.

    Attributes:
        guesses: At how much is done.
        unbounded: Loops, and calls of functions, of which nobody knows how often they come.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self.guesses = self.unbounded = 0
        self._hopeless = False  # to tell all that the program does

    @property
    def left_open(self) -> int:
        """How often something was left open of how much is done: it tells all if that is never."""
        return self.unbounded + (0 if self.dearest else self.guesses)

    def guessed(self, node: ast.expr) -> None:
        """Remember that an expression was not evaluated whole; at most it makes a tensor more."""
        self._guesses_once_more()
        if changes_its_own(node.func if isinstance(node, ast.Call) else node):
            return
        calls = isinstance(node, _CALLING) and not asks_little(node)
        multiplies = isinstance(node, ast.Call) or (isinstance(node, ast.BinOp) and _multiplies(node))
        times = _TIMES.get(_last_name(node.func), 1) if isinstance(node, ast.Call) else 1
        self.budget.guess(calls=calls, multiplies=calls and multiplies, times=times)

    def left_out(self, *nodes: ast.AST) -> None:
        """Remember that something was not gone through, which may turn, or call what turns."""
        self._guesses_once_more()
        for node in nodes:
            inside = self._inside(node)
            self.unbounded += inside.turns or any(map(self._may_be_own, inside.called))

    def _guesses_once_more(self) -> None:
        """Count a guess; a rehearsal with many can tell what is surely too much, not all: it is soon over."""
        self.guesses += 1
        if self.guesses >= _HOPELESS and not self._hopeless and not self.dearest:
            self._hopeless = True
            self.longest = min(self.longest, self.length + _SOON)

    def calls_something(self, *nodes: ast.AST) -> bool:
        """Whether a call stands in what is given."""
        return any(self._inside(node).calls for node in nodes)

    def _inside(self, node: ast.AST) -> _Inside:
        new = (_inside, node) not in self.source.found
        inside = self._once(_inside, node)
        if new:
            self.went_on(inside.size // NODES_A_STEP)
        return inside

    def _once(self, tells: Callable[..., T], *nodes: ast.AST) -> T:
        """Return what is told of nodes, which is asked once."""
        found, key = self.source.found, (tells, *nodes)
        if key not in found:
            found[key] = tells(*nodes)
        told: T = found[key]
        return told

    def _may_be_own(self, name: str) -> bool:
        """Whether what has a name may be a function that the program defines."""
        return isinstance(self.names.get(name), UserFunction | Unknown)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def asks_little(node: ast.expr) -> bool:
    """Return whether an expression calls a method of which its name tells that it goes through nothing."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _AT_ONCE


def changes_nothing(node: ast.expr) -> bool:
    """Return whether what is called is a method of which its name tells that it changes no list or layer."""
    return isinstance(node, ast.Attribute) and node.attr in _TELLING


def changes_its_own(node: ast.expr) -> bool:
    """Return whether an expression is a method of which its name tells that it changes a list or a dict."""
    return isinstance(node, ast.Attribute) and node.attr in _CHANGING and node.attr in dict(_PLAIN)


def _multiplies(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.MatMult)


class _Inside(NamedTuple):
    """What stands in a statement or an expression.

    Attributes:
        calls: Whether a call.
        turns: Whether a loop, or a call of what has no name.
        called: The names of what is called.
        size: How many nodes.
    """

    calls: bool
    turns: bool
    called: frozenset[str]
    size: int


def _inside(node: ast.AST) -> _Inside:
    functions: list[ast.expr] = []
    turns, size, todo = False, 0, [node]
    while todo:
        inner = todo.pop()
        size += 1
        if inner.__class__ in _ALONE:
            continue
        if isinstance(inner, ast.Call):
            functions.append(inner.func)
        turns = turns or isinstance(inner, _TURNING)
        todo += within(inner)
    nameless = any(not isinstance(function, ast.Name | ast.Attribute) for function in functions)
    called = frozenset(function.id for function in functions if isinstance(function, ast.Name))
    return _Inside(bool(functions), turns or nameless, called, size)
