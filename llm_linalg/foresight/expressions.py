"""Evaluates expressions before the run: as far as they are known."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from llm_linalg.errors import LimitError, ProgramError
from llm_linalg.foresight.hollow import Fails, Hollow, gradient_like, may_be_none, without_cells
from llm_linalg.foresight.unknown import (
    ANY,
    UNKNOWN,
    Undecided,
    Unknown,
    changeable,
    common,
    doubtful,
    numbered,
)
from llm_linalg.language import gradients, layers, plain, printing
from llm_linalg.language.budget import Budget
from llm_linalg.language.caller import Method, UserFunction
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.source import Source
from llm_linalg.ops import TABLE
from llm_linalg.ops.elementwise import Pointwise

MOST_TAKEN = 8_000  # steps of a rehearsal; each takes some two microseconds
A_CALL = 12  # steps that a call of torch takes as long as
_POINTWISE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_ASKED = frozenset(["requires_grad", "is_leaf"])
MOST_ITEMS = 1_000  # that a rehearsal looks at one by one
_LISTING = (list, tuple, plain.numbered, plain.paired)
_GIVES: Mapping[Any, type] = {float: float, int: int, len: int, bool: bool, str: str}


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
        self._showing = (self._print, self._shown, self._representation)
        self.taken = 0
        self.uncertain = 0  # branches and turns under way that stand for others, of which less is known
        self.loose = False  # lists and dicts may have been changed by what was passed over
        self.changes = 0  # of lists and dicts

    def evaluate(self, node: ast.expr) -> Any:
        """Return an expression's value, or what is known of it."""
        self.taken += 1
        if self.taken + A_CALL * self.hollow.calls > MOST_TAKEN:
            raise Ends
        try:
            return super().evaluate(node)
        except Undecided as undecided:
            return undecided.value

    def fail(self, error: Exception, node: ast.expr | ast.stmt) -> NoReturn:
        """Raise a limit that is exceeded, with its place; all else is left to the run, to be explained."""
        if isinstance(error, LimitError):
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
        if self.uncertain or self.loose or not isinstance(owner, nn.Module) or isinstance(value, Unknown):
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
        if (self.uncertain or self.loose) and changeable(value):
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
            self.budget.weigh(left, right)
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

    def _text(self, node: ast.JoinedStr) -> Any:
        parts = [self.evaluate(part) for part in node.values]
        if doubtful(parts):
            raise Undecided(str)
        text = "".join(map(str, parts))
        if len(text) > printing.MAX_TEXT:
            raise LimitError(f"a text of more than {printing.MAX_TEXT:,} characters")
        return text

    def _formatted(self, node: ast.FormattedValue) -> Any:
        spec = self.evaluate(node.format_spec) if node.format_spec else ""
        value = self.evaluate(node.value)
        self._shows(value)
        if not isinstance(value, bool | int | float | str) or doubtful(spec):
            raise Undecided(str)
        return printing.formatted(value, node.conversion, spec)

    def _shows(self, value: Any) -> None:
        """Take the cells of what is made into text."""
        if isinstance(value, Tensor) and not may_be_none(value):
            self.budget.show(printing.cells(value))

    def _print(self, *shown: Any, **_: Any) -> None:
        for value in shown:
            self._shows(value)

    def _shown(self, value: Any = "") -> Any:
        self._shows(value)
        raise Undecided(str)

    def _representation(self, value: Any) -> Any:
        return self._shown(value)

    def attribute(self, value: Any, node: ast.Attribute) -> Any:
        """Return what stands after the dot, of a value."""
        if isinstance(value, Unknown) or (isinstance(value, Tensor) and node.attr in _ASKED):
            raise Undecided
        if isinstance(value, Tensor) and node.attr == "grad":
            return gradient_like(value)
        return super().attribute(value, node)

    def applied(self, node: ast.Call, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call what was evaluated, as far as it is known."""
        if isinstance(function, Unknown):
            self.loose = True
            raise Undecided
        if isinstance(function, UserFunction):
            return super().applied(node, function, arguments, named)
        if isinstance(function, Method) and isinstance(function.owner, Tensor):
            if function.function is gradients.backward:
                return None
            if function.function is plain.converted:
                return _converted(function.owner, arguments, named)
        if function in _LISTING and sum(map(length, arguments)) > MOST_ITEMS:
            self.budget.weigh(*arguments)
            return _listed(function, arguments)
        self.changes += isinstance(function, Method) and not isinstance(function.owner, Tensor)
        changes = isinstance(node.func, ast.Attribute) and node.func.attr == "append"
        if changes and not isinstance(function, Method):  # a layer gets another one
            if self.uncertain or self.loose or doubtful(arguments):
                raise Ends
        elif function not in self._showing and (doubtful(arguments) or doubtful(named)):
            if isinstance(function, Method) and function.function is list.append:
                function.function(function.owner, *arguments)
                return None
            self.loose = self.loose or (
                isinstance(function, Method) and not isinstance(function.owner, Tensor)
            )
            arguments, named = _any_numbers(function, arguments, named)
        return super().applied(node, function, arguments, named)

    def _layer(self, kind: type[nn.Module], arguments: list[Any], named: dict[str, Any]) -> nn.Module:
        return layers.made(self.budget, kind, arguments, named, self.hollow.making())


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


def length(value: Any) -> int:
    """Return how many items a plain value has; 0 if it has none."""
    return len(value) if isinstance(value, str | list | tuple | range) else 0


def _listed(function: Any, arguments: list[Any]) -> Any:
    """Return what a builtin makes of long sequences: each item is what is known of all of them."""
    size = min(map(length, arguments))
    items = tuple(map(common, arguments)) if size else ()
    if function is plain.paired:
        return [items] * size
    if function is plain.numbered:
        return [(UNKNOWN[int], *items)] * size
    return function(items) * size


def _any_numbers(
    function: Any, arguments: list[Any], named: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments with a number for each unknown one, of a function for which any will do."""
    entry = TABLE.entry(function.function if isinstance(function, Method) else function)
    if entry is None or not (isinstance(entry.operation, Pointwise) or entry.operation.name == "tensor"):
        raise Undecided(_GIVES.get(function))
    return [numbered(value) for value in arguments], {name: numbered(item) for name, item in named.items()}


def _converted(tensor: Tensor, arguments: list[Any], named: dict[str, Any]) -> Tensor:
    kind = tensor.dtype
    for value in (*arguments, *named.values()):
        if isinstance(value, Unknown):
            raise Undecided
        kind = value.dtype if isinstance(value, Tensor) else value if isinstance(value, torch.dtype) else kind
    return without_cells(tuple(tensor.shape), kind)
