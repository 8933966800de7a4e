"""What several of NumPy's functions make of their arguments."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from llm_linalg.language.arrays.array import as_array, cast
from llm_linalg.language.arrays.array_dtypes import promoted

Axis = int | tuple[int, ...] | None


def axes_of(axis: Axis, tensor: Tensor) -> tuple[int, ...]:
    """Return the axes that `axis=` names; all of them without it."""
    if axis is None:
        return tuple(range(tensor.dim()))
    return axis if isinstance(axis, tuple) else (axis,)


def flat(tensor: Tensor) -> Tensor:
    """Return a tensor's cells along one axis: itself, if it has but one."""
    return tensor if tensor.dim() == 1 else tensor.reshape(-1)


def tensors_of(arrays: Any) -> list[Tensor]:
    """Return the tensors of several arrays, in one dtype."""
    tensors = [as_array(each).tensor for each in arrays]
    if not tensors:
        raise ValueError("there is no array to put together")
    dtype = tensors[0].dtype
    for tensor in tensors:
        dtype = promoted(dtype, tensor.dtype)
    return [cast(tensor, dtype) for tensor in tensors]
