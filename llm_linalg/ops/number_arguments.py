"""Arguments that are numbers, and may be tensors of one number: `x.sum(torch.tensor(0))`."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from operator import index
from types import NoneType
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import ArgumentSlot, Function, fill_slots, leaves, map_slots
from llm_linalg.ops.operation import SlottedArguments
from llm_linalg.ops.table import TABLE

_NUMBERS = """
    dim dim0 dim1 dim2 dims dimension diagonal offset chunks split_size decimals destination source start_dim
    end_dim normalized_shape length start end step steps k n m num_classes pad repeats shape size sizes shifts
    alpha p ord eps correction unbiased keepdim output_size
"""
_OF_NUMBERS = frozenset(_NUMBERS.split())
FRACTIONS = frozenset(["alpha", "p", "ord", "eps"])
_PLAIN_KINDS = frozenset(
    ["reduction", "rowwise", "pointwise"]
)  # their rules know no operands but those with cells


_PLAIN_BOUNDS = frozenset([int, NoneType])
ITEM_FUNCTIONS = frozenset([Tensor.__getitem__, Tensor.__setitem__])


def with_plain_slices(args: Sequence[Any]) -> Sequence[Any]:
    """Return the arguments of `x[…]` with numbers in place of tensors that bound a slice: `x[n : n + 3]`.

    Torch takes such a number at once, so what is written to the tensor later doesn't move the slice.
    """
    own, key, *others = args
    parts = key if key.__class__ is tuple else (key,)
    for part in parts:
        if part.__class__ is slice and _has_tensor_bound(part):
            break
    else:
        return args
    try:
        with untraced():
            plain = tuple([_plain_slice(part) if part.__class__ is slice else part for part in parts])
    except (TypeError, ValueError):  # torch will say that this is no whole number
        return args
    return own, plain if key.__class__ is tuple else plain[0], *others


def _has_tensor_bound(part: slice) -> bool:
    kinds = {part.start.__class__, part.stop.__class__, part.step.__class__}
    return not kinds <= _PLAIN_BOUNDS and any(issubclass(kind, Tensor) for kind in kinds)


def _plain_slice(part: slice) -> slice:
    bounds = part.start, part.stop, part.step
    return slice(*[index(bound) if isinstance(bound, Tensor) else bound for bound in bounds])


def takes_number(operation: str, parameter: str) -> bool:
    """Return whether a parameter takes a number, which may be a tensor's only one."""
    if operation == "lerp":
        return False  # its `end` has as many cells as its start
    return parameter in _OF_NUMBERS or (operation == "select" and parameter == "index")


def plain_number(value: Any, whole: bool) -> Any:
    """Return an argument with the numbers of its tensors in their place."""
    if isinstance(value, list | tuple):
        return [plain_number(item, whole) for item in value]
    if not isinstance(value, Tensor):
        return value
    number = value.item()
    return int(number) if whole and isfinite(number) else number


def with_plain_numbers(function: Function, written: SlottedArguments) -> SlottedArguments:
    """Return the arguments of a call with numbers in place of tensors that only say which axis, or how many.

    Such a tensor is no operand: no cell of the result is computed from its cell.
    """
    entry, tensors = TABLE.entry(function), written.tensors
    if entry is None or len(tensors) < 2 or entry.operation.kind not in _PLAIN_KINDS:
        return written
    with untraced():
        if not any(tensor.numel() == 1 for tensor in tensors):
            return written
        try:
            bound = entry.operation.bind(written.args, written.kwargs, entry.swap)
        except (TypeError, IndexError, ValueError):
            return written
        numbers: dict[int, Any] = {}
        for name, value in bound.items():
            slots = list(leaves(value, ArgumentSlot)) if takes_number(entry.operation.name, name) else []
            if slots and name not in written.kwargs:
                given = {name: fill_slots(value, tensors)}
                if entry.operation.overload_for(given) is not entry.operation:
                    continue  # `torch.max(x, y)` takes y for the other operand, however small it is
            if slots and all(tensors[slot.position].numel() == 1 for slot in slots):
                for slot in slots:
                    numbers[slot.position] = plain_number(tensors[slot.position], name not in FRACTIONS)
    if not numbers:
        return written
    left = [position for position in range(len(tensors)) if position not in numbers]
    slots_left = {position: ArgumentSlot(now) for now, position in enumerate(left)}

    def plain(slot: ArgumentSlot) -> Any:
        return numbers[slot.position] if slot.position in numbers else slots_left[slot.position]

    return SlottedArguments(
        tuple([map_slots(value, plain) for value in written.args]),
        {name: map_slots(value, plain) for name, value in written.kwargs.items()},
        [tensors[position] for position in left],
    )
