"""What a program may name: torch's functions, a tensor's methods and attributes, layers.

These are the language's only doors to torch. A name that is not here does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg import ranks
from llm_linalg.language import plain

_TORCH = """
    randn rand ones zeros full eye arange linspace tensor randint randperm ones_like zeros_like full_like
    rand_like randn_like
    matmul mm mv bmm dot outer einsum
    add sub mul div pow neg abs sign exp log sqrt rsqrt square reciprocal sin cos tanh sigmoid relu erf
    floor ceil round maximum minimum clamp clip remainder
    lt le gt ge eq ne logical_and logical_or logical_not isnan isinf isfinite isclose where masked_fill
    triu tril diag diagonal diag_embed
    sum mean var std max min amax amin argmax argmin norm prod cumsum cumprod all any logsumexp
    softmax log_softmax layer_norm topk sort argsort
    t transpose permute movedim reshape flatten squeeze unsqueeze broadcast_to split chunk unbind cat concat
    stack narrow select index_select gather scatter_add roll flip tile repeat_interleave clone kron trace
    allclose equal numel is_tensor
"""
_METHODS = """
    matmul mm mv bmm dot outer add sub mul div pow neg abs sign exp log sqrt rsqrt square reciprocal sin cos
    tanh sigmoid relu erf floor ceil round maximum minimum clamp clip remainder
    lt le gt ge eq ne logical_and logical_or logical_not isnan isinf isfinite where masked_fill
    triu tril diag diagonal
    sum mean var std max min amax amin argmax argmin norm prod cumsum cumprod all any logsumexp
    softmax log_softmax topk sort argsort
    t transpose permute movedim reshape view flatten unflatten squeeze unsqueeze expand expand_as broadcast_to
    repeat repeat_interleave split chunk unbind narrow select index_select gather scatter_add roll flip tile
    contiguous clone detach float double half bfloat16 int long bool type_as
    dim size stride numel nelement is_contiguous item storage_offset element_size
    requires_grad_ backward allclose equal
"""
_FUNCTIONAL = """
    softmax log_softmax linear relu gelu silu sigmoid tanh layer_norm rms_norm embedding one_hot cross_entropy
    mse_loss normalize cosine_similarity scaled_dot_product_attention pad dropout
"""
_DTYPES = """
    float float32 float64 double half float16 bfloat16 int int8 int16 int32 int64 long uint8 bool
"""
_MATH = "sqrt pi e inf nan exp log log2 sin cos tan tanh floor ceil radians degrees isnan isinf"
_LAYERS = "Linear Embedding LayerNorm RMSNorm GELU ReLU SiLU Sigmoid Tanh Softmax Sequential Identity"


def _pick(home: Any, names: str) -> dict[str, Any]:
    """Return what a module or class of torch's has under the names of one of our tables."""
    found = {name: getattr(home, name, None) for name in names.split()}
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Namespace:
    """What stands before a dot: ``torch``, ``nn``, ``F``, ``math``."""

    name: str
    members: Mapping[str, Any]


F = Namespace("F", _pick(nn.functional, _FUNCTIONAL))
NN = Namespace("nn", {**_pick(nn, _LAYERS), "functional": F})
DIST = Namespace("dist", {"all_reduce": ranks.all_reduce, "all_gather": ranks.all_gather})
MATH = Namespace("math", {**_pick(math, _MATH), "prod": plain.product})
TORCH = Namespace(
    "torch",
    {
        **_pick(torch, _TORCH),
        "manual_seed": plain.seeded,
        **_pick(torch, _DTYPES),
        "pi": math.pi,
        "inf": math.inf,
        "nan": math.nan,
        "nn": NN,
    },
)
METHODS: Mapping[str, Callable[..., Any]] = {
    **_pick(Tensor, _METHODS),
    "to": plain.converted,
    "tolist": plain.listed,
}
ATTRIBUTES: Mapping[str, Callable[[Any], Any]] = {
    "shape": lambda x: x.shape,
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "dtype": lambda x: x.dtype,
    "ndim": lambda x: x.ndim,
    "grad": lambda x: x.grad,
    "requires_grad": lambda x: x.requires_grad,
    "is_leaf": lambda x: x.is_leaf,
    "device": lambda x: x.device,
}
LAYER_ATTRIBUTES = frozenset(["weight", "bias", "in_features", "out_features", "parameters", "eps"])
BUILTINS: Mapping[str, Any] = {
    "abs": abs,
    "round": plain.rounded,
    "len": len,
    "min": min,
    "max": max,
    "sum": sum,
    "float": float,
    "int": int,
    "bool": bool,
    "str": plain.text,
    "tuple": tuple,
    "list": list,
    "range": plain.bounded_range,
    "enumerate": plain.numbered,
    "zip": plain.paired,
}
IMPORTED: Mapping[str, Namespace] = {"torch": TORCH, "nn": NN, "F": F, "math": MATH, "dist": DIST}
"""What a program has without importing it, by name."""

MODULES: Mapping[str, Namespace] = {
    "torch": TORCH,
    "torch.nn": NN,
    "torch.nn.functional": F,
    "torch.distributed.nn.functional": DIST,
    "math": MATH,
}
REFUSED_ARGUMENTS = frozenset({"out", "device", "generator", "inplace", "pin_memory", "layout"})


def attribute(value: Any, name: str) -> Any:
    """Return a tensor's attribute from the table.

    Raises:
        KeyError: If the table lacks it.
    """
    return ATTRIBUTES[name](value)


def layer_attribute(layer: nn.Module, name: str) -> Any:
    """Return a layer's attribute from the table.

    Raises:
        KeyError: If the table or the layer lacks it.
    """
    if name not in LAYER_ATTRIBUTES:
        raise KeyError(name)
    if name == "parameters":
        return lambda: list(layer.parameters())
    return {"bias": None, **vars(layer), **dict(layer.named_parameters(recurse=False))}[name]
