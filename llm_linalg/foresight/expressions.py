"""Evaluates expressions before the run: as far as they are known."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from torch import Tensor, nn

from llm_linalg.errors import HaltedError, LimitError, ProgramError
from llm_linalg.foresight.hollow import Fails, Hollow
from llm_linalg.foresight.unknown import (
    ANY,
    UNKNOWN,
    Undecided,
    Unknown,
    changeable,
    doubtful,
    numbered,
)
from llm_linalg.language import layers, plain
from llm_linalg.language.budget import Budget
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.source import Source

LONGEST = 8_000  # steps of a rehearsal; each takes some two microseconds
A_CALL = 12  # steps that a call of torch takes as long as
_POINTWISE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)


class Expressions(Interpreter):
    """Evaluates what an `Interpreter` does, on tensors without cells; what it can't know is `Unknown`.

    Args:
        source: The checked program.
        names: What it may use.
        budget: What it takes its steps and calls of.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget) -> None:
        super().__init__(source, names, budget, _unexplained)
        self.hollow = Hollow(budget)
        self._steps = 0
        self.uncertain = 0  # branches under way that may not be taken, and turns that stand for others
        self.changes = 0  # of lists and dicts
        self.loose = False  # so that nothing is known of those that have a name

    @property
    def length(self) -> int:
        """How long the rehearsal has been, in steps."""
        return self._steps + A_CALL * self.hollow.calls

    def went_on(self, steps: int = 1) -> None:
        """Count steps of the rehearsal; it ends when it has been long enough."""
        self._steps += steps
        if self.length > LONGEST:
            raise Ends

    def evaluate(self, node: ast.expr) -> Any:
        """Return an expression's value, or what is known of it."""
        self.went_on()
        try:
            return super().evaluate(node)
        except Undecided as undecided:
            return undecided.value

    def fail(self, error: Exception, node: ast.expr | ast.stmt) -> NoReturn:
        """Raise a limit that is exceeded, with its place; all else is left to the run, to be explained."""
        if isinstance(error, LimitError | HaltedError):
            super().fail(error, node)
        raise Fails from None

    def error(self, *_: Any) -> ProgramError:
        """Say that the program fails."""
        raise Fails

    def gone_through(self, value: Any, node: ast.expr) -> Sequence[Any]:
        """Return the items of a value that stands after ``in``."""
        if isinstance(value, Unknown):
            raise Undecided
        return super().gone_through(value, node)

    def passed_over(self, *nodes: ast.AST) -> None:
        """Remember that something was not evaluated that may call something."""
        if any(isinstance(inner, ast.Call) for node in nodes for inner in ast.walk(node)):
            self.loose = True

    def bind(self, name: str, value: Any) -> None:
        """Bind a name to a value."""
        self.names[name] = value

    def assign(self, target: ast.expr, value: Any) -> None:
        """Bind a target to a value."""
        if isinstance(value, Unknown) and isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self.assign(item, ANY)
            return
        super().assign(target, value)

    def _put(self, target: ast.Attribute, owner: Any, value: Any) -> None:
        if isinstance(owner, Tensor):
            return  # its shape stays as it is
        if self.uncertain or not isinstance(owner, nn.Module) or isinstance(value, Unknown):
            raise Ends
        super()._put(target, owner, value)

    def _item(self, target: ast.Subscript) -> tuple[Any, Any]:
        owner, key = self.evaluate(target.value), self.evaluate(target.slice)
        if doubtful(owner) or doubtful(key):
            return ANY, ANY
        return owner, key

    def _store(self, target: ast.Subscript, owner: Any, key: Any, value: Any) -> None:
        if isinstance(owner, Unknown) or doubtful(value):
            self.loose = self.loose or not isinstance(owner, Tensor)
            return
        self.changes += not isinstance(owner, Tensor)
        super()._store(target, owner, key, value)

    def augmented(self, node: ast.AugAssign) -> None:
        """Bind a target to ``target op= value``."""
        if isinstance(node.target, ast.Subscript):
            owner, key = self._item(node.target)
            changed = self._changed(node, ANY if isinstance(owner, Unknown) else owner[key])
            self._store(node.target, owner, key, changed)
        else:
            super().augmented(node)

    def _changed(self, node: ast.AugAssign, left: Any) -> Any:
        if not isinstance(left, Unknown):
            right = self.evaluate(node.value)
            self.changes += isinstance(left, list)
            if not isinstance(right, Unknown):
                return self._written(node, left, right)
            self.loose = self.loose or isinstance(left, list)
            return self._known(node.op, left, right)
        self.loose = self.loose or left.number is None  # a list's own, perhaps
        return self._known(node.op, left, self.evaluate(node.value))

    def _name(self, node: ast.Name) -> Any:
        value = super()._name(node)
        if self.loose and changeable(value):
            raise Undecided
        return value

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return self._known(node.op, left, right)
        self.budget.weigh(left, right)
        return plain.binary(type(node.op), left, right)

    def _known(self, operator: ast.operator, left: Any, right: Any) -> Any:
        """Return what is known of a sum or its like, of which one side at least is unknown."""
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Tensor):
                if not isinstance(operator, _POINTWISE):
                    raise Undecided
                number = numbered(other)
                return plain.binary(type(operator), *((one, number) if one is left else (number, one)))
        kinds = {side.kind if isinstance(side, Unknown) else type(side) for side in (left, right)}
        if not kinds <= {int, float} or not isinstance(operator, _POINTWISE[:-1]):
            return ANY
        return UNKNOWN[float if float in kinds or isinstance(operator, ast.Div) else int]

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.evaluate(node.operand)
        if isinstance(value, Unknown):
            minus = isinstance(node.op, ast.USub) and value.number is not None
            return value if minus else UNKNOWN[bool] if isinstance(node.op, ast.Not) else ANY
        if isinstance(node.op, ast.Not):
            return not self._truth(value, node)
        return plain.UNARY[type(node.op)](value)

    def _boolean(self, node: ast.BoolOp) -> Any:
        try:
            return super()._boolean(node)
        except Undecided:
            self.passed_over(*node.values[1:])
            raise

    def _compare(self, node: ast.Compare) -> Any:
        left = self.evaluate(node.left)
        result: Any = True
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(item)
            sides = (left, right)
            tensor = any(isinstance(side, Tensor) for side in sides)
            if isinstance(kind, ast.Is | ast.IsNot | ast.In | ast.NotIn) and (tensor or doubtful(sides)):
                raise Undecided(bool)  # a gradient is a tensor here, and may be None there
            if doubtful(sides):
                if not tensor:
                    self.passed_over(*node.comparators)
                    raise Undecided(bool)
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
        if isinstance(value, Unknown) or (isinstance(value, Tensor) and value.numel() == 1):
            raise Undecided
        return super()._truth(value, node)

    def _subscript(self, node: ast.Subscript) -> Any:
        value, key = self.evaluate(node.value), self.evaluate(node.slice)
        if isinstance(value, Unknown):
            raise Undecided
        if doubtful(key):
            if not isinstance(value, Tensor) or doubtful_slice(key):
                raise Undecided
            key = tuple(0 if isinstance(item, Unknown) and item.kind is int else item for item in whole(key))
            if doubtful(key):
                raise Undecided
        if not isinstance(value, Tensor | tuple | list | dict | str | range | layers.SEQUENCES):
            raise Fails
        return value[key]


class Ends(Exception):  # noqa: N818
    """The rehearsal ends: it took long enough, or too little is known of what comes next."""


def _unexplained(*_: Any) -> ProgramError:
    raise Fails


def doubtful_slice(key: Any) -> bool:
    """Return whether a key has a slice whose ends are unknown."""
    return any(isinstance(item, slice) and doubtful(item) for item in whole(key))


def whole(key: Any) -> Sequence[Any]:
    """Return a key's items."""
    return key if isinstance(key, tuple) else (key,)
