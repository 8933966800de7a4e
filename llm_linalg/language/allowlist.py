"""What a program may name: torch's functions, a tensor's methods and attributes, layers.

These are the language's only doors to torch. A name that is not here does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.language import arithmetic, autograd, containers, devices, modules, printing, suggestions
from llm_linalg.ops import TABLE, fallback

_DTYPES = """
    float float32 float64 double half float16 bfloat16 int int8 int16 int32 int64 long uint8 bool
"""
_MATH = """
    sqrt pi tau e inf nan exp log log2 log10 log1p sin cos tan tanh sinh cosh asin acos atan atan2 erf hypot
    floor ceil trunc fabs radians degrees isnan isinf isclose gcd
"""
_LIMITS = "min max eps tiny smallest_normal resolution bits"
_TYPING = "Any Callable Dict Iterable Iterator List Literal Optional Sequence Tuple Union"


def _pick(home: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return what a module or class of torch's has under the names of one of our tables."""
    found = {name: getattr(home, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _operations(place: str, home: Any) -> dict[str, Any]:
    """Return torch's functions that the table of operations, or its list of exceptions, has at a place."""
    return _pick(home, (*TABLE.names_in(place), *fallback.names_in(place)))


@dataclass(frozen=True, slots=True)
class Namespace:
    """What stands before a dot: ``torch``, ``nn``, ``F``, ``math``."""

    name: str
    members: Mapping[str, Any]


def limits(dtype: torch.dtype) -> Namespace:
    """Return what ``torch.finfo`` knows of a type: its least and largest numbers, and the gap after 1."""
    found = torch.finfo(dtype)
    return Namespace("torch.finfo", _pick(found, _LIMITS.split()))


F = Namespace("F", _operations("F", nn.functional))
NN = Namespace(
    "nn", {**_pick(nn, modules.LAYER_NAMES.split()), "functional": F, "Parameter": modules.make_parameter}
)
LINALG = Namespace("torch.linalg", _operations("linalg", torch.linalg))
CUDA = Namespace("torch.cuda", {"is_available": arithmetic.is_cuda_available})
DIST = Namespace("dist", {"all_reduce": devices.all_reduce, "all_gather": devices.all_gather})
MATH = Namespace("math", {**_pick(math, _MATH.split()), "prod": arithmetic.prod})
TYPING = Namespace("typing", {name: name for name in _TYPING.split()})  # what stands there is never looked at
FUTURE = Namespace("__future__", {"annotations": "annotations"})
TORCH = Namespace(
    "torch",
    {
        **_operations("torch", torch),
        "manual_seed": arithmetic.manual_seed,
        **_pick(torch, _DTYPES.split()),
        "pi": math.pi,
        "inf": math.inf,
        "nan": math.nan,
        "nn": NN,
        "linalg": LINALG,
        "cuda": CUDA,
        "empty": torch.zeros,  # what it holds is left open, and here each run is the same
        "empty_like": torch.zeros_like,
        "device": arithmetic.cpu_device,
        "Size": arithmetic.make_size,
        "Tensor": arithmetic.make_tensor,
        "finfo": limits,
        "no_grad": autograd.no_grad,
        "inference_mode": autograd.no_grad,
        "enable_grad": autograd.enable_grad,
        "set_printoptions": printing.set_printoptions,
    },
)
METHODS: Mapping[str, Callable[..., Any]] = {
    **_operations("Tensor", Tensor),
    "to": arithmetic.to_dtype,
    "backward": autograd.backward,
    "tolist": arithmetic.to_list,
}
ATTRIBUTES: Mapping[str, Callable[[Any], Any]] = {
    "shape": lambda x: x.shape,
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "dtype": lambda x: x.dtype,
    "ndim": lambda x: x.ndim,
    "grad": lambda x: x.grad,
    "requires_grad": lambda x: x.requires_grad,
    "data": lambda x: x.detach(),  # the same memory; and unlike torch's own, what writes it is seen
    "is_leaf": lambda x: x.is_leaf,
    "device": lambda x: x.device,
}
STORED: Mapping[str, Callable[[Tensor, Any], None]] = {
    "grad": autograd.set_grad,
    "data": autograd.set_data,
    "requires_grad": autograd.set_requires_grad,
}
"""What ``x.NAME = value`` does, of a tensor."""
FIELDS = ("values", "indices")  # of what topk, sort and max give, in their order
BUILTINS: Mapping[str, Any] = {
    "abs": abs,
    "round": arithmetic.round_number,
    "len": len,
    "any": any,
    "all": all,
    "sorted": containers.sort_items,
    "reversed": containers.reverse_items,
    "set": containers.OrderedSet,
    "dict": containers.make_dict,
    "min": min,
    "max": max,
    "sum": arithmetic.sum_items,
    "float": float,
    "int": int,
    "bool": bool,
    "str": printing.str_text,
    "repr": printing.repr_text,
    "tuple": tuple,
    "list": list,
    "range": arithmetic.make_range,
    "enumerate": arithmetic.enumerate_items,
    "zip": arithmetic.zip_items,
}
IMPORTED: Mapping[str, Namespace] = {"torch": TORCH, "nn": NN, "F": F, "math": MATH, "dist": DIST}
"""What a program has without importing it, by name."""

MODULES: Mapping[str, Namespace] = {
    "torch": TORCH,
    "torch.nn": NN,
    "torch.nn.functional": F,
    "torch.distributed.nn.functional": DIST,
    "math": MATH,
    "typing": TYPING,
    "__future__": FUTURE,
}
REFUSED_ARGUMENTS = frozenset(suggestions.ARGUMENTS)


def attribute(value: Any, name: str) -> Any:
    """Return a tensor's attribute from the table.

    Raises:
        KeyError: If the table lacks it.
    """
    return ATTRIBUTES[name](value)
