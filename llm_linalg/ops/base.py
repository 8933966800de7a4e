"""What an entry of the operation table is, and a call of it.

An operation is one entry: its name, its signature, the torch functions that mean it, and the
mechanism that says what its cells are made of. The families in this folder supply the mechanisms;
an entry supplies the facts.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import Any, TypeVar

import torch
from torch import Tensor

from llm_linalg.axes import Axes, Shape
from llm_linalg.cells import Index
from llm_linalg.relations import OpaqueRelation, Relation

Number = float | int | bool | complex
Function = Callable[..., Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of an operation, with its arguments by the names of its parameters.

    Attributes:
        operation: The table's entry.
        function: What torch was asked for.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        arguments: All of them, by parameter, defaults filled in.
        tensors: The tensors among them, in the order of the parameters.
        places: For each parameter, which of the tensors are its own.
        order: For each tensor, its position in the call as it was written.
        output: What it gave (None before it is run).
        position: Which of several outputs that is.
    """

    operation: Operation
    function: Function
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    arguments: Mapping[str, Any]
    tensors: tuple[Tensor, ...]
    places: Mapping[str, tuple[int, ...]]
    order: tuple[int, ...]
    output: Tensor | None = None
    position: int = 0

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The operands' shapes."""
        return tuple(tuple(tensor.shape) for tensor in self.tensors)

    @property
    def shape(self) -> Shape:
        """The output's shape."""
        return tuple(self.result.shape)

    @property
    def result(self) -> Tensor:
        """What the call gave; `LookupError` before it is run."""
        if self.output is None:
            raise LookupError(f"{self.operation.name} has not been run")
        return self.output

    def __getitem__(self, parameter: str) -> Any:
        return self.arguments[parameter]

    def tensor(self, parameter: str) -> Tensor:
        """Return the argument of a parameter that takes a tensor."""
        value = self.arguments[parameter]
        if not isinstance(value, Tensor):
            raise TypeError(f"{parameter} is a plain value here")
        return value

    def place(self, parameter: str) -> int | None:
        """Return the position among the operands of a parameter's tensor; None for a plain value."""
        places = self.places.get(parameter, ())
        return places[0] if places else None

    def dim(self, parameter: str = "dim", rank: int | None = None) -> int:
        """Return an axis argument, counted from 0."""
        total = self.tensors[0].dim() if rank is None else rank
        return int(self.arguments[parameter]) % max(total, 1)

    def dims(self) -> tuple[int, ...]:
        """Return the axes that a reduction reduces: all when none are given."""
        rank = self.tensors[0].dim()
        given = self.arguments.get("dim")
        if given is None or (isinstance(given, Sequence) and not given):
            return tuple(range(rank))
        axes = given if isinstance(given, Sequence) else (given,)
        return tuple(sorted({int(axis) % max(rank, 1) for axis in axes})) if rank else ()

    def replay(self, tensors: Sequence[Tensor]) -> Any:
        """Run the same call on other tensors."""
        written = dict(zip(self.order, tensors, strict=True))
        feed = iter([written[position] for position in range(len(tensors))])
        args = tuple(_mapped(value, lambda _: next(feed)) for value in self.args)
        kwargs = {name: _mapped(value, lambda _: next(feed)) for name, value in self.kwargs.items()}
        result = self.function(*args, **kwargs)
        return result if isinstance(result, Tensor) else tuple(result)[self.position]


@dataclass(frozen=True, slots=True)
class _Slot:
    """Stands for a tensor while arguments are bound, so that ``x @ x`` keeps its two operands apart."""

    position: int


def make_call(
    operation: Operation,
    function: Function,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    swap: bool = False,
) -> Call:
    """Bind a call's arguments to an operation's parameters; `TypeError` if they don't fit."""
    written: list[Tensor] = []

    def slot(tensor: Tensor) -> _Slot:
        written.append(tensor)
        return _Slot(len(written) - 1)

    slotted = [_mapped(value, slot) for value in args]
    named = {name: _mapped(value, slot) for name, value in kwargs.items()}
    bound = operation.bind(slotted, named, swap)
    order: list[int] = []
    places: dict[str, tuple[int, ...]] = {}
    for name, value in bound.items():
        own = [item.position for item in _leaves(value, _Slot)]
        places[name] = tuple(range(len(order), len(order) + len(own)))
        order += own
    arguments = {name: _resolved(value, written) for name, value in bound.items()}
    chosen = operation.chosen(arguments)
    if chosen is not operation:
        return make_call(chosen, function, args, kwargs, swap=swap)
    tensors = tuple(written[position] for position in order)
    return Call(operation, function, tuple(args), dict(kwargs), arguments, tensors, places, tuple(order))


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors in an argument, in order, also inside tuples, lists, dicts and slices."""
    return _leaves(value, Tensor)


def _leaves(value: object, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, kind)
    elif isinstance(value, dict):
        yield from _leaves(tuple(value.values()), kind)


def _mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return an argument with each of its tensors changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple) and any(True for _ in tensors_in(value)):
        items = [_mapped(item, change) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def _resolved(value: Any, written: Sequence[Tensor]) -> Any:
    if isinstance(value, _Slot):
        return written[value.position]
    if isinstance(value, list | tuple) and any(True for _ in _leaves(value, _Slot)):
        items = [_resolved(item, written) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {name: _resolved(item, written) for name, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Addend:
    """One term of a cell: its factors and their value."""

    factors: tuple[Number, ...]
    value: Number


@dataclass(frozen=True, slots=True, eq=False)
class Addends:
    """The terms that make a cell: ``factors`` column-wise (one 1-D tensor a factor), then ``tail``.

    A product's cell of 4096 terms is two slices here; a bias is the tail.
    """

    factors: tuple[Tensor, ...] = ()
    tail: tuple[Addend, ...] = ()

    def __len__(self) -> int:
        return self._products() + len(self.tail)

    def __getitem__(self, k: int) -> Addend:
        count = self._products()
        if k >= count:
            return self.tail[k - count]
        values = tuple(column[k].item() for column in self.factors)
        return Addend(values, _product(values))

    def every(self) -> Iterator[Addend]:
        """Yield all terms; the factors are taken out of their tensors at once."""
        for values in zip(*(column.tolist() for column in self.factors), strict=True):
            yield Addend(values, _product(values))
        yield from self.tail

    def total(self, count: int) -> Number:
        """Return the sum of the first ``count`` terms, in double precision (integers exactly)."""
        inner = min(count, self._products())
        tail = self.tail[: max(0, count - self._products())]
        if not inner:
            return sum(addend.value for addend in tail)
        product = self.factors[0][:inner]
        for column in self.factors[1:]:
            product = product * column[:inner]
        start: Number = product.sum().item()
        return sum((addend.value for addend in tail), start)

    def _products(self) -> int:
        return len(self.factors[0]) if self.factors else 0


def _product(values: tuple[Number, ...]) -> Number:
    product = values[0]
    for value in values[1:]:
        product = product * value
    return product


@dataclass(frozen=True, eq=False)
class Operation:
    """An entry of the table.

    Attributes:
        name: torch's own short name.
        signature: Its parameters, as in ``input, dim=None, keepdim=False, *, dtype=None``.
        spellings: The torch functions that mean it, beside ``torch.NAME`` and its like.
        reversed: Those that take the first two parameters the other way round.
        phrase: How a cell is made, with the operands' values in braces: ``exp({input})``.
        gradient: For each parameter, its cotangent in torch terms; see `llm_linalg.backward`.
        parts: The operation as a small program of simpler ones.
    """

    name: str
    signature: str
    spellings: tuple[str, ...] = ()
    reversed: tuple[str, ...] = ()
    phrase: str = ""
    gradient: Mapping[str, str] = field(default_factory=dict)
    parts: str = ""
    kind: str = "opaque"
    evidence: str = "rule"

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], swap: bool = False) -> dict[str, Any]:
        """Return the arguments by parameter; `TypeError` if they don't fit the signature."""
        if swap:
            args = (args[1], args[0], *args[2:])
        bound = parsed(self.signature).bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        for name, parameter in parsed(self.signature).parameters.items():
            if parameter.kind is Parameter.VAR_POSITIONAL:
                arguments[name] = flat_arguments(arguments[name])
        return arguments

    def chosen(self, arguments: Mapping[str, Any]) -> Operation:
        """Return the entry that these arguments mean: an overload may be another operation."""
        return self

    def infer(self, call: Call) -> Shape | None:
        """Return the output's shape from the operands' shapes, or raise `Clash`; None if no rule."""
        axes = self.axes(call)
        return axes.shape if axes else None

    def cost(self, call: Call, shape: Shape) -> int:
        """Return the number of multiplications (or like work) of a call."""
        return torch.Size(shape).numel()

    def axes(self, call: Call) -> Axes | None:
        """Return the axes spec, for operations that have one."""
        return None

    def relations(self, call: Call) -> tuple[Relation, ...]:
        """Return the relation between the output and each operand."""
        return tuple(OpaqueRelation(call.shape, shape) for shape in call.shapes)

    def addends(self, call: Call, index: Index) -> Addends:
        """Return the terms of a cell; what is no sum is its own only term."""
        value = call.result[index].item()
        return Addends(tail=(Addend((value,), value),))

    def beside(self, call: Call) -> int | None:
        """Return the position of the operand that is added, not multiplied."""
        return None

    def term_count(self, call: Call) -> int | None:
        """Return how many terms each cell is the sum of; None if it is no sum, or the number varies."""
        return None

    def proof(self, call: Call) -> str:
        """Return how the relations are known: ``rule``, ``index``, ``autograd`` or ``opaque``."""
        return self.evidence

    def cotangents(self, call: Call) -> Mapping[str, str]:
        """Return the backward pass: for each parameter, its cotangent in torch terms."""
        return self.gradient

    def opened(self, call: Call) -> str:
        """Return the operation as a small program of simpler ones, over its parameters' names."""
        return filled(self.parts, call.arguments)

    def masked(self, call: Call, index: Index) -> str | None:
        """Return the rule that masks a cell, in a few words."""
        return None


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Return a template with the plain values in braces put in."""
    for name, value in values.items():
        if "{" + name + "}" in text and not isinstance(value, Tensor):
            text = text.replace("{" + name + "}", repr(value))
    return text


def flat_arguments(value: Any) -> tuple[Any, ...]:
    """Return ``(2, 3)`` for both ``view(2, 3)`` and ``view((2, 3))``."""
    if len(value) == 1 and isinstance(value[0], list | tuple):
        return tuple(value[0])
    return tuple(value)


_PARSED: dict[str, Signature] = {}


def parsed(text: str) -> Signature:
    """Return the signature that a text such as ``input, dim=None, *, dtype=None`` describes."""
    if text not in _PARSED:
        function = ast.parse(f"lambda {text}: 0", mode="eval").body
        arguments = next(node for node in ast.walk(function) if isinstance(node, ast.arguments))
        _PARSED[text] = Signature(list(_parameters(arguments)))
    return _PARSED[text]


def _parameters(args: ast.arguments) -> Iterator[Parameter]:
    gap = len(args.args) - len(args.defaults)
    for position, arg in enumerate(args.args):
        default = ast.literal_eval(args.defaults[position - gap]) if position >= gap else Parameter.empty
        yield Parameter(arg.arg, Parameter.POSITIONAL_OR_KEYWORD, default=default)
    if args.vararg:
        yield Parameter(args.vararg.arg, Parameter.VAR_POSITIONAL)
    for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        default = Parameter.empty if value is None else ast.literal_eval(value)
        yield Parameter(arg.arg, Parameter.KEYWORD_ONLY, default=default)
