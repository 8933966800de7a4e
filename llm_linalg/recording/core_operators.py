"""Operators of torch's core that are functions of torch in another order: what exported modules consist of.

Each is recorded as the function that people write. Its further results, such as the mean of a `layer_norm`
for its backward pass, are those of the operator itself; nobody reads them on the way forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from llm_linalg.base.untraced import untraced

_REDUCTIONS = ("none", "mean", "sum")
# By the number of axes that they go along.
_CONVOLUTIONS: Mapping[int, tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    1: (functional.conv1d, functional.conv_transpose1d),
    2: (functional.conv2d, functional.conv_transpose2d),
    3: (functional.conv3d, functional.conv_transpose3d),
}


def core_body(function: Any, name: str) -> Callable[..., Any] | None:
    """Return what calls the functions that an operator of a name stands for; None for any other."""
    if name in _FIRST_OF_SEVERAL:
        return partial(_with_further, function, _FIRST_OF_SEVERAL[name])
    return _SAME.get(name)


def _with_further(operator: Any, body: Callable[..., Tensor], *args: Any, **kwargs: Any) -> tuple[Any, ...]:
    with untraced():
        _, *further = operator(*args, **kwargs)
    return (body(*args, **kwargs), *further)


def _slice(
    x: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    return x[(*[slice(None)] * (dim % x.dim()), slice(start, end, step))]


def _convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    plain, turned = _CONVOLUTIONS[weight.dim() - 2]
    if transposed:
        return turned(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return plain(x, weight, bias, stride, padding, dilation, groups)


def _cross_entropy(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Tensor:
    return functional.cross_entropy(
        x, target, weight, None, ignore_index, None, _REDUCTIONS[reduction], label_smoothing
    )


def _batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    _cudnn: bool = True,
) -> Tensor:
    return functional.batch_norm(x, mean, var, weight, bias, training, momentum, eps)


def _attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal, scale=scale)


_SAME: Mapping[str, Callable[..., Tensor]] = {
    "aten::_log_softmax": lambda x, dim, _half: torch.log_softmax(x, dim),
    "aten::_softmax": lambda x, dim, _half: torch.softmax(x, dim),
    "aten::_unsafe_view": Tensor.view,
    "aten::alias": lambda x: x.view(x.shape),
    "aten::batch_norm": _batch_norm,
    "aten::convolution": _convolution,
    "aten::cross_entropy_loss": _cross_entropy,
    "aten::group_norm": lambda x, groups, weight=None, bias=None, eps=1e-5, _cudnn=True: (
        functional.group_norm(x, groups, weight, bias, eps)
    ),
    "aten::numpy_T": lambda x: x.T,
    "aten::slice": _slice,
}
_FIRST_OF_SEVERAL: Mapping[str, Callable[..., Tensor]] = {
    "aten::_native_batch_norm_legit_no_training": lambda x, weight, bias, mean, var, momentum, eps: (
        _batch_norm(x, weight, bias, mean, var, False, momentum, eps)
    ),
    "aten::_scaled_dot_product_flash_attention_for_cpu": _attention,
    "aten::max_pool2d_with_indices": functional.max_pool2d,
    "aten::native_group_norm": lambda x, weight, bias, _n, _c, _size, groups, eps: functional.group_norm(
        x, groups, weight, bias, eps
    ),
    "aten::native_layer_norm": functional.layer_norm,
}
