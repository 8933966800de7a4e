"""Functions that work cell by cell."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.arrays.array import Array, Number, as_array, as_floats, elementwise
from llm_linalg.language.arrays.array_dtypes import promoted_with_number
from llm_linalg.language.arrays.array_searching import nonzero

_BOUNDS = {torch.maximum: "min", torch.minimum: "max"}
"""What `torch.clamp` calls the number that stands beside an array in these."""


def _holds(dtype: torch.dtype, number: Number) -> bool:
    """Return whether torch makes of an array of a dtype, and a number beside it, what NumPy does."""
    if dtype is torch.float64:
        return not isinstance(number, bool)
    if dtype is torch.float32:
        return isinstance(number, float) and not abs(number) > torch.finfo(dtype).max
    return dtype is torch.int64 and number.__class__ is int


def _like(found: Array, *given: Any) -> Array | Tensor:
    """Return a result as NumPy hands it to torch where a tensor was given: a tensor, without booleans."""
    if not any(isinstance(value, Tensor) for value in given):
        return found
    return found.tensor.to(torch.uint8) if found.tensor.dtype is torch.bool else found.tensor


def unary(
    function: Callable[[Tensor], Tensor], *, in_floats: bool = False
) -> Callable[[Any], Array | Tensor]:
    """Return NumPy's form of a torch function of one tensor, of whole numbers made floats if so asked."""

    def apply(x: Any) -> Array | Tensor:
        tensor = as_array(x).tensor
        return _like(Array(function(as_floats(tensor) if in_floats else tensor)), x)

    return apply


def binary(
    function: Callable[..., Tensor], *, in_floats: bool = False
) -> Callable[[Any, Any], Array | Tensor]:
    """Return NumPy's form of an operator."""

    def apply(x1: Any, x2: Any) -> Array | Tensor:
        return _like(elementwise(function, x1, x2, in_floats=in_floats), x1, x2)

    return apply


def of_tensors(
    function: Callable[..., Tensor], *, in_floats: bool = False
) -> Callable[[Any, Any], Array | Tensor]:
    """Do what `binary` does, for a function that takes no numbers."""

    def apply(x1: Any, x2: Any) -> Array | Tensor:
        return _like(_of_arrays(function, x1, x2, in_floats=in_floats), x1, x2)

    return apply


def _of_arrays(function: Callable[..., Tensor], x1: Any, x2: Any, *, in_floats: bool = False) -> Array:
    """Return what a function that takes no numbers makes of two operands, whatever they are."""
    if function in _BOUNDS and isinstance(x1, Number) != isinstance(x2, Number):
        values, bound = (as_array(x2).tensor, x1) if isinstance(x1, Number) else (as_array(x1).tensor, x2)
        if _holds(values.dtype, bound):  # one step, where a number made a tensor would be three
            bounds: dict[str, Any] = {_BOUNDS[function]: bound}
            return Array(torch.clamp(values, **bounds))
    both = [as_array(value) for value in (x1, x2)]
    for place, (own, other) in enumerate(((x1, both[1]), (x2, both[0]))):
        if isinstance(own, Number) and not isinstance((x1, x2)[1 - place], Number):
            both[place] = Array(both[place].tensor.to(promoted_with_number(other.tensor.dtype, own)))
    return elementwise(function, *both, in_floats=in_floats)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Do what `np.where` does."""
    test = as_array(condition).tensor
    if x is None or y is None:
        return nonzero(test)
    test = test if test.dtype is torch.bool else test.bool()
    numbers = [value for value in (x, y) if isinstance(value, Number)]
    dtypes = [as_array(value).tensor.dtype for value in (x, y) if not isinstance(value, Number)]
    if numbers and all(_holds((*dtypes, torch.int64)[0], number) for number in numbers):
        left, right = (value if isinstance(value, Number) else as_array(value).tensor for value in (x, y))
        return Array(torch.where(test, left, right))
    return _of_arrays(lambda left, right: torch.where(test, left, right), x, y)


def clip(a: Any, a_min: Any = None, a_max: Any = None) -> Array | Tensor:
    """Do what `np.clip` does."""
    found = as_array(a)
    bounds = [bound for bound in (a_min, a_max) if bound is not None]
    if bounds and all(isinstance(bound, Number) and _holds(found.tensor.dtype, bound) for bound in bounds):
        return _like(Array(torch.clamp(found.tensor, a_min, a_max)), a)
    if a_min is not None:
        found = _of_arrays(torch.maximum, found, a_min)
    if a_max is not None:
        found = _of_arrays(torch.minimum, found, a_max)
    return _like(found, a)


def around(a: Any, decimals: int = 0) -> Array | Tensor:
    """Do what `np.round` does: NumPy multiplies, rounds and divides."""
    return _like(_around(a, decimals), a)


def _around(a: Any, decimals: int) -> Array:
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
    return _of_arrays(close, a, b, in_floats=True)


def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Do what `np.allclose` does."""
    return bool(isclose(a, b, rtol, atol, equal_nan).tensor.all().item())


def array_equal(a1: Any, a2: Any) -> bool:
    """Do what `np.array_equal` does."""
    first, second = as_array(a1), as_array(a2)
    return first.tensor.shape == second.tensor.shape and bool(
        elementwise(operator.eq, first, second).tensor.all().item()
    )


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
