"""Products of vectors with Jacobians, by autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.ops.operation import Call
from llm_linalg.ops.reads import one


def has_gradient(tensor: Tensor) -> bool:
    """Return whether a tensor is of numbers that a gradient flows through: real or complex ones."""
    return tensor.is_floating_point() or tensor.is_complex()


def rerun(replay: Callable[[Sequence[Tensor]], Tensor], leaves: Sequence[Tensor]) -> Any:
    """Replay a call on leaves; a leaf for which torch has no derivative loses its `requires_grad`."""
    try:
        return replay(leaves)
    except TypeError:  # a number, as of `full_like`, that must not require a gradient
        pass
    except RuntimeError as error:
        if "is not differentiable" not in str(error):
            raise
    for leaf in leaves:
        if leaf.requires_grad:
            try:
                replay([other if other is leaf else other.detach() for other in leaves])
            except (RuntimeError, TypeError):
                leaf.requires_grad_(False)
    return replay(leaves)


def whole_vjp(call: Call, cotangents: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the VJP of all results of a call for each operand, by calling its function again.

    Args:
        call: The call.
        cotangents: One for each result; None for one from which nothing arrives.

    Raises:
        LookupError: If the function gives other values now.
    """
    with torch.enable_grad():
        leaves = [tensor.detach().clone().requires_grad_(has_gradient(tensor)) for tensor in call.tensors]
        results: list[Tensor] = []

        def replay(tensors: Sequence[Tensor]) -> Tensor:
            results[:] = call.replay_all(tensors)
            return results[call.position]

        again = rerun(replay, leaves).detach()
        if not torch.allclose(again, call.result, rtol=0, atol=0, equal_nan=True):
            raise LookupError("its function gives other values when it is called again")
        total = torch.zeros((), requires_grad=True)
        for own, cotangent in zip(results, cotangents, strict=True):
            if cotangent is not None and own.requires_grad:
                total = total + _share(own, cotangent)
        real = [leaf for leaf in leaves if leaf.requires_grad]
        gradients = iter(torch.autograd.grad(total, real, allow_unused=True, materialize_grads=True))
    return [next(gradients) if leaf.requires_grad else torch.zeros_like(leaf) for leaf in leaves]


def _share(result: Tensor, cotangent: Tensor) -> Tensor:
    """Return the number that moves with a result as its cotangent says; by torch's convention for complex."""
    if not result.is_complex():
        return (result * cotangent).sum()
    return (result * cotangent.conj()).real.sum()


def autograd_vjp(
    results: Sequence[Tensor],
    leaves: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    *,
    keep: bool = False,
    twice: bool = False,
) -> list[Tensor | None]:
    """Return the vector-Jacobian product for each leaf; None where no gradient arrives.

    Args:
        results: Tensors computed from the leaves, with an autograd graph.
        leaves: The tensors; None is the gradient of those that require none.
        cotangents: One for each result, of its shape.
        keep: Whether to keep the graph for another backward pass.
        twice: Whether to build a graph of the result (`create_graph`).
    """
    # The gradient of a scalar needs no cotangents, which torch would compare by way of sympy, whose import
    # takes half a second. An infinite result does no harm: its own value is not used.
    with torch.enable_grad():
        shares = [_share(result, own) for result, own in zip(results, cotangents, strict=True)]
        total = torch.stack(shares).sum() if len(shares) > 1 else shares[0]
    again = keep or None  # None: for as long as `twice` needs it
    real = [leaf for leaf in leaves if leaf.requires_grad]
    gradients = torch.autograd.grad(total, real, retain_graph=again, create_graph=twice, allow_unused=True)
    taken = iter(gradients)
    return [next(taken) if leaf.requires_grad else None for leaf in leaves]


def has_double_backward(result: Tensor, leaf: Tensor) -> bool:
    """Return whether torch differentiates a result's VJP again: else a JVP takes a pass for each cell."""
    cotangent = torch.ones_like(result).requires_grad_()
    try:
        (taken,) = autograd_vjp([result], [leaf], [cotangent], keep=True, twice=True)
        if taken is None or not (taken.requires_grad or taken.any()):
            return True
        # A backward pass of somebody's own may forget that it depends on its cotangent.
        again = autograd_vjp([taken], [cotangent], [torch.zeros_like(taken)], keep=True)
    except RuntimeError:
        return False
    return again[0] is not None


def autograd_jvp(
    result: Tensor, leaves: Sequence[Tensor], tangents: Sequence[Tensor | None]
) -> Tensor | None:
    """Return the Jacobian-vector product of a result for tangents of some leaves; None where nothing arrives.

    A VJP is linear in its cotangent, so that its own VJP is the JVP (the double-backward trick). A kernel
    whose backward pass has none of its own is asked for one cell of the result after the other.
    """

    def meeting(taken: Sequence[Tensor | None]) -> list[tuple[Tensor, Tensor]]:
        pairs = zip(taken, tangents, strict=True)
        return [(own, tangent) for own, tangent in pairs if own is not None and tangent is not None]

    try:
        cotangent = torch.ones_like(result).requires_grad_()
        taken = autograd_vjp([result], leaves, [cotangent], keep=True, twice=True)
        pairs = [(own, tangent) for own, tangent in meeting(taken) if own.requires_grad or own.any()]
        if not pairs:
            return None
        pulled, pushed = zip(*pairs, strict=True)
        linked = all(own.requires_grad for own in pulled)
        if linked and (carried := autograd_vjp(pulled, [cotangent], pushed)[0]) is not None:
            return carried if carried.layout is torch.strided else carried.to_dense()
        raise RuntimeError("a backward pass forgets that it depends on its cotangent")
    except RuntimeError:
        carried = torch.zeros(result.shape, dtype=result.dtype)  # dense, whatever it is
        for cell in map(tuple, torch.ones(result.shape).nonzero().tolist()):
            seed = one(tuple(result.shape), cell).to(result.dtype)
            pairs = meeting(autograd_vjp([result], leaves, [seed], keep=True))
            carried[cell] = sum(float((own * tangent).sum()) for own, tangent in pairs)
        return carried
