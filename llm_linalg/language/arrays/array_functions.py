"""What a program finds in `np`: a name, and the function or the constant.

A function takes arrays, tensors, lists and numbers, and returns arrays, in a few torch calls, which are
recorded like any others.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.arrays import (
    array_cellwise,
    array_creation,
    array_joiners,
    array_linear_algebra,
    array_memory,
    array_padding,
    array_reductions,
    array_searching,
    array_shapes,
)
from llm_linalg.language.arrays.array import Array, as_array
from llm_linalg.language.arrays.array_dtypes import BY_NAME
from llm_linalg.language.arrays.array_text import set_printoptions

_FLOATS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp, "exp2": torch.exp2, "expm1": torch.expm1, "log": torch.log, "log2": torch.log2,
    "log10": torch.log10, "log1p": torch.log1p, "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos,
    "tan": torch.tan, "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh, "arcsin": torch.asin,
    "arccos": torch.acos, "arctan": torch.atan, "degrees": torch.rad2deg, "radians": torch.deg2rad,
    "rad2deg": torch.rad2deg, "deg2rad": torch.deg2rad, "reciprocal": torch.reciprocal, "rint": torch.round,
}  # fmt: skip
_AS_THEY_ARE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs, "absolute": torch.abs, "fabs": torch.abs, "negative": torch.neg, "square": torch.square,
    "sign": torch.sign, "floor": torch.floor, "ceil": torch.ceil, "trunc": torch.trunc, "isnan": torch.isnan,
    "isinf": torch.isinf, "isfinite": torch.isfinite, "logical_not": torch.logical_not,
    "invert": torch.bitwise_not, "copy": torch.clone, "conj": torch.clone,
}  # fmt: skip
_OPERATORS: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "floor_divide": operator.floordiv,
    "mod": operator.mod, "remainder": operator.mod, "power": operator.pow, "matmul": operator.matmul,
    "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge, "bitwise_and": operator.and_,
    "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
}  # fmt: skip
_PAIRS: Mapping[str, Callable[..., Tensor]] = {
    "maximum": torch.maximum, "minimum": torch.minimum, "fmax": torch.fmax, "fmin": torch.fmin,
    "logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_xor": torch.logical_xor,
}  # fmt: skip


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: array_cellwise.unary(function, in_floats=True) for name, function in _FLOATS.items()},
    **{name: array_cellwise.unary(function) for name, function in _AS_THEY_ARE.items()},
    **{name: array_cellwise.binary(function) for name, function in _OPERATORS.items()},
    **{name: array_cellwise.of_tensors(function) for name, function in _PAIRS.items()},
    **{name: array_cellwise.binary(operator.truediv, in_floats=True) for name in ("divide", "true_divide")},
    "arctan2": array_cellwise.of_tensors(torch.atan2, in_floats=True),
    "hypot": array_cellwise.of_tensors(torch.hypot, in_floats=True),
    "round": array_cellwise.around,
    "around": array_cellwise.around,
    **array_creation.FUNCTIONS,
    **array_cellwise.FUNCTIONS,
    **array_reductions.FUNCTIONS,
    **array_shapes.FUNCTIONS,
    **array_searching.FUNCTIONS,
    **array_linear_algebra.FUNCTIONS,
    **array_memory.FUNCTIONS,
    "empty": array_creation.zeros,  # NumPy leaves its cells undefined; here every run is the same
    "identity": array_creation.eye,
    "zeros_like": array_creation.made_like(array_creation.zeros),
    "ones_like": array_creation.made_like(array_creation.ones),
    "empty_like": array_creation.made_like(array_creation.zeros),
    "full_like": array_creation.made_like(array_creation.full),
    "sum": array_reductions.SUM,
    "mean": array_reductions.MEAN,
    "max": array_reductions.MAX,
    "min": array_reductions.MIN,
    "amax": array_reductions.MAX,
    "amin": array_reductions.MIN,
    "nansum": array_reductions.reduction(torch.nansum),
    "nanmean": array_reductions.reduction(torch.nanmean, in_floats=True),
    "all": array_reductions.reduction(torch.all),
    "any": array_reductions.reduction(torch.any),
    "argmax": array_reductions.one_axis(torch.argmax),
    "argmin": array_reductions.one_axis(torch.argmin),
    "cumsum": array_reductions.running(torch.cumsum),
    "cumprod": array_reductions.running(torch.cumprod),
    "count_nonzero": lambda a: Array(torch.count_nonzero(as_array(a).tensor)),
    "fliplr": lambda m: array_shapes.flip(m, 1),
    "flipud": lambda m: array_shapes.flip(m, 0),
    "vdot": array_linear_algebra.dot,
    "set_printoptions": set_printoptions,
    "pad": array_padding.pad,
}
"""The functions of `np`."""

_OTHER_NAMES = {"bool_": "bool", "int_": "int64", "double": "float64", "single": "float32", "half": "float16"}
CONSTANTS: Mapping[str, Any] = {
    **array_joiners.MEMBERS,
    "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "newaxis": None,
    **{name: array_creation.ScalarType(name) for name in BY_NAME},
    **{other: array_creation.ScalarType(name) for other, name in _OTHER_NAMES.items()},
}  # fmt: skip
"""What else stands in `np`: constants, and the scalar types."""
