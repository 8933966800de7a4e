"""Vector-Jacobian products by autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Call


def rerun(call: Call, leaves: Sequence[Tensor]) -> Any:
    """Return what a call gives of tensors; those that torch takes no gradient back to require none then."""
    try:
        return call.replay(leaves)
    except RuntimeError as error:
        if "is not differentiable" not in str(error):
            raise
    for leaf in leaves:
        if leaf.requires_grad:
            try:
                call.replay([other if other is leaf else other.detach() for other in leaves])
            except RuntimeError:
                leaf.requires_grad_(False)
    return call.replay(leaves)


def autograd_vjp(
    results: Sequence[Tensor],
    leaves: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    *,
    keep: bool = False,
    twice: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return what cotangents of some results become at the leaves; None where nothing arrives.

    Args:
        results: What was made of the leaves, with a graph.
        leaves: Tensors that require a gradient.
        cotangents: One a result, of its shape.
        keep: Whether the graph is asked again.
        twice: Whether what arrives has a graph of its own.
    """
    # Asked for the gradient of one number torch needs no cotangents: those it compares by way of sympy,
    # whose import takes half a second. Where a result is infinite its share of the sum is of no account.
    with torch.enable_grad():
        shares = [(result * own).sum() for result, own in zip(results, cotangents, strict=True)]
        total = torch.stack(shares).sum() if len(shares) > 1 else shares[0]
    again = keep or None  # None: for as long as `twice` needs it
    return torch.autograd.grad(total, leaves, retain_graph=again, create_graph=twice, allow_unused=True)
