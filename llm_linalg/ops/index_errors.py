"""Why torch refused an index: in a key, a gather or a scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.movement_shapes import MASK_DTYPES, key_axes
from llm_linalg.ops.operation import Call

_LISTED: Any = list | tuple | range


def non_integer_index(tensor: Tensor, place: int, what: str) -> ShapeMismatch | None:
    """Return the mismatch of an index that holds other numbers than integers; else None."""
    if tensor.dtype in (torch.int32, torch.int64):
        return None
    return ShapeMismatch(f"{what} are whole numbers (torch.long), not {tensor.dtype}", at=place)


def _items(call: Call) -> Iterator[tuple[int, Any]]:
    """Yield each item of a key with its first axis; `...` and None take no axis."""
    key, rank = call["key"], len(call.shapes[0])
    items = list(key) if isinstance(key, tuple) else [key]
    taken = [key_axes(item) for item in items]
    axis = 0
    for position, item in enumerate(items):
        if item is ...:
            axis = rank - sum(taken[position + 1 :])
        yield axis, item
        axis += taken[position]


def _picked(call: Call) -> ShapeMismatch | None:
    own = call.shapes[0]
    for axis, item in _items(call):
        if axis + key_axes(item) > len(own):
            return ShapeMismatch(f"it has {len(own)} axes, and the key is for more", at=0)
        if isinstance(item, int) and not isinstance(item, bool) and not -own[axis] <= item < own[axis]:
            return ShapeMismatch(
                f"it runs from 0 to {own[axis] - 1}, and {item} is out of range",
                MismatchedAxis(0, axis, own[axis]),
            )
        if not isinstance(item, Tensor):
            continue
        place = next(p for p, tensor in enumerate(call.tensors) if tensor is item)
        if item.dtype not in MASK_DTYPES:
            wrong = non_integer_index(item, place, "places") or _position_mismatch(item, axis, own)
            if wrong is not None:
                return wrong
            continue
        for offset, size in enumerate(item.shape):
            if own[axis + offset] != size:
                ends = (
                    MismatchedAxis(0, axis + offset, own[axis + offset]),
                    MismatchedAxis(place, offset, size),
                )
                return ShapeMismatch("a mask has the sizes of the axes that it stands for", *ends)
    return _broadcast_mismatch(call)


def _broadcast_mismatch(call: Call) -> ShapeMismatch | None:
    """Explain which indices of a key can't be broadcast to one shape."""
    indices = [_index_axes(call, item) for _, item in _items(call) if isinstance(item, Tensor | _LISTED)]
    for back in range(1, max(map(len, indices), default=0) + 1):
        sizes = [axes[-back] for axes in indices if back <= len(axes) and axes[-back].size != 1]
        other = next((axis for axis in sizes if axis.size != sizes[0].size), None)
        if other is None:
            continue
        rule = "the places are taken together, the first of each, the second of each"
        if min(sizes[0].operand, other.operand) > 0:
            return ShapeMismatch(rule, sizes[0], other)
        return ShapeMismatch(
            f"{rule}: one index has {sizes[0].size} along an axis, another one {other.size}", at=0
        )
    return None


def _index_axes(call: Call, index: Any) -> list[MismatchedAxis]:
    """Return the axes of an index in a key; those of a list or a mask count as operand 0's."""
    if isinstance(index, Tensor) and index.dtype in MASK_DTYPES:
        return [MismatchedAxis(0, 0, int(index.count_nonzero()))]
    if isinstance(index, Tensor):
        place = next(p for p, tensor in enumerate(call.tensors) if tensor is index)
        return [MismatchedAxis(place, axis, size) for axis, size in enumerate(index.shape)]
    return [MismatchedAxis(0, axis, size) for axis, size in enumerate(torch.tensor(index).shape)]


def _position_mismatch(
    index: Tensor, axis: int, own: Shape, least: int | None = None
) -> ShapeMismatch | None:
    """Return the mismatch of a position beyond an axis; by default it may count from the end."""
    wrong = out_of_bounds(index, -own[axis] if least is None else least, own[axis] - 1)
    if wrong is None:
        return None
    return ShapeMismatch(
        f"it runs from 0 to {own[axis] - 1}, and {wrong} is out of range", MismatchedAxis(0, axis, own[axis])
    )


def out_of_bounds(index: Tensor, least: int, most: int | None) -> int | None:
    """Return the largest position in an index, or the smallest, if it is out of bounds."""
    if not index.numel():
        return None
    smallest, largest = map(int, torch.aminmax(index))
    if most is not None and largest > most:
        return largest
    return smallest if smallest < least else None


def _written(call: Call) -> ShapeMismatch | None:
    key = _picked(call)
    value = call.place("value")
    if key is not None or value is None:
        return key
    place, room = value, tuple(call.tensors[0][call["key"]].shape)
    given = call.shapes[place]
    for back in range(1, len(given) + 1):
        there = room[-back] if back <= len(room) else 1
        if given[-back] not in (1, there):
            axis = MismatchedAxis(place, len(given) - back, given[-back])
            return ShapeMismatch(
                f"what is written has the shape of its place, {room}, or repeats to it", axis
            )
    return None


def _index_mismatch(call: Call) -> ShapeMismatch | None:
    """Explain why the index of a gather or scatter does not fit the tensor."""
    index, place = call.tensor("index"), call.place("index") or 0
    own, given, axis = call.shapes[0], tuple(index.shape), call.dim()
    if len(given) != len(own):
        rule = f"an index has as many axes as what it is for: {len(own)}, not {len(given)}"
        return ShapeMismatch(rule, at=place)
    for other, (size, most) in enumerate(zip(given, own, strict=True)):
        if other != axis and size > most:
            ends = MismatchedAxis(0, other, most), MismatchedAxis(place, other, size)
            return ShapeMismatch(
                f"but for axis {axis}, an index is at most as large as what it is for", *ends
            )
    return non_integer_index(index, place, "places") or _position_mismatch(index, axis, own, 0)


def _selected(call: Call) -> ShapeMismatch | None:
    index, place = call.tensor("index"), call.place("index") or 0
    if index.dim() > 1:
        return ShapeMismatch(f"the index of index_select has one axis, not {index.dim()}", at=place)
    return non_integer_index(index, place, "places") or _position_mismatch(
        index, call.dim(), call.shapes[0], 0
    )


INDEX_ERRORS: Mapping[str, Callable[[Call], ShapeMismatch | None]] = {
    "getitem": _picked,
    "setitem": _written,
    "gather": _index_mismatch,
    "scatter": _index_mismatch,
    "scatter_add": _index_mismatch,
    "index_select": _selected,
}
