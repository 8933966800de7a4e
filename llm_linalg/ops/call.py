"""One call of an operation, with its arguments by the names of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from llm_linalg.axes import Shape

if TYPE_CHECKING:
    from llm_linalg.ops.base import Operation

Function = Callable[..., Any]
T = TypeVar("T")
_IN_PLACE = frozenset(
    ["add", "sub", "mul", "truediv", "div", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"]
)


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
        if self.may_write:
            tensors = [tensor.clone() for tensor in tensors]
        written = dict(zip(self.order, tensors, strict=True))
        feed = iter([written[position] for position in range(len(tensors))])
        args = tuple(_mapped(value, lambda _: next(feed)) for value in self.args)
        kwargs = {name: _mapped(value, lambda _: next(feed)) for name, value in self.kwargs.items()}
        result = self.function(*args, **kwargs)
        if result is None:  # ``x[key] = value``
            return written[0]
        return result if isinstance(result, Tensor) else tuple(result)[self.position]

    def on(self, tensors: Sequence[Tensor]) -> Call:
        """Return the same call with other tensors in the place of its own."""
        others = {id(old): new for old, new in zip(self.tensors, tensors, strict=True)}

        def other(tensor: Tensor) -> Tensor:
            return others[id(tensor)]

        return replace(
            self,
            tensors=tuple(tensors),
            args=tuple(_mapped(value, other) for value in self.args),
            kwargs={name: _mapped(value, other) for name, value in self.kwargs.items()},
            arguments={name: _mapped(value, other) for name, value in self.arguments.items()},
        )

    @property
    def may_write(self) -> bool:
        """Whether it may write into an operand, by its name or its arguments."""
        name = str(getattr(self.function, "__name__", ""))
        return (
            name == "__setitem__"
            or (name.endswith("_") and not name.endswith("__"))
            or (name.startswith("__i") and name.removeprefix("__i").removesuffix("__") in _IN_PLACE)
            or self.kwargs.get("out") is not None
            or bool(self.kwargs.get("inplace"))
            or any(value is True for value in self.args)
        )

    @property
    def written(self) -> Tensor:
        """The tensor that stands first in the call as it was written."""
        return self.tensors[self.order.index(0)]


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
    if isinstance(value, dict):
        return {name: _mapped(item, change) for name, item in value.items()}
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
