"""Why torch refused an index: in a key, a gather or a scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, pointwise
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
        if item is None or item is ... or isinstance(item, slice | bool):
            continue
        index, place = torch.as_tensor(item), _place(call, item)
        if index.dtype not in MASK_DTYPES:
            wrong = non_integer_index(index, place, "places") or _position_mismatch(index, axis, own)
            if wrong is not None:
                return wrong
            continue
        for offset, size in enumerate(index.shape):
            if own[axis + offset] != size:
                there = MismatchedAxis(0, axis + offset, own[axis + offset])
                ends = [there, MismatchedAxis(place, offset, size)][: 2 if place else 1]
                return ShapeMismatch("a mask has the sizes of the axes that it stands for", *ends)
    return _broadcast_mismatch(call)


def _place(call: Call, item: Any) -> int:
    """Return which operand an item of a key is; 0, the operand that it is the key of, if it is a list."""
    return next((place for place, tensor in enumerate(call.tensors) if tensor is item), 0)


def _broadcast_mismatch(call: Call) -> ShapeMismatch | None:
    """Explain which indices of a key can't be broadcast to one shape."""
    places, shapes = [], []
    for item in [item for _, item in _items(call) if isinstance(item, Tensor | _LISTED)]:
        index = torch.as_tensor(item)
        is_mask = index.dtype in MASK_DTYPES  # it stands for the places where it is True
        places.append(0 if is_mask else _place(call, item))
        shapes.append((int(index.count_nonzero()),) if is_mask else tuple(index.shape))
    try:
        pointwise(shapes)
    except ShapeMismatch as clash:
        one, other = (axis._replace(operand=places[axis.operand]) for axis in clash.axes)
        rule = "the places are taken together, the first of each, the second of each"
        if min(one.operand, other.operand) > 0:
            return ShapeMismatch(rule, one, other)
        return ShapeMismatch(
            f"{rule}: one index has {one.size} along an axis, another one {other.size}", at=0
        )
    return None


def _position_mismatch(
    index: Tensor, axis: int, own: Shape, least: int | None = None
) -> ShapeMismatch | None:
    """Return the mismatch of a position beyond an axis; by default it may count from the end."""
    size = own[axis]
    rule = f"it runs from 0 to {size - 1}, and"
    return beyond(index, size, rule, MismatchedAxis(0, axis, size), least=-size if least is None else least)


def beyond(
    index: Tensor, size: int | None, rule: str, *axes: MismatchedAxis, at: int | None = None, least: int = 0
) -> ShapeMismatch | None:
    """Return the mismatch of the largest position in an index, or the smallest, if it is out of bounds.

    There are `size` positions to choose from, if that is known, from `least` on. `rule` says what they are,
    before what is wrong with this one; `at` is the operand that it is about, if it is about no particular
    axis.
    """
    if not index.numel():
        return None
    smallest, largest = map(int, torch.aminmax(index))
    is_high = size is not None and largest >= size
    if not is_high and smallest >= least:
        return None
    return ShapeMismatch(f"{rule} {largest if is_high else smallest} is out of range", *axes, at=at)


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
