"""Functions that go over axes: sums, means, extremes, running sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.arrays.array import Array, as_array, as_floats, cast
from llm_linalg.language.arrays.array_dtypes import torch_dtype
from llm_linalg.language.arrays.array_operands import Axis, axes_of, flat


def reduction(
    function: Callable[..., Tensor], *, in_floats: bool = False, in_whole_numbers: bool = False
) -> Callable[..., Array]:
    """Return NumPy's form of a torch reduction over one axis, several, or all.

    Args:
        function: The reduction.
        in_floats: Whether whole numbers are made floats first.
        in_whole_numbers: Whether truth values are counted as whole numbers.
    """

    def reduce(a: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
        tensor = as_array(a).tensor
        if dtype is not None:
            tensor = cast(tensor, torch_dtype(dtype))
        elif in_floats:
            tensor = as_floats(tensor)
        elif in_whole_numbers and tensor.dtype is torch.bool:
            tensor = tensor.to(torch.int64)
        if not tensor.dim():
            return Array(function(tensor))
        return Array(function(tensor, dim=axes_of(axis, tensor), keepdim=keepdims))

    return reduce


def one_axis(function: Callable[..., Tensor]) -> Callable[..., Array]:
    """Return a reduction over one axis, or over all as one."""

    def reduce(a: Any, axis: int | None = None, keepdims: bool = False) -> Array:
        tensor = as_array(a).tensor
        if axis is None:
            found = function(flat(tensor), dim=0)
            return Array(found.reshape([1] * tensor.dim()) if keepdims else found)
        return Array(function(tensor, dim=axis, keepdim=keepdims))

    return reduce


SUM = reduction(torch.sum, in_whole_numbers=True)
MEAN = reduction(torch.mean, in_floats=True)
MAX, MIN = reduction(torch.amax), reduction(torch.amin)


def prod(a: Any, axis: int | None = None, keepdims: bool = False) -> Array:
    """Do what `np.prod` does."""
    return one_axis(torch.prod)(a, axis, keepdims)


def std(a: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """Do what `np.std` does: it divides by n unless `ddof=1`."""
    return Array(var(a, axis, ddof, keepdims).tensor.sqrt())


def var(a: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """Do what `np.var` does."""
    tensor = as_array(a).tensor
    tensor = as_floats(tensor)
    axes = axes_of(axis, tensor)
    return Array(torch.var(tensor, dim=axes, correction=ddof, keepdim=keepdims))


def median(a: Any, axis: int | None = None, keepdims: bool = False) -> Array:
    """Do what `np.median` does: of an even number it is the mean of the two in the middle."""
    return quantile(a, 0.5, axis, keepdims)


def quantile(a: Any, q: Any, axis: int | None = None, keepdims: bool = False) -> Array:
    """Do what `np.quantile` does."""
    tensor = as_array(a).tensor
    tensor = as_floats(tensor)
    share = q if isinstance(q, float) else cast(as_array(q).tensor, tensor.dtype)
    return Array(torch.quantile(tensor, share, dim=axis, keepdim=keepdims))


def percentile(a: Any, q: Any, axis: int | None = None, keepdims: bool = False) -> Array:
    """Do what `np.percentile` does."""
    return quantile(a, q / 100 if isinstance(q, int | float) else as_array(q) / 100, axis, keepdims)


def average(a: Any, axis: Axis = None, weights: Any = None) -> Array:
    """Do what `np.average` does."""
    if weights is None:
        return MEAN(a, axis)
    shares = as_array(weights)
    whole = SUM(shares, axis if shares.tensor.dim() > 1 else None)
    return as_array(SUM(as_array(a) * shares, axis) / whole)


def running(function: Callable[..., Tensor]) -> Callable[..., Array]:
    """Return NumPy's form of a running sum or product."""

    def run(a: Any, axis: int | None = None) -> Array:
        tensor = as_array(a).tensor
        return Array(function(flat(tensor) if axis is None else tensor, dim=axis or 0))

    return run


def ptp(a: Any, axis: int | None = None) -> Array:
    """Do what `np.ptp` does."""
    return as_array(MAX(a, axis) - MIN(a, axis))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        prod,
        std,
        var,
        median,
        quantile,
        percentile,
        average,
        ptp,
    )
}
"""Those that `np` has under their own names."""
