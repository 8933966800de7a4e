"""What stands after the dot of an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llm_linalg.language.arrays import array_creation, array_searching, array_shapes
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.arrays.array_dtypes import dtype_of
from llm_linalg.language.arrays.array_functions import FUNCTIONS

ATTRIBUTES: Mapping[str, Callable[[Array], Any]] = {
    "shape": lambda a: tuple(a.tensor.shape),
    "ndim": lambda a: a.tensor.ndim,
    "size": lambda a: a.tensor.numel(),
    "dtype": lambda a: dtype_of(a.tensor.dtype),
    "T": array_shapes.transpose,
    "itemsize": lambda a: a.tensor.element_size(),
    "nbytes": lambda a: a.tensor.numel() * a.tensor.element_size(),
    "strides": lambda a: tuple(step * a.tensor.element_size() for step in a.tensor.stride()),
}
"""Attributes of arrays."""


def _fill(a: Array, value: Any) -> None:
    a[...] = value


def _sort(a: Array, axis: int = -1) -> None:
    a[...] = array_searching.sort(a, axis)


_FUNCTIONS = """
    sum mean max min std var argmax argmin prod all any cumsum cumprod reshape ravel transpose swapaxes
    squeeze clip round dot trace repeat argsort nonzero take copy
"""
METHODS: Mapping[str, Callable[..., Any]] = {
    **{name: FUNCTIONS[name] for name in _FUNCTIONS.split()},
    "flatten": lambda a: Array(a.tensor.flatten().clone()),
    "astype": array_creation.astype,
    "tolist": lambda a: a.tensor.tolist(),
    "item": lambda a, *place: (a[place] if place else a).item(),
    "fill": _fill,
    "sort": _sort,
}
"""Methods of arrays."""
