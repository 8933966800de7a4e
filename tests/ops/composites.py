"""Random calls of composites, for the case builders."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.ops.drawing import Build, Draw, Sample, values

F = nn.functional


def attention(draw: Draw) -> Sample:
    """Attention of a few tokens: plain, causal, with a mask of either kind, batched."""
    batch = draw(st.sampled_from([(), (1,), (2,), (1, 2)]))
    queries, keys, width = (draw(st.integers(1, 3)) for _ in range(3))
    q = values((*batch, queries, width), 1)
    k, v = (values((*batch, keys, width), seed) for seed in (2, 3))
    kind = draw(st.sampled_from(["plain", "causal", "scale", "bool", "float"]))
    if kind == "causal":
        return Sample(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), (q, k, v))
    if kind == "scale":
        return Sample(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.5), (q, k, v))
    if kind == "bool":
        mask = values((queries, keys), 4) > 0
        return Sample(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=mask), (q, k, v))
    if kind == "float":
        added = values((queries, keys), 5)
        return Sample(
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m), (q, k, v, added)
        )
    return Sample(F.scaled_dot_product_attention, (q, k, v))


def entropy(draw: Draw) -> Sample:
    """The cross-entropy of rows with the classes that were right."""
    rows, classes = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    target = torch.arange(rows) % classes
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))
    return Sample(lambda x: F.cross_entropy(x, target, reduction=reduction), (values((rows, classes), 6),))


def squared(draw: Draw) -> Sample:
    """The squared error of two tensors of one shape."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))

    def error(x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(x, y, reduction=reduction)

    return Sample(error, (values(shape, 7), values(shape, 8)))


COMPOSITES: dict[str, Build] = {
    "scaled_dot_product_attention": attention,
    "cross_entropy": entropy,
    "mse_loss": squared,
}
