"""One call of an operation, with its arguments by the names of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from llm_linalg.axes import Shape
from llm_linalg.errors import LimitError
from llm_linalg.generator import forked
from llm_linalg.ops.levels import hold

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Operation

Function = Callable[..., Any]
T = TypeVar("T")
PLAIN = frozenset([bool, int, float, str])  # what holds no tensor, told at a glance
_SINGLE: frozenset[Any] = PLAIN | {type(None), type(...)}
_NESTED: frozenset[Any] = frozenset([list, tuple])
_IN_PLACE = frozenset(
    ["add", "sub", "mul", "truediv", "div", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"]
)


@dataclass(slots=True, eq=False)
class Call:
    """One call of an operation, with its arguments by the names of its parameters.

    Nobody changes one. It is not frozen, since then each takes a microsecond more to make, and three are made
    for a call of torch.

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
        rng_state: The state of torch's generator before it, if it draws random numbers.
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
    rng_state: Tensor | None = None

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The operands' shapes."""
        return tuple([tuple(tensor.shape) for tensor in self.tensors])

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
        return tuple(sorted({int(axis) % max(rank, 1) for axis in set(axes)})) if rank else ()

    def replay(self, tensors: Sequence[Tensor]) -> Any:
        """Run the same call on other tensors; with the same random numbers, if it draws any.

        Nothing changes of torch's generator.
        """
        if self.rng_state is None and self.operation.kind != "measured":
            return self._run(tensors)
        with forked():  # one that the table lacks may draw, too
            if self.rng_state is not None:
                torch.set_rng_state(self.rng_state)
            return self._run(tensors)

    def _run(self, tensors: Sequence[Tensor]) -> Any:
        if self.may_write:
            tensors = [tensor.clone() for tensor in tensors]
        elif self.operation.kind == "measured":  # batch_norm writes its running means, which have no gradient
            tensors = [tensor if tensor.requires_grad else tensor.clone() for tensor in tensors]
        written = dict(zip(self.order, tensors, strict=True))
        feed = iter([written[position] for position in range(len(tensors))])
        args = tuple(_mapped(value, lambda _: next(feed)) for value in self.args)
        kwargs = {name: _mapped(value, lambda _: next(feed)) for name, value in self.kwargs.items()}
        result = self.function(*args, **kwargs)
        if result is None and self.may_write:  # ``x[key] = value``
            return written[0]
        return result if isinstance(result, Tensor) else outputs(result)[self.position]

    def with_tensors(self, tensors: Sequence[Tensor]) -> Call:
        """Return the same call with other tensors in the place of its own."""
        others = {id(old): new for old, new in zip(self.tensors, tensors, strict=True)}

        def other(tensor: Tensor) -> Tensor:
            return others[id(tensor)]

        return Call(
            self.operation,
            self.function,
            tuple([_mapped(value, other) for value in self.args]),
            {name: _mapped(value, other) for name, value in self.kwargs.items()} if self.kwargs else {},
            {name: _mapped(value, other) for name, value in self.arguments.items()},
            tuple(tensors),
            self.places,
            self.order,
            self.output,
            self.position,
            self.rng_state,
        )

    def with_output(self, output: Tensor, position: int | None = None) -> Call:
        """Return the same call with what it gave; ``replace`` takes three times as long."""
        return Call(
            self.operation,
            self.function,
            self.args,
            self.kwargs,
            self.arguments,
            self.tensors,
            self.places,
            self.order,
            output,
            self.position if position is None else position,
            self.rng_state,
        )

    def with_rng_state(self, state: Tensor | None) -> Call:
        """Return the same call with the state of torch's random numbers before it."""
        return self if state is None else replace(self, rng_state=state)

    @property
    def may_write(self) -> bool:
        """Whether it may write into an operand, by its name or its arguments."""
        return may_write(self.function, self.args, self.kwargs)

    @property
    def written(self) -> Tensor:
        """The tensor that stands first in the call as it was written."""
        return self.tensors[self.order.index(0)]


class Slot:
    """Stands for a tensor while arguments are bound, so that ``x @ x`` keeps its two operands apart."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


def outputs(result: Any) -> Sequence[Tensor]:
    """Return the tensors that a call gave, in order; what else it gave, such as None, is left out."""
    if isinstance(result, Tensor):
        return (result,)
    if not isinstance(result, tuple | list) or not result or not isinstance(result[0], Tensor | tuple | None):
        return ()
    return [tensor for item in result for tensor in outputs(item)]


def may_write(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call may write into an operand, by its function's name or its arguments."""
    return (
        writes(function)
        or (bool(kwargs) and (kwargs.get("out") is not None or bool(kwargs.get("inplace"))))
        or True in {value for value in args if value.__class__ is bool}
    )


@cache
def writes(function: Function) -> bool:
    """Whether a function of torch's writes into its operand, by its name."""
    name = str(getattr(function, "__name__", ""))
    return (
        name == "__setitem__"
        or (name.endswith("_") and not name.endswith("__"))
        or (name.startswith("__i") and name.removeprefix("__i").removesuffix("__") in _IN_PLACE)
    )


@dataclass(slots=True, eq=False)
class SlottedArguments:
    """A call's arguments as they were written, its tensors taken out: each has a slot in its place."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    tensors: list[Tensor]

    @classmethod
    def of(cls, args: Sequence[Any], kwargs: Mapping[str, Any], most: int | None = None) -> SlottedArguments:
        """Take the tensors out of arguments.

        Raises:
            LimitError: If there are more than the most, or they are too deep within lists.
        """
        tensors: list[Tensor] = []

        def slot(tensor: Tensor) -> Slot:
            tensors.append(tensor)
            if most is not None and len(tensors) > most:
                raise LimitError(f"a call of more than {most:,} tensors")
            return Slot(len(tensors) - 1)

        if most is not None:
            for value in (*args, *kwargs.values()):
                hold(value)
        slotted = tuple([_mapped(value, slot) for value in args])
        named = {name: _mapped(value, slot) for name, value in kwargs.items()} if kwargs else {}
        return cls(slotted, named, tensors)

    def bind(
        self, operation: Operation, function: Function, tensors: Sequence[Tensor], swap: bool = False
    ) -> Call:
        """Bind the arguments to an operation's parameters, these tensors in the slots.

        Raises:
            TypeError: If they don't fit.
        """
        bound = operation.bind(self.args, self.kwargs, swap)
        order: list[int] = []
        places: dict[str, tuple[int, ...]] = {}
        arguments: dict[str, Any] = {}
        for name, value in bound.items():
            first = len(order)
            if value.__class__ is Slot:
                order.append(value.position)
                places[name] = (first,)
                arguments[name] = tensors[value.position]
            elif value is None or value.__class__ in PLAIN:
                places[name] = ()
                arguments[name] = value
            else:
                order += [item.position for item in _leaves(value, Slot)]
                places[name] = tuple(range(first, len(order)))
                arguments[name] = _resolved(value, tensors)
        chosen = operation.overload_for(arguments)
        if chosen is not operation:
            return self.bind(chosen, function, tensors, swap)
        args = tuple([_resolved(value, tensors) for value in self.args])
        kwargs = {name: _resolved(value, tensors) for name, value in self.kwargs.items()}
        inputs = tuple([tensors[position] for position in order])
        return Call(operation, function, args, kwargs, arguments, inputs, places, tuple(order))


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors in an argument, in order, also inside tuples, lists, dicts and slices."""
    return _leaves(value, Tensor)


def _leaves(value: object, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        if _may_hold(value):
            for item in value:
                yield from _leaves(item, kind)
    elif isinstance(value, dict):
        yield from _leaves(tuple(value.values()), kind)


def _may_hold(items: Sequence[Any]) -> bool:
    """Return whether lists within lists may hold more than plain values: a look at each level tells."""
    while True:
        kinds = set(map(type, items))
        nested = kinds - _SINGLE
        if not nested <= _NESTED:
            return True
        if not nested:
            return False
        if nested != kinds:
            items = [item for item in items if item.__class__ in nested]
        items = list(chain.from_iterable(items))


def _mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return an argument with each of its tensors changed."""
    if value is None or value.__class__ in PLAIN:
        return value
    return change(value) if isinstance(value, Tensor) else _within(value, lambda item: _mapped(item, change))


def _resolved(value: Any, written: Sequence[Any]) -> Any:
    """Return an argument with what was written in the place of each slot."""
    if value.__class__ is Slot:
        return written[value.position]
    if value is None or value.__class__ in PLAIN:
        return value
    return _within(value, lambda item: _resolved(item, written))


def _within(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a list, a tuple or a dict with each of its items changed; itself if none is."""
    if isinstance(value, dict):
        return {name: change(item) for name, item in value.items()}
    if not isinstance(value, list | tuple) or not _may_hold(value):
        return value
    items = list(map(change, value))
    if all(map(is_, items, value)):
        return value
    return items if isinstance(value, list) else tuple(items)
