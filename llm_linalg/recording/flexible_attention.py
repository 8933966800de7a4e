"""Attention whose scores and masks are functions of positions, as several calls: `flex_attention`.

torch has no program of it that a function mode could watch: it calls the functions of the reader within
`torch.vmap`, on wrappers without cells. Most of them do the same to all positions at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import _pop_mode_temporarily

from llm_linalg.base.untraced import untraced
from llm_linalg.recording.tensor_index import is_same


def is_flexible(function: Any) -> bool:
    """Return whether a function is the operator that `flex_attention` calls."""
    kind = torch._ops.HigherOrderOperator  # noqa: SLF001
    return isinstance(function, kind) and function.__name__ == "flex_attention"


def flexible_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Tensor],
    block_mask: tuple[Any, ...],
    scale: float,
    options: Any = None,
    score_buffers: tuple[Any, ...] = (),
    mask_buffers: tuple[Any, ...] = (),
) -> tuple[Tensor, ...]:
    """Attend as the operator does; its sums and largest scores are its own.

    Args:
        query: Shape (batch, heads, queries, width).
        key: Shape (batch, heads or fewer, keys, width).
        value: Shape (batch, as many heads as keys have, keys, values).
        score_mod: Gives a score another value: of the score, batch, head, query and key.
        block_mask: A block mask as a tuple, of which the last item says whether a query sees a key.
        scale: What scores are multiplied by.
        options: Of a kernel; they change no number.
        score_buffers: Further arguments of `score_mod`.
        mask_buffers: Further arguments of the mask.
    """
    from torch._higher_order_ops.flex_attention import math_attention
    from torch.nn.attention.flex_attention import _identity, noop_mask

    with _pop_mode_temporarily():
        _, *further = math_attention(
            query, key, value, score_mod, block_mask, scale, options, score_buffers, mask_buffers
        )
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (own.repeat_interleave(groups, dim=1) for own in (key, value))
    precise = torch.float64 if query.dtype == torch.float64 else torch.float32
    scores = (query.to(precise) @ key.to(precise).transpose(-2, -1)) * scale
    with untraced():
        positions = _positions(scores)
    if score_mod is not _identity:
        changed = _at_all_positions(score_mod, [scores], positions, score_buffers)
        if changed.shape != scores.shape:  # of a function that asks for the positions alone
            changed = changed.expand(scores.shape)
    else:
        changed = scores
    mask = block_mask[-1]
    if mask is not noop_mask:
        visible = _at_all_positions(mask, [], positions, mask_buffers)
        changed = torch.where(visible, changed, float("-inf"))
    weights = torch.softmax(changed, dim=-1)
    with untraced():
        is_blind = bool(weights.isnan().any())
    if is_blind:
        blind = torch.isneginf(changed).all(dim=-1, keepdim=True)
        weights = torch.where(blind, 0.0, weights)
    return (weights.to(query.dtype) @ value, *further)


def _positions(scores: Tensor) -> list[Tensor]:
    """Return the numbers of batch, head, query and key, each along its own axis of the scores."""
    return [
        torch.arange(size, device=scores.device).view([-1 if own == axis else 1 for own in range(4)])
        for axis, size in enumerate(scores.shape)
    ]


def _at_all_positions(
    function: Callable[..., Tensor],
    scores: Sequence[Tensor],
    positions: Sequence[Tensor],
    buffers: Sequence[Any],
) -> Tensor:
    """Call what torch calls for each position once for all, if it gives the same, else as torch does.

    Args:
        function: What gives a score another value, or says whether a query sees a key.
        scores: The scores; none for a mask.
        positions: Of batch, head, query and key.
        buffers: Further arguments.
    """
    from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex
    from torch.nn.attention.flex_attention import _vmap_for_bhqkv

    with untraced():
        flat = [own.flatten() for own in positions]

    def each() -> Tensor:
        mapped = _vmap_for_bhqkv(function, (0,) * len(scores), (None,) * len(buffers))
        with TransformGetItemToIndex():
            return mapped(*scores, *flat, *buffers)

    with _pop_mode_temporarily():
        expected = each()
        try:
            together = function(*scores, *positions, *buffers)
            agrees = is_same(together.expand_as(expected), expected)
        except (RuntimeError, IndexError, TypeError, ValueError):
            agrees = False
    return function(*scores, *positions, *buffers) if agrees else each()
