"""The attention patterns of a trace: found whatever computed them, and equal to softmax(Q Kᵀ/√d + mask)."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from llm_linalg import Trace, trace
from tests.engine.here import run
from tests.two_blocks import TWO_BLOCKS

SIZES = st.integers(1, 4)
MASKS = ("none", "causal", "bool", "float")


def weights_of(found: Trace) -> Tensor:
    """Returns the weights of all heads of a trace, one below another."""
    return torch.stack([head.weights for head in found.heads])


def expected(query: Tensor, key: Tensor, mask: Tensor | None, scale: float | None = None) -> Tensor:
    """Returns the weights as the formula says; of a query that sees no key all are 0."""
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if mask is not None:
        scores = scores + (
            torch.zeros(mask.shape).masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else mask
        )
    return scores.softmax(-1).nan_to_num(0.0)


def drawn_mask(kind: str, queries: int, keys: int, leading: tuple[int, ...]) -> Tensor | None:
    if kind == "none":
        return None
    if kind == "causal":
        return torch.ones(queries, keys, dtype=torch.bool).tril()
    if kind == "bool":
        return torch.rand(*leading, queries, keys) < 0.6
    return torch.randn(*leading, queries, keys)


@given(st.data())
def test_a_fused_call_has_the_weights_of_the_formula(data: st.DataObject) -> None:
    batch, shared, groups, queries, keys, width = (data.draw(SIZES) for _ in range(6))
    kind, scale = data.draw(st.sampled_from(MASKS)), data.draw(st.sampled_from([None, 0.3]))
    leading = data.draw(st.sampled_from([(), (1, 1), (batch, 1), (batch, groups * shared)]))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    query = torch.randn(batch, groups * shared, queries, width)
    key, value = torch.randn(2, batch, groups, keys, width).unbind()
    mask = drawn_mask(kind, queries, keys, leading)
    several = shared > 1

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if kind == "causal":
            return functional.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=scale, enable_gqa=several
            )
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scale, enable_gqa=several
        )

    found = trace(attend, query, key, value)
    heads = found.heads
    assert [(head.batch, head.head, head.layer) for head in heads] == [
        (b, h, 0) for b in range(batch) for h in range(groups * shared)
    ]
    wanted = expected(query, key.repeat_interleave(shared, 1), mask, scale)
    torch.testing.assert_close(weights_of(found).reshape(wanted.shape), wanted)
    result = weights_of(found).reshape(wanted.shape) @ value.repeat_interleave(shared, 1)
    torch.testing.assert_close(result, attend(query, key, value))


def by_matmul(weights: Tensor, value: Tensor) -> Tensor:
    return weights @ value


def by_einsum(weights: Tensor, value: Tensor) -> Tensor:
    return torch.einsum("bhqk,bhkd->bqhd", weights, value)


def by_merged_heads(weights: Tensor, value: Tensor) -> Tensor:
    return torch.bmm(weights.flatten(0, 1), value.reshape(-1, *value.shape[-2:]))


def by_dropout_and_cast(weights: Tensor, value: Tensor) -> Tensor:
    weights = functional.dropout(weights.double(), 0.5, True).type_as(value)
    return weights.masked_fill(weights > 2, 0.0).contiguous() @ value


@pytest.mark.parametrize("product", [by_matmul, by_einsum, by_merged_heads, by_dropout_and_cast])
@pytest.mark.parametrize("written_out", [False, True])
@given(st.data())
def test_a_softmax_that_is_multiplied_with_values_is_attention(
    product: Callable[[Tensor, Tensor], Tensor], written_out: bool, data: st.DataObject
) -> None:
    batch, heads, queries, keys, width = (data.draw(SIZES) for _ in range(5))
    kind = data.draw(st.sampled_from(MASKS))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    mask = drawn_mask(kind, queries, keys, (batch, heads))
    if mask is not None and mask.dtype == torch.bool:
        mask[..., 0] = True  # a softmax of nothing is NaN
    query = torch.randn(batch, heads, queries, width)
    key, value = torch.randn(2, batch, heads, keys, width).unbind()

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = query @ key.transpose(-2, -1) / math.sqrt(width)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
        if written_out:
            sizes = scores.exp()
            return product(sizes / sizes.sum(-1, keepdim=True), value)
        return product(scores.softmax(-1), value)

    found = trace(attend, query, key, value)
    assert [(head.batch, head.head) for head in found.heads] == [
        (b, h) for b in range(batch) for h in range(heads)
    ]
    wanted = expected(query, key, mask)
    torch.testing.assert_close(weights_of(found).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("dropped", [False, True])
@given(st.data())
def test_keys_may_lie_along_another_axis_until_they_meet_the_values(
    dropped: bool, data: st.DataObject
) -> None:
    batch, heads, queries, keys, width = (data.draw(SIZES) for _ in range(5))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    query = torch.randn(batch, heads, queries, width)
    key, value = torch.randn(2, batch, heads, keys, width).unbind()

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        weights = (key @ query.mT / math.sqrt(width)).softmax(-2)
        weights = functional.dropout(weights, 0.0) if dropped else weights
        return weights.permute(0, 1, 3, 2) @ value

    found = trace(attend, query, key, value)
    assert [(head.batch, head.head) for head in found.heads] == [
        (b, h) for b in range(batch) for h in range(heads)
    ]
    wanted = expected(query, key, None)
    torch.testing.assert_close(weights_of(found).reshape(wanted.shape), wanted)


@given(st.data())
def test_weights_beside_those_of_a_sink_are_those_of_the_keys(data: st.DataObject) -> None:
    batch, heads, queries, keys, width = (data.draw(SIZES) for _ in range(5))
    before, seed = data.draw(st.booleans()), data.draw(st.integers(0, 99))
    torch.manual_seed(seed)
    query = torch.randn(batch, heads, queries, width)
    key, value = torch.randn(2, batch, heads, keys, width).unbind()
    sink = torch.randn(heads, 1, 1).expand(batch, -1, queries, -1)

    def weigh(query: Tensor, key: Tensor) -> Tensor:
        scores = query @ key.mT / math.sqrt(width)
        joined = torch.cat([sink, scores] if before else [scores, sink], -1)
        shares = (joined - joined.amax(-1, keepdim=True)).softmax(-1)
        return shares[..., 1:] if before else shares[..., :-1]

    found = trace(lambda query, key, value: weigh(query, key) @ value, query, key, value)
    assert [(head.batch, head.head) for head in found.heads] == [
        (b, h) for b in range(batch) for h in range(heads)
    ]
    wanted = weigh(query, key)
    torch.testing.assert_close(weights_of(found).reshape(wanted.shape), wanted)
    even = trace(lambda query, key, value: weigh(query, key * 0) @ value, query, key, value).heads
    assert [head.focus.spread for head in even] == pytest.approx([keys] * len(even))


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@given(st.data())
def test_a_module_of_torch_has_the_weights_that_it_would_return(
    need_weights: bool, masked: bool, data: st.DataObject
) -> None:
    batch, heads, queries, keys = (data.draw(SIZES) for _ in range(4))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    module = nn.MultiheadAttention(2 * heads, heads, batch_first=True).eval()
    query, memory = torch.randn(batch, queries, 2 * heads), torch.randn(batch, keys, 2 * heads)
    mask = torch.ones(queries, keys, dtype=torch.bool).triu(1) if masked else None
    found = trace(module, query, memory, memory, need_weights=need_weights, attn_mask=mask)
    wanted = module(query, memory, memory, attn_mask=mask, average_attn_weights=False)[1]
    assert [(head.batch, head.head) for head in found.heads] == [
        (b, h) for b in range(batch) for h in range(heads)
    ]
    torch.testing.assert_close(weights_of(found).reshape(wanted.shape), wanted.detach())


def test_what_only_looks_like_it_is_none() -> None:
    source = """
x = torch.randn(4, 4)
v = torch.randn(4, 4)
over_rows = torch.softmax(x, 0) @ v
turned = torch.softmax(x, -1).T @ v
some = torch.softmax(x, -1)[:, :2] @ v[:2]
classes = torch.softmax(x, -1)
weighted = (classes * v).sum(-1)
best, which = torch.softmax(x, -1).topk(2)
scaled = (x / x.sum(-1, keepdim=True)) @ v
"""
    assert run(source).heads == ()


def test_a_softmax_that_names_no_axis_is_along_the_one_that_torch_takes() -> None:
    source = "x = torch.randn(4, 4)\nP = F.softmax(x)\nY = P @ torch.randn(4, 4)\nq = F.softmax(x[0])\n"
    (head,) = run(source).heads
    assert head.weights.shape == (4, 4)
    assert run("x = torch.randn(2, 4, 4)\nY = F.softmax(x) @ x").heads == ()  # along the first


class Attention(nn.Module):
    """A head that is a module of its own, or several in one tensor."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(heads))

    def forward(self, x: Tensor) -> Tensor:
        """Returns the sum of all heads."""
        return torch.stack([self.head(layer(x)) for layer in self.heads]).sum(0)

    @staticmethod
    def head(x: Tensor) -> Tensor:
        """Returns one head."""
        query, key, value = x.chunk(3, -1)
        return functional.softmax(query @ key.mT, -1) @ value


def test_layers_are_those_that_depend_on_each_other() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(Attention(4, 3), Attention(4, 3))
    heads = trace(model, torch.randn(2, 5, 4)).heads
    assert [(head.layer, head.head) for head in heads if head.batch == 1] == [
        (layer, head) for layer in range(2) for head in range(3)
    ]
    assert {(head.path, head.layer) for head in heads} == {("0", 0), ("1", 1)}


def test_a_lesson_of_heads_that_are_functions() -> None:
    heads = TWO_BLOCKS.run().heads
    assert [(head.layer, head.head, head.path) for head in heads] == [
        (layer, head, f"block:{layer + 1}.attention.head:{head + 1}")
        for layer in range(2)
        for head in range(2)
    ]


@pytest.mark.parametrize("size", ["0, 0", "0, 3", "2, 0, 4"])
def test_where_there_are_no_weights_there_is_no_head(size: str) -> None:
    fused = "F.scaled_dot_product_attention(x, x, x)"
    for values in (fused, "torch.softmax(x @ x.mT, -1) @ x"):
        assert run(f"x = torch.ones({size})\nY = {values}").heads == ()


def test_the_node_of_the_weights_has_them() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 4, 8).unbind()

    def both(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=torch.rand(4, 4) < 0.7)
        return torch.softmax(y @ k.mT, -1) @ v

    for head in trace(both, q, k, v).heads:
        torch.testing.assert_close(head.weights_node.value[head.index], head.weights)


def test_of_dropped_values_there_are_no_weights() -> None:
    q = torch.randn(1, 2, 64, 8)
    found = trace(lambda q: functional.scaled_dot_product_attention(q, q, q), q, keep=0)
    assert [head.shape for head in found.heads] == [(64, 64)] * 2
    with pytest.raises(LookupError):
        _ = found.heads[0].weights


@pytest.mark.parametrize(("batch", "heads"), [(2, 4), (4, 2), (1, 3), (3, 1)])
def test_heads_and_a_batch_in_one_axis_are_told_apart_by_the_values(batch: int, heads: int) -> None:
    def flat(x: Tensor, wq: Tensor, wk: Tensor, wv: Tensor) -> Tensor:
        q, k, v = (
            (x @ own).view(batch, 3, heads, 2).transpose(1, 2).reshape(-1, 3, 2) for own in (wq, wk, wv)
        )
        return torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v)

    width = heads * 2
    made = trace(flat, torch.randn(batch, 3, width), *[torch.randn(width, width) for _ in range(3)])
    assert [(own.batch, own.head) for own in made.heads] == [
        (place, head) for place in range(batch) for head in range(heads)
    ]
