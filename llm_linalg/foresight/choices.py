"""Truths before the run: comparisons, and what hangs on them, as far as they are known."""

from __future__ import annotations

import ast
from contextlib import suppress
from itertools import islice
from typing import Any

from torch import Tensor

from llm_linalg.foresight import by_turn, turns, wholes
from llm_linalg.foresight.nowhere import may_be_none
from llm_linalg.foresight.returning import Returning
from llm_linalg.foresight.several import joined
from llm_linalg.foresight.turns import Each
from llm_linalg.foresight.unknown import (
    LOOKED_AT_A_STEP,
    SOME_DICT,
    Undecided,
    Unknown,
    doubtful,
    has_tensors,
    numbered,
)
from llm_linalg.language.plain import NUMBERS

_SAME: Any = ast.Is | ast.IsNot
_FINDING: Any = ast.In | ast.NotIn
_ASKING: Any = ast.Is | ast.IsNot | ast.In | ast.NotIn
_ONES = frozenset([bool, type(None)])  # there is one object of each of their values
_COMPARED_A_STEP = 150  # items
_FIRST = 20


class Choices(Returning):
    """Chooses what an `Interpreter` does, where that is known."""

    def _boolean(self, node: ast.BoolOp) -> Any:
        try:
            return super()._boolean(node)
        except Undecided:
            self._perhaps(*node.values[1:])
            raise

    def _compare(self, node: ast.Compare) -> Any:
        try:
            return super()._compare(node)
        except Undecided:
            self.passed_over(*node.comparators)
            raise

    def compared(self, kind: ast.cmpop, left: Any, right: Any) -> Any:
        """Return ``left kind right``, as far as it is known."""
        if left.__class__ in NUMBERS and right.__class__ in NUMBERS and not isinstance(kind, _SAME):
            return super().compared(kind, left, right)
        sides = (left, right)
        tensor = any(isinstance(side, Tensor) for side in sides)
        self.went_on(_reach(sides) // LOOKED_AT_A_STEP)
        if isinstance(left, Each) and isinstance(kind, _FINDING) and not doubtful(right):
            self.weigh_sides(kind, left, right)
            with suppress(Undecided):
                return by_turn.compared(kind, left, right)
        if isinstance(kind, _ASKING) and (tensor or any(map(doubtful, sides))):
            raise Undecided(bool)  # a gradient is a tensor here, and may be None there
        if isinstance(kind, _SAME) and not any(side.__class__ in _ONES for side in sides):
            raise Undecided(bool)
        if tensor:
            if any(map(may_be_none, sides)):
                raise Undecided
            left, right = (side if isinstance(side, Tensor) else numbered(side) for side in sides)
        elif isinstance(left, Unknown) or isinstance(right, Unknown):
            return self._by_bounds(kind, left, right)
        elif any(map(doubtful, sides)) or has_tensors(left) or has_tensors(right):
            self.weigh_sides(kind, left, right)
            raise Undecided(bool)
        return super().compared(kind, left, right)

    def weigh_sides(self, kind: ast.cmpop, left: Any, right: Any) -> None:
        """Count the items that a comparison goes through."""
        items = self.budget.items
        super().weigh_sides(kind, left, {} if right is SOME_DICT else right)
        self.went_on((items - self.budget.items) // _COMPARED_A_STEP)

    def _by_bounds(self, kind: ast.cmpop, left: Any, right: Any) -> Any:
        """Compare what is unknown: of whole numbers their bounds may do."""
        self.weigh_sides(kind, left, right)
        found = wholes.compared(kind, left, right)
        if found is not None:
            return found
        with suppress(Undecided):
            return by_turn.compared(kind, left, right)
        self.ranges += 1
        raise Undecided(bool)

    def _conditional(self, node: ast.IfExp) -> Any:
        try:
            return super()._conditional(node)
        except Undecided:
            found = self._perhaps(node.body, node.orelse)
            if found:
                one, other = found
                return joined(one, other, wholes.spanning)
            raise

    def _perhaps(self, *nodes: ast.expr) -> list[Any]:
        """Pass over what may be evaluated, or not; at most it all is, and then its values are returned."""
        found = [self.evaluate(node) for node in nodes] if self.dearest else []
        self.passed_over(*nodes)
        return found

    def _truth(self, value: Any, node: ast.AST) -> bool:
        if isinstance(value, Each):
            value = by_turn.truth(value)
            turns.apart(value)
            self.ranges += 1
        self.vague |= isinstance(value, Unknown) and value.kind is not float
        if isinstance(value, Unknown) or may_be_none(value):
            raise Undecided
        if isinstance(value, Tensor) and value.numel() == 1:
            raise Undecided
        return super()._truth(value, node)

    def _assert(self, node: ast.Assert) -> None:
        self.evaluate(node.test)  # the run says whether it holds


def _reach(items: Any, deep: int = 4) -> int:
    """Return how many items there are in a list or a dict, and in the first of those, about."""
    if not isinstance(items, list | tuple | dict):
        return 0
    first = islice(items.values() if isinstance(items, dict) else items, _FIRST) if deep else ()
    return len(items) + sum(_reach(item, deep - 1) for item in first)
