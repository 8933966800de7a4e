"""`out=`: the result of a function of torch's or NumPy's, written into a tensor or array that is there."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.arrays.array import Array


def check_gradients(name: str, out: Any, arguments: list[Any]) -> None:
    """Refuse `out=` where gradients flow, as torch does: what is written there has no gradient.

    Raises:
        RuntimeError: If gradients are recorded, and flow to an argument or to `out`.
    """
    tensors = [value for value in (out, *arguments) if isinstance(value, Tensor)]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        raise RuntimeError(f"{name} with out= has no gradient, and one flows here: bind the result to a name")


def write_into(out: Any, result: Any) -> Any:
    """Write a result into what `out=` names, and return that; several results go into a tuple of as many.

    Raises:
        TypeError: If that is no tensor, or no array for an array, or has another dtype.
        ValueError: If it has another shape.
    """
    if isinstance(out, tuple | list) and isinstance(result, tuple) and len(out) == len(result):
        return tuple(write_into(each, value) for each, value in zip(out, result, strict=True))
    if isinstance(out, Array) and isinstance(result, Array):
        with out.writing() as place:
            _copy(place, result.tensor)
    elif isinstance(out, Tensor) and isinstance(result, Tensor):
        _copy(out, result)
    else:
        raise TypeError(f"out= is what the result is written into, such as a tensor, not {short_repr(out)}")
    return out


def _copy(place: Tensor, value: Tensor) -> None:
    if place.dtype is not value.dtype:
        _differ("dtype", place.dtype, value.dtype)
    if place.shape != value.shape:
        _differ("shape", tuple(place.shape), tuple(value.shape))
    place.copy_(value)


def _differ(what: str, place: Any, value: Any) -> NoReturn:
    raise ValueError(f"out= has the {what} {place}, and the result {value}: make one like the result")
