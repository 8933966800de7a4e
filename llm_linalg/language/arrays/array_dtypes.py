"""NumPy's dtypes, and which one the result of an operation has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from llm_linalg.base.short_repr import short_repr

BY_NAME: Mapping[str, torch.dtype] = {
    "bool": torch.bool,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "uint8": torch.uint8,
    "float16": torch.float16,
    "float32": torch.float32,
    "float64": torch.float64,
}
_NAMES = {dtype: name for name, dtype in BY_NAME.items()}
_PYTHON: Mapping[Any, torch.dtype] = {bool: torch.bool, int: torch.int64, float: torch.float64}
_SPELLINGS = {"int": "int64", "float": "float64", "f": "float32", "d": "float64", "i": "int32"}
_WIDE_INTEGERS = frozenset([torch.int32, torch.int64])


class DType:
    """A dtype: what `a.dtype` is.

    Attributes:
        name: NumPy's name.
        torch: The dtype of the tensor.
    """

    __slots__ = ("name", "torch")

    def __init__(self, name: str) -> None:
        self.name = name
        self.torch = BY_NAME[name]

    def __eq__(self, other: object) -> bool:
        try:
            return torch_dtype(other) is self.torch
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"dtype('{self.name}')"


def dtype_of(dtype: torch.dtype) -> DType:
    """Return the dtype of an array over a tensor.

    Raises:
        TypeError: If NumPy has none, as for bfloat16.
    """
    name = _NAMES.get(dtype)
    if name is None:
        raise TypeError(f"NumPy has no {str(dtype).removeprefix('torch.')}: write x.float() before .numpy()")
    return DType(name)


def torch_dtype(given: object) -> torch.dtype:
    """Return the tensor's dtype for what stands after `dtype=`, as NumPy takes it.

    Raises:
        TypeError: If it names no dtype that arrays have here.
    """
    if isinstance(given, DType):
        return given.torch
    if isinstance(given, str):
        given = _SPELLINGS.get(given, given)
        if given in BY_NAME:
            return BY_NAME[given]
    elif isinstance(given, type) and given in _PYTHON:
        return _PYTHON[given]
    known = ", ".join(f"np.{name}" for name in BY_NAME)
    raise TypeError(f"{short_repr(given)} is no dtype of arrays: there are {known}")


def promoted(first: torch.dtype, second: torch.dtype) -> torch.dtype:
    """Return the dtype of a result of two arrays: torch's, but for whole numbers that a float can't hold.

    NumPy makes float64 of int64 and float32, where torch makes float32.
    """
    if first.is_floating_point == second.is_floating_point:
        return torch.promote_types(first, second)
    floating, whole = (first, second) if first.is_floating_point else (second, first)
    if whole in _WIDE_INTEGERS:
        return torch.float64
    if whole is torch.int16 and floating is torch.float16:
        return torch.float32
    return floating


def promoted_with_number(dtype: torch.dtype, number: bool | int | float) -> torch.dtype:
    """Return the dtype of a result of an array and a number of Python's, of which only the kind counts."""
    if isinstance(number, bool) or dtype.is_floating_point:
        return dtype
    if isinstance(number, float):
        return torch.float64
    return torch.int64 if dtype is torch.bool else dtype


def floating(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which NumPy computes `exp` or a mean of such numbers."""
    return dtype if dtype.is_floating_point else torch.float64
