"""Find products that processors are slow at: those with subnormal factors or results.

A number below the smallest normal one, 1.2e-38 for 32 bits, is subnormal. A product of it, or one that comes
to it, takes many processors as long as tens of others. Shapes don't tell, so large products are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call

FEW_PRODUCTS = 2**17  # take no noticeable time, however slow
SLOWNESS = 32  # other products take as long as one of these
_LEAST_EXPONENT = -87  # exp of less is subnormal


def slow_products(call: Call, products: int) -> int:
    """Return how many of a call's products may be slow, at most."""
    if call.operation.name == "scaled_dot_product_attention" and _has_small_weights(call):
        return products
    return slow_products_of(call.operation.name, call.tensors, products)


def slow_products_of(name: str, tensors: Sequence[Tensor], products: int) -> int:
    """Return how many products of the numbers in these tensors may be slow, at most.

    The smallest factor of a subnormal product is below a root of the smallest normal number: the square root
    where two numbers are multiplied.

    Args:
        name: The name of the operation.
        tensors: Its operands, or those of its gradient.
        products: The number of products.
    """
    factors = max(len(tensors), 2) if name == "einsum" else 2
    with untraced():
        share = sum([_share_below(tensor, factors) for tensor in tensors])
    return int(products * min(share, 1.0))


def has_small_numbers(call: Call) -> bool:
    """Return whether products of a call's numbers may be subnormal, each with one of every operand."""
    with untraced():
        return any(_share_below(tensor, max(len(call.tensors), 2)) > 0 for tensor in call.tensors)


def _share_below(tensor: Tensor, factors: int) -> float:
    """Return the share of a tensor's numbers, zeros aside, below a root of the smallest normal number."""
    if not tensor.is_floating_point() or not tensor.numel():
        return 0.0
    kind = (
        torch.float64 if tensor.dtype is torch.float64 else torch.float32
    )  # others are computed with 32 bits
    bound = torch.finfo(kind).tiny ** (1 / factors)
    storage = tensor.untyped_storage().nbytes() // tensor.element_size()
    repeats = tensor.numel() > storage  # as an expanded tensor does, which may have any size
    numbers = (tensor.detach().as_strided((storage,), (1,), 0) if repeats else tensor.detach()).abs()
    if numbers.min() >= bound:
        return 0.0
    low = int(((numbers < bound) & (numbers > 0)).sum())
    return float(bool(low)) if repeats else low / numbers.numel()


def _has_small_weights(call: Call) -> bool:
    """Return whether an attention may have weights, computed with exp, that are subnormal."""
    query, key, *_ = call.tensors
    scale = call.arguments.get("scale") or call.kwargs.get("scale") or 1 / sqrt(max(query.shape[-1], 1))
    with untraced():
        largest = [float(tensor.detach().norm(dim=-1).max()) for tensor in (query, key) if tensor.numel()]
        masks = [tensor for tensor in call.tensors[3:] if tensor.is_floating_point() and tensor.numel()]
        added = sum([float(mask.nan_to_num(0, 0, 0).abs().max()) for mask in masks])
    return not 2 * prod(largest) * abs(float(scale)) + 2 * added < -_LEAST_EXPONENT
