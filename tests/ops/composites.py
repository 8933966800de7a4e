"""Random calls of composites, for the case builders."""

from __future__ import annotations

from hypothesis import strategies as st
from torch import nn

from tests.ops.drawing import Build, Draw, Sample, values
from tests.ops.layer_calls import loss, of_classes

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


COMPOSITES: dict[str, Build] = {
    "scaled_dot_product_attention": attention,
    "cross_entropy": of_classes(F.cross_entropy),
    "mse_loss": loss(F.mse_loss),
}
