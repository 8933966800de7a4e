"""Functions that work cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.arrays.array import Array, as_array, as_floats, elementwise
from llm_linalg.language.arrays.array_dtypes import promoted_with_number
from llm_linalg.language.arrays.array_searching import nonzero


def unary(function: Callable[[Tensor], Tensor], *, in_floats: bool = False) -> Callable[[Any], Array]:
    """Return NumPy's form of a torch function of one tensor, of whole numbers made floats if so asked."""

    def apply(x: Any) -> Array:
        tensor = as_array(x).tensor
        return Array(function(as_floats(tensor) if in_floats else tensor))

    return apply


def binary(function: Callable[..., Tensor], *, in_floats: bool = False) -> Callable[[Any, Any], Array]:
    """Return NumPy's form of an operator."""

    def apply(x1: Any, x2: Any) -> Array:
        return elementwise(function, x1, x2, in_floats=in_floats)

    return apply


def of_tensors(function: Callable[..., Tensor], *, in_floats: bool = False) -> Callable[[Any, Any], Array]:
    """Do what `binary` does, for a function that takes no numbers."""

    def apply(x1: Any, x2: Any) -> Array:
        both = [value if isinstance(value, Array) else as_array(value) for value in (x1, x2)]
        if not isinstance(x1, Array | Tensor | list | tuple) and isinstance(x2, Array):
            both[0] = Array(both[0].tensor.to(promoted_with_number(x2.tensor.dtype, x1)))
        if not isinstance(x2, Array | Tensor | list | tuple) and isinstance(x1, Array):
            both[1] = Array(both[1].tensor.to(promoted_with_number(x1.tensor.dtype, x2)))
        return elementwise(function, *both, in_floats=in_floats)

    return apply


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Do what `np.where` does."""
    test = as_array(condition).tensor
    if x is None or y is None:
        return nonzero(test)
    return of_tensors(lambda left, right: torch.where(test.bool(), left, right))(x, y)


def clip(a: Any, a_min: Any = None, a_max: Any = None) -> Array:
    """Do what `np.clip` does."""
    found = as_array(a)
    if a_min is not None:
        found = of_tensors(torch.maximum)(found, a_min)
    if a_max is not None:
        found = of_tensors(torch.minimum)(found, a_max)
    return as_array(found)


def around(a: Any, decimals: int = 0) -> Array:
    """Do what `np.round` does: NumPy multiplies, rounds and divides."""
    tensor = as_array(a).tensor
    if not tensor.dtype.is_floating_point and decimals >= 0:
        return Array(tensor.clone())
    if decimals == 0:
        return Array(tensor.round())
    scale = 10.0 ** abs(decimals)
    return Array((tensor * scale).round() / scale if decimals > 0 else (tensor / scale).round() * scale)


def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Do what `np.isclose` does."""
    close = partial(torch.isclose, rtol=rtol, atol=atol, equal_nan=equal_nan)
    return of_tensors(close, in_floats=True)(a, b)


def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Do what `np.allclose` does."""
    return bool(isclose(a, b, rtol, atol, equal_nan).tensor.all().item())


def array_equal(a1: Any, a2: Any) -> bool:
    """Do what `np.array_equal` does."""
    first, second = as_array(a1), as_array(a2)
    return first.tensor.shape == second.tensor.shape and bool((first == second).tensor.all().item())


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        where,
        clip,
        isclose,
        allclose,
        array_equal,
    )
}
"""Those that `np` has under their own names."""
