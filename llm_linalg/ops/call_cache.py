"""Cached calls: one plan for all calls of a function with the same shapes, dtypes and plain values.

The bound arguments and the price of the first such call hold for the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType, NoneType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_linalg.ops.arguments import ArgumentSlot, Function
from llm_linalg.ops.operation import Call

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Operation
    from llm_linalg.ops.table import TableEntry

_TENSORS: frozenset[type[Tensor]] = frozenset([Tensor, nn.Parameter])
_NUMBERS = frozenset([int, float])
_PLAIN = frozenset(
    [bool, str, NoneType, EllipsisType, torch.dtype, torch.device, torch.layout, torch.memory_format]
)
_MOST = 64  # items of a list that goes into a key
_FAR = 2**31  # a bound of a slice that no tensor reaches
CallKey = tuple[Hashable, ...]
Number = int | float | slice
SplitCall = tuple[CallKey, list[Tensor], list[Number]]
"""A call's key, and the tensors and numbers that the key leaves open, as they were written."""

_Part = tuple[int, Any]
"""An argument: the slot of its operand, or one of the two marks below with its value."""
_CONSTANT, _LIST = -1, -2


def split_call(
    function: Function, operation: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> SplitCall | None:
    """Split a call into its key and its operands.

    The operands are its tensors, and its numbers from `Operation.first_free_number` on: of `x[a:b]`, which is
    a view whatever its bounds, that is the slice. Calls with the same key differ in nothing else.

    Returns:
        None if an argument is of a kind that has no key.
    """
    key: list[Any] = [function]
    tensors: list[Tensor] = []
    numbers: list[Number] = []
    free = operation.first_free_number
    try:
        for place, value in enumerate((*args, *kwargs.values()) if kwargs else args):
            # What `_add` does, written out for most arguments: this runs at each torch call.
            kind = value.__class__
            if kind in _TENSORS:
                key += (value.shape, value.dtype, value.is_contiguous())
                tensors.append(value)
            elif kind in _PLAIN:
                key += (kind, value)
            elif place >= free and (kind in _NUMBERS or _is_open(value)):
                key.append(kind)
                numbers.append(value)
            elif not _add(value, key, tensors, numbers, place >= free):
                return None
    except RuntimeError:  # a sparse or nested tensor
        return None
    if kwargs:
        key += kwargs
    return tuple(key), tensors, numbers


def _is_open(value: Any) -> bool:
    """Return whether a value is a slice as most are: of step 1, and with bounds that torch takes."""
    is_plain = value.__class__ is slice and value.step is None
    return is_plain and _is_near(value.start) and _is_near(value.stop)


def _is_near(bound: Any) -> bool:
    """Return whether a slice's bound is left out, or a number that is not far beyond any tensor's end."""
    return bound is None or (bound.__class__ is int and -_FAR < bound < _FAR)


def _add(value: Any, key: list[Any], tensors: list[Tensor], numbers: list[Number], any_number: bool) -> bool:
    """Add an argument to the key and the operands; return whether the key now determines it."""
    kind = value.__class__
    if kind in _TENSORS:  # in a list
        key += (value.shape, value.dtype, value.is_contiguous())
        tensors.append(value)
    elif kind in _NUMBERS:
        if any_number:
            key.append(kind)
            numbers.append(value)
        else:  # 0.0 == -0.0, and equal hashes can be chosen on purpose
            key += (kind, repr(value))
    elif kind in _PLAIN or kind is torch.Size:
        key += (kind, value)
    elif kind is tuple or kind is list:
        key += (kind, len(value))
        if len(value) > _MOST:
            return False
        for item in value:
            if not _add(item, key, tensors, numbers, any_number):
                return False
    elif kind is slice:
        parts = value.start, value.stop, value.step
        for part in parts:
            if part is not None and part.__class__ is not int:
                return False  # before its text is made, which may be endless
        key += (kind, repr(parts))
    else:
        return False
    return True


@dataclass(frozen=True, slots=True)
class CallPlan:
    """The bound arguments of all calls with one key, with slots for the operands.

    Attributes:
        operation: The table's entry.
        args: The positional arguments.
        kwargs: The keyword arguments.
        arguments: All arguments by parameter.
        open: The parameters that hold slots, with their arguments.
        tensors: The slots of the tensors, in the order of the parameters.
        numbers: The slots of the numbers, in the order in which they were written.
        places: For each parameter, which of the tensors are its own.
        order: For each tensor, its position among those of the call as it was written.
        in_order: Whether these positions are those of the parameters, as in most calls.
    """

    operation: Operation
    args: tuple[_Part, ...]
    kwargs: tuple[tuple[str, _Part], ...]
    arguments: Mapping[str, Any]
    open: tuple[tuple[str, _Part], ...]
    tensors: tuple[int, ...]
    numbers: tuple[int, ...]
    places: Mapping[str, tuple[int, ...]]
    order: tuple[int, ...]
    in_order: bool

    @classmethod
    def of(cls, call: Call, entry: TableEntry) -> CallPlan:
        """Return the plan of a bound call, given the table's entry for its function."""
        operation, free = call.operation, entry.operation.first_free_number
        owners: list[Any] = []
        args = [_argument(value, owners, place >= free) for place, value in enumerate(call.args)]
        named = enumerate(call.kwargs.items(), len(args))
        kwargs = {name: _argument(value, owners, place >= free) for place, (name, value) in named}
        bound = operation.bind(args, kwargs, entry.swap)
        parts = [(name, _part(value)) for name, value in bound.items()]
        written_slots = tuple([slot for slot, value in enumerate(owners) if isinstance(value, Tensor)])
        return cls(
            operation,
            tuple(map(_part, args)),
            tuple([(name, _part(value)) for name, value in kwargs.items()]),
            bound,
            tuple([(name, part) for name, part in parts if part[0] != _CONSTANT]),
            tuple([written_slots[place] for place in call.order]),
            tuple([slot for slot in range(len(owners)) if slot not in written_slots]),
            call.places,
            call.order,
            call.order == tuple(range(len(call.order))),
        )

    def call(
        self,
        function: Function,
        tensors: tuple[Tensor, ...],
        numbers: Sequence[Number],
        output: Tensor,
        position: int,
    ) -> Call:
        """Return the call that these operands make.

        Args:
            function: The torch function.
            tensors: The tensors, in the order of the parameters.
            numbers: The numbers, in the order in which they were written.
            output: The result.
            position: The position of the result among several outputs.
        """
        operands = self._operands(tensors, numbers)
        arguments = self._arguments(operands)
        return Call(
            self.operation,
            function,
            tuple([operands[slot] if slot >= 0 else _filled(value, operands) for slot, value in self.args]),
            {
                name: operands[slot] if slot >= 0 else _filled(value, operands)
                for name, (slot, value) in self.kwargs
            },
            arguments,
            tensors,
            self.places,
            self.order,
            output,
            position,
        )

    def describes(self, written: Sequence[Tensor], numbers: Sequence[Number]) -> bool:
        """Return whether its operation is also that of another call with its key, of other cells.

        Args:
            written: The tensors of that call, in the order in which they were written.
            numbers: Its numbers, likewise.
        """
        tensors = [written[place] for place in self.order]
        arguments = self._arguments(self._operands(tensors, numbers))
        return self.operation.overload_for(arguments) is self.operation

    def _operands(self, tensors: Sequence[Tensor], numbers: Sequence[Number]) -> list[Any]:
        """Return tensors and numbers by their slots."""
        by_slot: dict[int, Any] = dict(zip(self.tensors, tensors, strict=True))
        by_slot.update(zip(self.numbers, numbers, strict=True))
        return [by_slot[slot] for slot in range(len(by_slot))]

    def _arguments(self, operands: Sequence[Any]) -> dict[str, Any]:
        """Return all arguments by parameter, with the operands in their slots."""
        arguments = dict(self.arguments)
        for name, (slot, value) in self.open:
            arguments[name] = operands[slot] if slot >= 0 else _filled(value, operands)
        return arguments


@dataclass(frozen=True, slots=True)
class _Several:
    """A list or a tuple with slots in it."""

    kind: type
    parts: tuple[_Part, ...]


def _argument(value: Any, owners: list[Any], any_number: bool) -> Any:
    """Replace the operands in a whole argument by slots; within a list no slice is one."""
    if any_number and _is_open(value):
        owners.append(value)
        return ArgumentSlot(len(owners) - 1)
    return _slotted(value, owners, any_number)


def _slotted(value: Any, owners: list[Any], any_number: bool) -> Any:
    """Replace the operands in an argument by slots, and append them to `owners`."""
    if isinstance(value, Tensor) or (any_number and value.__class__ in _NUMBERS):
        owners.append(value)
        return ArgumentSlot(len(owners) - 1)
    if value.__class__ in (list, tuple):
        return type(value)([_slotted(item, owners, any_number) for item in value])
    return value


def _part(value: Any) -> _Part:
    """Return an argument as a part, so that its slots are found without a search."""
    if value.__class__ is ArgumentSlot:
        return value.position, None
    if value.__class__ in (list, tuple):
        parts = tuple(map(_part, value))
        if any(slot != _CONSTANT for slot, _ in parts):
            return _LIST, _Several(type(value), parts)
    return _CONSTANT, value


def _filled(value: Any, operands: Sequence[Any]) -> Any:
    """Return an argument with the operands in its slots."""
    if value.__class__ is not _Several:
        return value
    return value.kind(
        [operands[slot] if slot >= 0 else _filled(item, operands) for slot, item in value.parts]
    )
