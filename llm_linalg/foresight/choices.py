"""Truths before the run: comparisons, and what hangs on them, as far as they are known."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor

from llm_linalg.foresight.expressions import Ends, Expressions
from llm_linalg.foresight.nowhere import may_be_none
from llm_linalg.foresight.unknown import Undecided, Unknown, compared, doubtful, numbered
from llm_linalg.language import plain

_ONES = frozenset([bool, type(None)])  # there is one object of each of their values


class Choices(Expressions):
    """Chooses what an `Interpreter` does, where that is known."""

    def _boolean(self, node: ast.BoolOp) -> Any:
        try:
            return super()._boolean(node)
        except Undecided:
            self.passed_over(*node.values[1:])
            raise

    def _compare(self, node: ast.Compare) -> Any:
        try:
            return self._compared(node)
        except Undecided:
            self.passed_over(*node.comparators)
            raise

    def _compared(self, node: ast.Compare) -> Any:
        left = self.evaluate(node.left)
        result: Any = True
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(item)
            sides = (left, right)
            tensor = any(isinstance(side, Tensor) for side in sides)
            if isinstance(kind, ast.Is | ast.IsNot | ast.In | ast.NotIn) and (tensor or doubtful(sides)):
                raise Undecided(bool)  # a gradient is a tensor here, and may be None there
            if isinstance(kind, ast.Is | ast.IsNot) and not any(side.__class__ in _ONES for side in sides):
                raise Undecided(bool)
            if not tensor and (doubtful(sides) or compared(left) or compared(right)):
                self.weigh_sides(kind, left, right)
                raise Undecided(bool)
            if tensor:
                if any(map(may_be_none, sides)):
                    raise Undecided
                left, right = (side if isinstance(side, Tensor) else numbered(side) for side in sides)
            self.weigh_sides(kind, left, right)
            result = plain.COMPARE[type(kind)](left, right)
            if len(node.ops) > 1 and not self._truth(result, node):
                return result
            left = right
        return result

    def _conditional(self, node: ast.IfExp) -> Any:
        try:
            return super()._conditional(node)
        except Undecided:
            self.passed_over(node.body, node.orelse)
            raise

    def _truth(self, value: Any, node: ast.AST) -> bool:
        if isinstance(value, Unknown) or may_be_none(value):
            raise Undecided
        if isinstance(value, Tensor) and value.numel() == 1:
            raise Undecided
        return super()._truth(value, node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        before = dict(self._modules)
        super()._import(node)
        if before != self._modules:
            self.changes += 1
            if self.uncertain:
                raise Ends

    def _assert(self, node: ast.Assert) -> None:
        self.evaluate(node.test)  # the run says whether it holds
