"""Cached calls: one plan for all calls of a function with the same shapes, dtypes and plain values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType, NoneType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from llm_linalg.ops.arguments import Function, NumberSlot
from llm_linalg.ops.operation import Call, Operation, SlottedArguments
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
T = TypeVar("T")
SplitCall = tuple[CallKey, list[Tensor], list[Number]]
"""A call's key, and the tensors and numbers that the key leaves open, as they were written."""


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
            if place >= free and _is_open(value):
                key.append(slice)
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
    if value.__class__ is not slice or value.step is not None:
        return False
    return _is_near(value.start) and _is_near(value.stop)


def _is_near(bound: Any) -> bool:
    """Return whether a slice's bound is left out, or a number that is not far beyond any tensor's end."""
    return bound is None or (bound.__class__ is int and -_FAR < bound < _FAR)


def _add(value: Any, key: list[Any], tensors: list[Tensor], numbers: list[Number], any_number: bool) -> bool:
    """Add an argument to the key and the operands; return whether the key now determines it."""
    kind = value.__class__
    if kind in _TENSORS:
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
    """The arguments of all calls with one key, with slots for the operands."""

    operation: Operation  # the table's entry
    slotted: SlottedArguments
    swap: bool  # whether the first two arguments stand in reverse
    order: tuple[int, ...]  # for each tensor of the call, its position as it was written
    in_order: bool  # whether these positions are 0, 1, 2 and so on, as in most calls
    numbers: int  # how many numbers the key leaves open
    written_place: int | None  # the position of the tensor that the call writes to

    @classmethod
    def of(cls, call: Call, written: SlottedArguments, entry: TableEntry) -> CallPlan:
        """Return the plan of a call, given its arguments as they were written and its function's entry."""
        free, slots = entry.operation.first_free_number, []

        def opened(value: Any, whole: bool = False) -> Any:
            """Replace the numbers in an argument by slots; no slice within a list is one."""
            if value.__class__ in _NUMBERS or (whole and _is_open(value)):
                slots.append(NumberSlot())
                return slots[-1]
            return type(value)(map(opened, value)) if value.__class__ in (list, tuple) else value

        values = [*written.args, *written.kwargs.values()]
        values[free:] = [opened(value, whole=True) for value in values[free:]]
        args, named = tuple(values[: len(call.args)]), values[len(call.args) :]
        slotted = SlottedArguments(args, dict(zip(call.kwargs, named, strict=True)), [])
        in_order = call.order == tuple(range(len(call.order)))
        places = call.order, in_order
        return cls(call.operation, slotted, entry.swap, *places, len(slots), call.written_place)

    def ordered(self, written: Sequence[T]) -> tuple[T, ...]:
        """Return what stands for the call's tensors, as they were written, in the order of the parameters."""
        return tuple(written) if self.in_order else tuple([written[place] for place in self.order])

    def call(
        self,
        function: Function,
        tensors: Sequence[Tensor],
        numbers: Sequence[Number],
        output: Tensor,
        position: int,
    ) -> Call:
        """Return the call of tensors, in the order of the parameters, and numbers, as they were written."""
        by_place = dict(zip(self.order, tensors, strict=True))
        written = [by_place[place] for place in range(len(tensors))]
        arguments = self.slotted.with_numbers(numbers)
        call = arguments.bind(self.operation, function, written, self.swap)
        call.output, call.position = output, position
        return call
