"""Shape rules of movements whose operands may not match or whose result may be larger."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, pointwise
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call, Price

MASK_DTYPES = (torch.bool, torch.uint8)


def shape_by_torch(call: Call) -> Shape:
    """Return the shape that torch gives on its meta device, where no cell is made.

    Of most functions it must import its compiler first, which takes a second or two: it does not of those
    that ask here.

    Raises:
        ShapeMismatch: If it refuses the call; its own words are the reason.
    """
    tensors = [  # a number beside them stays one
        tensor if place and not tensor.dim() else torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        for place, tensor in enumerate(call.tensors)
    ]
    try:
        with untraced():
            return tuple(call.replay(tensors).shape)
    except (RuntimeError, IndexError, ValueError) as error:
        raise ShapeMismatch("") from error


def input_shape(call: Call) -> Shape:
    """Return the shape of the input, which a call writes into or changes cells of."""
    return tuple(call.tensor("input").shape)


def index_shape(call: Call) -> Shape:
    """Return the shape of the index, which the result of a gather has, too."""
    return tuple(call.tensor("index").shape)


def reshape_shape(call: Call) -> Shape:
    """Return the shape of a view or reshape, which keeps the number of cells."""
    shape = tuple(int(size) for size in call["shape"])
    count, known = prod(call.shapes[0]), prod(size for size in shape if size != -1)
    text = " × ".join(map(str, shape)) or "1"
    if -1 not in shape and known != count:
        raise ShapeMismatch(f"a reshape keeps the number of cells: {count} is not {text} = {known}", at=0)
    if -1 in shape and (known == 0 or count % known):
        raise ShapeMismatch(f"{count} cells can't be shared out among {known}: {text}", at=0)
    return shape_by_torch(call)


def cat_shape(call: Call) -> Shape:
    """Return the shape of a cat: all axes but the joined one are equal."""
    shapes = {place: shape for place, shape in enumerate(call.shapes) if shape != (0,)}
    own = next(iter(shapes.values()), (0,))
    if not own:
        raise ShapeMismatch("")  # numbers have no axis to be joined along, says torch
    joined = axis_of(call["dim"], len(own))
    _check_equal(shapes, "joined", f"all axes but the joined one (axis {joined}) must match", joined)
    return (*own[:joined], sum(shape[joined] for shape in shapes.values()), *own[joined + 1 :])


def stack_shape(call: Call) -> Shape:
    """Return the shape of a stack: equal shapes, and a new axis."""
    _check_equal(dict(enumerate(call.shapes)), "stacked", "stacked tensors have equal shapes")
    own = call.shapes[0]
    axis = axis_of(call["dim"], len(own) + 1)
    return (*own[:axis], len(call.shapes), *own[axis:])


def _check_equal(shapes: Mapping[int, Shape], verb: str, rule: str, free: int | None = None) -> None:
    """Raise `ShapeMismatch` where shapes, by their operands, differ along another axis than a free one."""
    first, own = next(iter(shapes.items()), (0, ()))
    for place, shape in shapes.items():
        if len(shape) != len(own):
            ranks = f"{len(own)} and {len(shape)}"
            raise ShapeMismatch(f"tensors that are {verb} have equally many axes, not {ranks}")
        for axis, (one, other) in enumerate(zip(own, shape, strict=True)):
            if axis != free and one != other:
                raise ShapeMismatch(
                    rule, MismatchedAxis(first, axis, one), MismatchedAxis(place, axis, other)
                )


def expand_shape(call: Call) -> Shape:
    """Return the shape of an expand: only axes of size 1 grow."""
    own, sizes = call.shapes[0], call["size"]
    for axis, (old, new) in enumerate(zip(own, sizes[max(len(sizes) - len(own), 0) :], strict=False)):
        if old != 1 and new not in (old, -1):
            rule = f"only an axis of size 1 can grow, to {int(new)}"
            raise ShapeMismatch(rule, MismatchedAxis(0, axis, old))
    return shape_by_torch(call)


def repeat_shape(call: Call) -> Shape:
    """Return the shape of a repeat or a tile: each axis times its count, with new axes at the left."""
    own, is_tile = call.shapes[0], call.operation.name == "tile"
    times = tuple(int(count) for count in call["dims" if is_tile else "repeats"])
    if len(times) < len(own) and not is_tile:
        raise ShapeMismatch(f"repeat needs a number for each of the {len(own)} axes, not {len(times)}")
    if any(count < 0 for count in times):
        raise ShapeMismatch("an axis can't be repeated less than 0 times")
    pairs = zip_longest(reversed(own), reversed(times), fillvalue=1)
    return tuple(reversed([size * count for size, count in pairs]))


def axis_of(dim: Any, rank: int) -> int:
    """Return an axis counted from 0; `ShapeMismatch` if torch will say that there is none."""
    if not -max(rank, 1) <= dim < max(rank, 1):
        raise ShapeMismatch("")
    return int(dim) % max(rank, 1)


def take_along_dim_shape(call: Call) -> Shape:
    """Return the shape of a take_along_dim, whose other axes are broadcast against those of the index."""
    own, index = call.shapes[0], tuple(call.tensor("indices").shape)
    if call["dim"] is None:
        return (prod(index),)
    axis = axis_of(call["dim"], len(own))
    rule = f"but for axis {axis}, an index and what it is for have equal sizes, or one of them 1"
    return pointwise([(*own[:axis], 1, *own[axis + 1 :])[: len(own)], index], rule).shape


def index_select_shape(call: Call) -> Shape:
    """Return the shape of an index_select: as many items along the axis as the index has."""
    own = call.shapes[0]
    axis = axis_of(call["dim"], len(own))
    return (*own[:axis], call.tensor("index").numel(), *own[axis + 1 :]) if own else ()


def diag_shape(call: Call) -> Shape:
    """Return the shape of a diag: a vector becomes a matrix's diagonal, a matrix gives its own."""
    own, offset = call.shapes[0], int(call["diagonal"])
    if len(own) == 1:
        return (own[0] + abs(offset),) * 2
    if len(own) == 2:
        return (max(0, min(own[0] + min(offset, 0), own[1] - max(offset, 0))),)
    raise ShapeMismatch(f"diag takes a vector or a matrix, not {len(own)} axes")


def diag_embed_shape(call: Call) -> Shape:
    """Return the shape of a diag_embed: the last axis becomes the diagonal of a matrix."""
    if not call.shapes[0]:
        raise ShapeMismatch("a number alone has no axis that could become a diagonal")
    *shape, size = call.shapes[0]
    axes = sorted({axis_of(call[name], len(shape) + 2) for name in ("dim1", "dim2")})
    if len(axes) < 2:
        raise ShapeMismatch("the diagonal of the last axis needs two different axes")
    for axis in axes:
        shape.insert(axis, size + abs(int(call["offset"])))
    return tuple(shape)


def repeat_interleave_shape(call: Call) -> Shape:
    """Return the shape of a repeat_interleave: each item of an axis times its count."""
    repeats, dim, shape = call["repeats"], call["dim"], call.shapes[0]
    if isinstance(repeats, int):
        return shape_by_torch(call)
    if repeats is None:  # the tensor itself says how often its positions are repeated
        repeats = call.tensors[0]
    elif dim is None:
        shape = (prod(shape),)
    axis = int(dim or 0) % max(len(shape), 1)
    count = int(repeats.sum()) * (shape[axis] if repeats.numel() == 1 else 1)
    return (*shape[:axis], count, *shape[axis + 1 :])


_INDEX_TENSORS = (Tensor, list, tuple, range, bool)  # what torch indexes with as if it were a tensor


def picked_cells(call: Call) -> Price:
    """Return what `x[key]` takes at most: a cell for each place that its index tensors name; none for a view.

    Index tensors are broadcast. What they leave of the axes is what a key with numbers in their stead leaves.
    """
    key = call["key"]
    several = isinstance(key, list) and any(isinstance(item, Tensor) and item.dim() for item in key)
    places: list[Shape] = []
    masked: list[int] = []
    rest: list[Any] = []
    for item in key if isinstance(key, tuple) or several else [key]:
        if not isinstance(item, _INDEX_TENSORS):
            rest.append(item)
            continue
        index = torch.as_tensor(item)
        if index.dtype in MASK_DTYPES:
            masked.append(index.numel())
        else:
            places.append(tuple(index.shape))
        rest += [0] * key_axes(item)
    if not places and not masked:
        return Price(0)
    left = torch.empty(()).expand(call.shapes[0])[tuple(rest)].numel()
    return Price(prod(pointwise(places).shape) * min(masked, default=1) * left)


def key_axes(item: Any) -> int:
    """Return the number of axes that an item of a key indexes."""
    if item is None or item is ... or isinstance(item, bool):
        return 0
    if isinstance(item, list | tuple | range):
        item = torch.as_tensor(item)
    return item.dim() if isinstance(item, Tensor) and item.dtype in MASK_DTYPES else 1
