"""Functions that only move cells: shapes, axes, joining and splitting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import torch

from llm_linalg.language.arrays.array import Array, as_array
from llm_linalg.language.arrays.array_creation import sizes_of
from llm_linalg.language.arrays.array_operands import Axis, axes_of, flat, tensors_of


def reshape(a: Any, *shape: Any) -> Array:
    """Do what `np.reshape` and `a.reshape` do."""
    sizes = sizes_of(shape[0]) if len(shape) == 1 else sizes_of(shape)
    return Array(as_array(a).tensor.reshape(sizes))


def ravel(a: Any) -> Array:
    """Do what `np.ravel` does: one axis, in the same memory where that can be."""
    return Array(as_array(a).tensor.reshape(-1))


def transpose(a: Any, *axes: Any) -> Array:
    """Do what `np.transpose` and `a.transpose` do."""
    array = as_array(a)
    given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return array.permuted(tuple(given) if given else tuple(reversed(range(array.cells.dim()))))


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """Do what `np.swapaxes` does."""
    array = as_array(a)
    if not array.flips:
        return Array(array.cells.transpose(axis1, axis2))
    order = [*range(array.cells.dim())]
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return array.permuted(order)


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """Do what `np.moveaxis` does."""
    return Array(as_array(a).tensor.movedim(source, destination))


def expand_dims(a: Any, axis: int) -> Array:
    """Do what `np.expand_dims` does."""
    return Array(as_array(a).tensor.unsqueeze(axis))


def squeeze(a: Any, axis: Axis = None) -> Array:
    """Do what `np.squeeze` does."""
    tensor = as_array(a).tensor
    return Array(tensor.squeeze() if axis is None else tensor.squeeze(axis))


def broadcast_to(a: Any, shape: Any) -> Array:
    """Do what `np.broadcast_to` does."""
    return Array(as_array(a).tensor.expand(sizes_of(shape)))


def concatenate(arrays: Any, axis: int | None = 0) -> Array:
    """Do what `np.concatenate` does."""
    tensors = tensors_of(arrays)
    if axis is None:
        return Array(torch.cat(list(map(flat, tensors))))
    return Array(torch.cat(tensors, dim=axis))


def stack(arrays: Any, axis: int = 0) -> Array:
    """Do what `np.stack` does."""
    return Array(torch.stack(tensors_of(arrays), dim=axis))


def vstack(arrays: Any) -> Array:
    """Do what `np.vstack` does."""
    return Array(torch.vstack(tensors_of(arrays)))


def hstack(arrays: Any) -> Array:
    """Do what `np.hstack` does."""
    return Array(torch.hstack(tensors_of(arrays)))


def column_stack(arrays: Any) -> Array:
    """Do what `np.column_stack` does."""
    return Array(torch.column_stack(tensors_of(arrays)))


def split(a: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Do what `np.split` does."""
    tensor = as_array(a).tensor
    if isinstance(indices_or_sections, int) and tensor.shape[axis] % indices_or_sections:
        raise ValueError(f"{tensor.shape[axis]} items can't be split into {indices_or_sections} equal parts")
    return array_split(a, indices_or_sections, axis)


def array_split(a: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Do what `np.array_split` does."""
    given = indices_or_sections
    places = given if isinstance(given, int) else tuple(as_array(given).tensor.tolist())
    return [Array(part) for part in torch.tensor_split(as_array(a).tensor, places, dim=axis)]


def tile(a: Any, reps: Any) -> Array:
    """Do what `np.tile` does."""
    return Array(torch.tile(as_array(a).tensor, sizes_of(reps)))


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Array:
    """Do what `np.repeat` does."""
    times = repeats if isinstance(repeats, int) else as_array(repeats).tensor
    return Array(torch.repeat_interleave(as_array(a).tensor, times, dim=axis))


def flip(a: Any, axis: Axis = None) -> Array:
    """Do what `np.flip` does: it gives a view."""
    array = as_array(a)
    axes = axes_of(axis, array.cells)
    count = array.cells.dim()
    turned = {own % count for own in axes} if count else set()
    return array[tuple(slice(None, None, -1 if own in turned else None) for own in range(count))]


def resize(a: Any, new_shape: Any) -> Array:
    """Do what `np.resize` does: repeat the items until they fill a shape."""
    flat, sizes = as_array(a).tensor.reshape(-1), sizes_of(new_shape)
    if any(size < 0 for size in sizes):
        raise ValueError("all elements of `new_shape` must be non-negative")
    if not flat.numel():
        return Array(torch.zeros(sizes, dtype=flat.dtype))
    count = prod(sizes)
    return Array(flat.repeat(-(-count // flat.numel()))[:count].reshape(sizes))


def roll(a: Any, shift: Any, axis: Any = None) -> Array:
    """Do what `np.roll` does."""
    return Array(torch.roll(as_array(a).tensor, shift, axis))


def append(arr: Any, values: Any, axis: int | None = None) -> Array:
    """Do what `np.append` does: it makes a new array."""
    return concatenate([arr, values], axis) if axis is not None else concatenate([ravel(arr), ravel(values)])


def atleast_2d(a: Any) -> Array:
    """Do what `np.atleast_2d` does."""
    tensor = as_array(a).tensor
    return Array(tensor if tensor.dim() > 1 else tensor.reshape(1, -1))


def diag(v: Any, k: int = 0) -> Array:
    """Do what `np.diag` does."""
    return Array(torch.diag(as_array(v).tensor, k))


def triu(m: Any, k: int = 0) -> Array:
    """Do what `np.triu` does."""
    return Array(torch.triu(as_array(m).tensor, k))


def tril(m: Any, k: int = 0) -> Array:
    """Do what `np.tril` does."""
    return Array(torch.tril(as_array(m).tensor, k))


def trace(a: Any) -> Array:
    """Do what `np.trace` does."""
    return Array(torch.trace(as_array(a).tensor))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        reshape,
        ravel,
        transpose,
        swapaxes,
        moveaxis,
        expand_dims,
        squeeze,
        broadcast_to,
        concatenate,
        stack,
        vstack,
        hstack,
        column_stack,
        split,
        array_split,
        tile,
        repeat,
        flip,
        resize,
        roll,
        append,
        atleast_2d,
        diag,
        triu,
        tril,
        trace,
    )
}
"""Those that `np` has under their own names."""
