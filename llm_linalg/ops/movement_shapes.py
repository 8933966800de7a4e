"""Shape rules of movements whose operands may not match or whose result may be larger."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, pointwise
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.operation import Call, Work

MASK_DTYPES = (torch.bool, torch.uint8)


def input_shape(call: Call) -> Shape:
    """Return the shape of the input, which a call writes into or changes cells of."""
    return tuple(call.tensor("input").shape)


def reshape_shape(call: Call) -> Shape:
    """Return the shape of a view or reshape, which keeps the number of cells."""
    shape = tuple(int(size) for size in call["shape"])
    count = prod(call.shapes[0])
    unknown = [axis for axis, size in enumerate(shape) if size == -1]
    known = prod(size for size in shape if size != -1)
    if len(unknown) > 1 or any(size < -1 for size in shape):
        raise ShapeMismatch("at most one size may be -1 (worked out from the others), and none less")
    text = " × ".join(map(str, shape)) or "1"
    if unknown:
        if known == 0 or count % known:
            raise ShapeMismatch(f"{count} cells can't be shared out among {known}: {text}", at=0)
        return tuple(count // known if size == -1 else size for size in shape)
    if known != count:
        raise ShapeMismatch(f"a reshape keeps the number of cells: {count} is not {text} = {known}", at=0)
    return shape


def cat_shape(call: Call) -> Shape:
    """Return the shape of a cat: all axes but the joined one are equal."""
    shapes = [shape for shape in call.shapes if shape != (0,)]
    if not shapes:
        return call.shapes[0] if call.shapes else ()
    kept = [place for place, shape in enumerate(call.shapes) if shape != (0,)]
    rank = len(shapes[0])
    dim = int(call["dim"])
    if not -rank <= dim < rank:
        raise ShapeMismatch(f"there is no axis {dim}: the tensors have {rank}")
    dim %= max(rank, 1)
    for place, shape in zip(kept, shapes, strict=True):
        if len(shape) != rank:
            raise ShapeMismatch(
                f"tensors that are joined have equally many axes, not {rank} and {len(shape)}"
            )
        for axis in range(rank):
            if axis != dim and shape[axis] != shapes[0][axis]:
                ends = (
                    MismatchedAxis(kept[0], axis, shapes[0][axis]),
                    MismatchedAxis(place, axis, shape[axis]),
                )
                raise ShapeMismatch(f"all axes but the joined one (axis {dim}) must match", *ends)
    total = sum(shape[dim] for shape in shapes)
    return (*shapes[0][:dim], total, *shapes[0][dim + 1 :])


def stack_shape(call: Call) -> Shape:
    """Return the shape of a stack: equal shapes, and a new axis."""
    first = call.shapes[0]
    rank = len(first) + 1
    dim = int(call["dim"])
    if not -rank <= dim < rank:
        raise ShapeMismatch(f"a new axis can't stand at {dim}: the result has {rank} axes")
    for place, shape in enumerate(call.shapes):
        if len(shape) != len(first):
            raise ShapeMismatch(f"stacked tensors have equally many axes, not {len(first)} and {len(shape)}")
        for axis, (one, other) in enumerate(zip(first, shape, strict=True)):
            if one != other:
                raise ShapeMismatch(
                    "stacked tensors have equal shapes",
                    MismatchedAxis(0, axis, one),
                    MismatchedAxis(place, axis, other),
                )
    dim %= rank
    return (*first[:dim], len(call.shapes), *first[dim:])


def expand_shape(call: Call) -> Shape:
    """Return the shape of an expand: only axes of size 1 grow."""
    own, shape = call.shapes[0], tuple(int(size) for size in call["size"])
    gap = len(shape) - len(own)
    if gap < 0:
        raise ShapeMismatch(
            f"expand can add axes at the left, not take any away: {len(own)} axes to {len(shape)}"
        )
    result = []
    for axis, size in enumerate(shape):
        old = own[axis - gap] if axis >= gap else None
        if size == -1 and old is not None:
            result.append(old)
        elif size < 0:
            raise ShapeMismatch("a new axis needs a size of its own, not -1")
        elif old not in (None, 1, size):
            raise ShapeMismatch(
                f"only an axis of size 1 can grow, to {size}", MismatchedAxis(0, axis - gap, int(old or 0))
            )
        else:
            result.append(size)
    return tuple(result)


def repeat_shape(call: Call) -> Shape:
    """Return the shape of a repeat: each axis times its count, with new axes at the left."""
    own, times = call.shapes[0], tuple(int(count) for count in call["repeats"])
    if len(times) < len(own):
        raise ShapeMismatch(f"repeat needs a number for each of the {len(own)} axes, not {len(times)}")
    return _repeat(own, times)


def tile_shape(call: Call) -> Shape:
    """Return the shape of a tile: a repeat whose missing counts are 1."""
    return _repeat(call.shapes[0], tuple(int(count) for count in call["dims"]))


def _repeat(own: Shape, times: Sequence[int]) -> Shape:
    if any(count < 0 for count in times):
        raise ShapeMismatch("an axis can't be repeated less than 0 times")
    total = max(len(own), len(times))
    own = (1,) * (total - len(own)) + own
    times = (1,) * (total - len(times)) + tuple(times)
    return tuple(size * count for size, count in zip(own, times, strict=True))


def repeat_interleave_shape(call: Call) -> Shape:
    """Return the shape of a repeat_interleave: each item of an axis times its count."""
    repeats, dim = call["repeats"], call["dim"]
    shape = (prod(call.shapes[0]),) if dim is None else call.shapes[0]
    if repeats is None:  # the tensor itself says how often its positions are repeated
        repeats, shape = call.tensors[0], call.shapes[0]
    axis = axis_of(0 if dim is None else dim, len(shape))
    if isinstance(repeats, Tensor) and repeats.numel() != 1:
        count = int(repeats.sum())
    else:
        count = shape[axis] * int(repeats)
    return (*shape[:axis], count, *shape[axis + 1 :])


def axis_of(dim: Any, rank: int) -> int:
    """Return an axis counted from 0.

    Raises:
        ShapeMismatch: If there is no such axis.
    """
    if not -max(rank, 1) <= dim < max(rank, 1):
        raise ShapeMismatch(f"there is no axis {dim}: the tensor has {rank}")
    return int(dim) % max(rank, 1)


def pad_shape(call: Call) -> Shape:
    """Return the shape of a pad, which takes two sizes per axis, from the last axis backwards."""
    own, pads = call.shapes[0], [int(size) for size in call["pad"]]
    if len(pads) % 2 or len(pads) > 2 * len(own):
        raise ShapeMismatch(
            f"pad takes two numbers per axis, of at most {len(own)} axes, not {len(pads)} numbers"
        )
    shape = list(own)
    for place in range(0, len(pads), 2):
        axis = len(own) - 1 - place // 2
        before, after = pads[place], pads[place + 1]
        if shape[axis] + min(before, 0) + min(after, 0) < 0:
            raise ShapeMismatch(
                "more cells would be taken away than there are", MismatchedAxis(0, axis, shape[axis])
            )
        shape[axis] += before + after
    return tuple(shape)


def index_shape(call: Call) -> Shape:
    """Return the shape of the index, which the result of a gather has, too."""
    return tuple(call.tensor("index").shape)


def take_along_dim_shape(call: Call) -> Shape:
    """Return the shape of a take_along_dim, whose other axes are broadcast against those of the index."""
    own, index = call.shapes[0], tuple(call.tensor("indices").shape)
    if call["dim"] is None:
        return (prod(index),)
    if len(own) != len(index):
        raise ShapeMismatch(
            f"an index has as many axes as what it is for: {len(own)}, not {len(index)}",
            at=call.place("indices"),
        )
    if not own:
        return ()
    axis = axis_of(call["dim"], len(own))
    beside = (*own[:axis], 1, *own[axis + 1 :])
    rule = f"but for axis {axis}, an index and what it is for have equal sizes, or one of them 1"
    return pointwise([beside, index], rule).shape


def index_select_shape(call: Call) -> Shape:
    """Return the shape of an index_select: as many items along the axis as the index has."""
    own = call.shapes[0]
    axis = axis_of(call["dim"], len(own))
    count = call.tensor("index").numel()
    return (*own[:axis], count, *own[axis + 1 :]) if own else ()


def diag_shape(call: Call) -> Shape:
    """Return the shape of a diag: a vector becomes a matrix's diagonal, a matrix gives its own."""
    own, offset = call.shapes[0], int(call["diagonal"])
    if len(own) == 1:
        return (own[0] + abs(offset),) * 2
    if len(own) == 2:
        rows, columns = own[0] - max(-offset, 0), own[1] - max(offset, 0)
        return (max(0, min(rows, columns)),)
    raise ShapeMismatch(f"diag takes a vector or a matrix, not {len(own)} axes")


def diag_embed_shape(call: Call) -> Shape:
    """Return the shape of a diag_embed: the last axis becomes the diagonal of a matrix."""
    own, rank = call.shapes[0], len(call.shapes[0]) + 1
    if not own:
        raise ShapeMismatch("diag_embed needs at least one axis")
    axes = sorted({axis_of(call["dim1"], rank), axis_of(call["dim2"], rank)})
    if len(axes) < 2:
        raise ShapeMismatch("the diagonal needs two different axes")
    shape = list(own[:-1])
    for axis in axes:
        shape.insert(axis, own[-1] + abs(int(call["offset"])))
    return tuple(shape)


_INDEX_TENSORS = (Tensor, list, tuple, range, bool)  # what torch indexes with as if it were a tensor


def picked_cells(call: Call) -> Work:
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
        return Work(0)
    left = torch.empty(()).expand(call.shapes[0])[tuple(rest)].numel()
    return Work(prod(pointwise(places).shape) * min(masked, default=1) * left)


def key_axes(item: Any) -> int:
    """Return the number of axes that an item of a key indexes."""
    if item is None or item is ... or isinstance(item, bool):
        return 0
    if isinstance(item, list | tuple | range):
        item = torch.as_tensor(item)
    return item.dim() if isinstance(item, Tensor) and item.dtype in MASK_DTYPES else 1
