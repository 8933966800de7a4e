"""Arrays that are made: of numbers, of one number, of a range."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arrays.array import Array, Number, as_array, cast, dtype_of_numbers, new_tensor
from llm_linalg.language.arrays.array_dtypes import DType, dtype_of, torch_dtype
from llm_linalg.ops.creation import spaced

MOST_AXES = 32


def array(value: Any, dtype: Any = None) -> Array:
    """Do what `np.array` does."""
    return Array(new_tensor(value, None if dtype is None else torch_dtype(dtype)))


def asarray(value: Any, dtype: Any = None) -> Array:
    """Do what `np.asarray` does: an array stays what it is."""
    found = as_array(value)
    return found if dtype is None else astype(found, dtype)


def astype(values: Array, dtype: Any) -> Array:
    """Do what `a.astype` does."""
    wanted = torch_dtype(dtype)
    return Array(values.tensor.clone() if values.tensor.dtype is wanted else values.tensor.to(wanted))


def sizes_of(shape: Any) -> tuple[int, ...]:
    """Return a shape that is given as numbers or as one number.

    Raises:
        LimitError: If it has too many axes.
    """
    sizes = shape if isinstance(shape, list | tuple) else (shape,)
    if len(sizes) > MOST_AXES:
        raise LimitError(f"an array of {len(sizes)} axes; {MOST_AXES} are allowed")
    return tuple(operator.index(size) for size in sizes)


def zeros(shape: Any, dtype: Any = float) -> Array:
    """Do what `np.zeros` does."""
    return Array(torch.zeros(sizes_of(shape), dtype=torch_dtype(dtype)))


def ones(shape: Any, dtype: Any = float) -> Array:
    """Do what `np.ones` does."""
    return Array(torch.ones(sizes_of(shape), dtype=torch_dtype(dtype)))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """Do what `np.full` does."""
    if isinstance(fill_value, Number) and dtype is None:
        return Array(torch.full(sizes_of(shape), fill_value, dtype=dtype_of_numbers(fill_value)))
    value = new_tensor(fill_value, None if dtype is None else torch_dtype(dtype))
    return Array(torch.full(sizes_of(shape), value.item(), dtype=value.dtype))


class ScalarType(DType):
    """A dtype by the name that it has in `np`, such as `np.float32`, which also makes a number."""

    __slots__ = ()

    def __call__(self, value: Any = 0) -> Array:
        """Do what `np.float32(x)` does."""
        return Array(new_tensor(value, self.torch))

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"<class 'numpy.{self.name}'>"


def made_like(make: Callable[..., Array]) -> Callable[..., Array]:
    """Return `np.zeros_like` for `np.zeros`, and so on."""

    def made(prototype: Any, *given: Any, dtype: Any = None) -> Array:
        values = as_array(prototype)
        dtype = dtype_of(values.tensor.dtype) if dtype is None else dtype
        return make(tuple(values.tensor.shape), *given, dtype=dtype)

    return made


def eye(rows: int, columns: int | None = None, dtype: Any = float) -> Array:
    """Do what `np.eye` does."""
    return Array(torch.eye(rows, rows if columns is None else columns, dtype=torch_dtype(dtype)))


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Array | Tensor) else value


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Array:
    """Do what `np.arange` does."""
    start, stop = (0, start) if stop is None else (start, stop)
    start, stop, step = map(_number, (start, stop, step))
    whole = all(isinstance(value, int) for value in (start, stop, step))
    wanted = (torch.int64 if whole else torch.float64) if dtype is None else torch_dtype(dtype)
    if whole and wanted is torch.int64:
        return Array(torch.arange(start, max(stop, start) if step > 0 else min(stop, start), step))
    # NumPy multiplies: each cell is the start and so many steps.
    count = max(math.ceil((stop - start) / step), 0)
    return Array(cast(spaced(start, (start + step) - start, count), wanted))


def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True) -> Array:
    """Do what `np.linspace` does."""
    start, stop = _number(start), _number(stop)
    parts = num - 1 if endpoint else num
    if parts < 1:
        return Array(spaced(start, 0, num))
    return Array(spaced(start, (stop - start) / parts, num, stop if endpoint else None))


def logspace(start: float, stop: float, num: int = 50) -> Array:
    """Do what `np.logspace` does."""
    return Array(torch.pow(10.0, linspace(start, stop, num).tensor))


def meshgrid(*axes: Any, indexing: str = "xy") -> tuple[Array, ...]:
    """Do what `np.meshgrid` does."""
    grids = torch.meshgrid(*[as_array(axis).tensor for axis in axes], indexing=indexing)
    return tuple(Array(grid.clone()) for grid in grids)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        array,
        asarray,
        zeros,
        ones,
        full,
        eye,
        arange,
        linspace,
        logspace,
        meshgrid,
    )
}
"""Those that `np` has under their own names."""
