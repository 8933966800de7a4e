"""Functions that order and search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.arrays.array import Array, as_array
from llm_linalg.language.arrays.array_operands import flat, tensors_of
from llm_linalg.language.arrays.array_shapes import ravel


def sort(a: Any, axis: int = -1) -> Array:
    """Do what `np.sort` does."""
    return Array(torch.sort(as_array(a).tensor, dim=axis, stable=True)[0])


def argsort(a: Any, axis: int = -1, kind: str | None = None) -> Array:
    """Do what `np.argsort` does; equal items keep their order here."""
    if kind not in (None, "quicksort", "stable", "mergesort", "heapsort"):
        raise ValueError(f"{short_repr(kind)} is no kind of sorting")
    return Array(torch.argsort(as_array(a).tensor, dim=axis, stable=True))


def nonzero(a: Any) -> tuple[Array, ...]:
    """Do what `np.nonzero` does."""
    places = torch.nonzero(as_array(a).tensor)
    return tuple(Array(places[:, axis]) for axis in range(places.shape[1]))


def argwhere(a: Any) -> Array:
    """Do what `np.argwhere` does."""
    return Array(torch.nonzero(as_array(a).tensor))


def unique(ar: Any, return_counts: bool = False, return_inverse: bool = False) -> Any:
    """Do what `np.unique` does, for the whole array."""
    tensor = as_array(ar).tensor
    found = torch.unique(flat(tensor), return_counts=return_counts, return_inverse=return_inverse)
    if not (return_counts or return_inverse):
        return Array(found)
    return tuple(Array(each) for each in found)


def bincount(x: Any, minlength: int = 0) -> Array:
    """Do what `np.bincount` does."""
    return Array(torch.bincount(as_array(x).tensor, minlength=minlength))


def searchsorted(a: Any, v: Any, side: str = "left") -> Array:
    """Do what `np.searchsorted` does."""
    first, second = tensors_of([a, v])
    return Array(torch.searchsorted(first, second, right=side == "right"))


def take(a: Any, indices: Any, axis: int | None = None) -> Array:
    """Do what `np.take` does."""
    values = as_array(a)
    if axis is None:
        return ravel(values)[as_array(indices)]
    return values[(slice(None),) * (axis % values.tensor.dim()) + (as_array(indices),)]


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        sort,
        argsort,
        nonzero,
        argwhere,
        unique,
        bincount,
        searchsorted,
        take,
    )
}
"""Those that `np` has under their own names."""
