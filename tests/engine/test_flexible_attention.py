"""Attention with functions of positions is recorded call by call, and its numbers are torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from llm_linalg import trace

pytestmark = [
    pytest.mark.slow,  # torch imports its compiler for it
    pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile"),
]

BIAS = torch.linspace(-1.0, 1.0, 6)
TABLE = torch.linspace(-2.0, 2.0, 36).view(6, 6)
SLOPES = torch.tensor([1.0, 0.5, 0.25, 0.125])

SCORES: dict[str, Callable[..., Tensor]] = {
    "distance": lambda score, _b, _h, i, j: score + (i - j),
    "bias": lambda score, _b, _h, _i, j: score + BIAS[j],
    "table": lambda score, _b, _h, i, j: score * 0.5 + TABLE[i, j],
    "heads": lambda score, _b, h, i, j: score + (j - i) * SLOPES[h],
    "cap": lambda score, _b, _h, _i, _j: 5 * torch.tanh(score / 5),
    "causal": lambda score, _b, _h, i, j: torch.where(i >= j, score, -float("inf")),
    "positions alone": lambda _score, _b, _h, _i, j: BIAS[j],
}
MASKS: dict[str, Callable[..., Tensor]] = {
    "causal": lambda _b, _h, i, j: i >= j,
    "window": lambda _b, _h, i, j: (i - j).abs() < 2,
    "batch": lambda b, _h, i, j: (i >= j) & (b + j > 0),
    "before": lambda _b, _h, i, j: i > j,  # the first query sees nothing
}


def _qkv(groups: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(5)
    heads = (4, 4 // groups, 4 // groups)
    q, k, v = (torch.randn(2, own, 6, 8, generator=drawn) for own in heads)
    return q, k, v


def _attention(q: Tensor, k: Tensor, v: Tensor, **options: Any) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention(q, k, v, enable_gqa=q.shape[1] != k.shape[1], **options)


def _mask(name: str) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    return create_block_mask(MASKS[name], 2, None, 6, 6, device="cpu", BLOCK_SIZE=6)


@pytest.mark.parametrize("options", [*SCORES, *(f"mask {name}" for name in MASKS), "none"])
@pytest.mark.parametrize("groups", [1, 2])
def test_each_call_of_it_is_a_node_and_its_result_is_torchs(options: str, groups: int) -> None:
    given: dict[str, Any] = {}
    if options in SCORES:
        given["score_mod"] = SCORES[options]
    elif options != "none":
        given["block_mask"] = _mask(options.removeprefix("mask "))
    operands = _qkv(groups)
    t = trace(lambda q, k, v: _attention(q, k, v, **given), *operands)
    assert t.nodes[-1].value.equal(_attention(*operands, **given))
    assert {"softmax", "matmul"} <= {node.op for node in t.nodes}
    assert not [node.op for node in t.nodes if node.evidence in ("opaque", "autograd")]


def test_a_word_rests_on_no_later_one() -> None:
    t = trace(lambda q, k, v: _attention(q, k, v, block_mask=_mask("causal")), *_qkv())
    keys = t.lineage(t.nodes[-1], (0, 1, 2, 3))[t["k"]]
    assert {cell[2] for cell in keys} == {0, 1, 2}
    assert {cell[:2] for cell in keys} == {(0, 1)}


def test_its_gradients_are_those_of_the_same_program_by_hand() -> None:
    q, k, v = _qkv()
    t = trace(lambda q, k, v, slope: _attention(q, k, v, score_mod=_sloped(slope)).sum(), q, k, v, SLOPES)
    leaves = [own.clone().requires_grad_() for own in (q, k, v, SLOPES)]
    i, j = torch.arange(6)[:, None], torch.arange(6)
    scores = leaves[0] @ leaves[1].mT / 8**0.5 + (j - i) * leaves[3][:, None, None]
    expected = torch.autograd.grad((torch.softmax(scores, -1) @ leaves[2]).sum(), leaves)
    gradients = t.backward(t.nodes[-1])
    for name, gradient in zip(("q", "k", "v", "slope"), expected, strict=True):
        assert torch.allclose(gradients[f"d{name}"].value, gradient, atol=1e-5)


def _sloped(slope: Tensor) -> Callable[..., Tensor]:
    return lambda score, _b, h, i, j: score + (j - i) * slope[h]


def test_a_function_that_needs_each_position_by_itself_comes_from_outside() -> None:
    table = TABLE.view(1, 6, 6)
    given: dict[str, Any] = {"score_mod": lambda score, _b, _h, i, j: score + table[0][i][j]}
    operands = _qkv()
    t = trace(lambda q, k, v: _attention(q, k, v, **given), *operands)
    assert t.nodes[-1].value.equal(_attention(*operands, **given))
    assert t.nodes[-2].op == "softmax"
    assert t.nodes[-2].operands[0].node.evidence == "outside"


def test_its_sums_are_torchs() -> None:
    from torch.nn.attention.flex_attention import AuxRequest

    t = trace(lambda q, k, v: _attention(q, k, v, return_aux=AuxRequest(lse=True))[1].lse * 2, *_qkv())
    q, k, _ = _qkv()
    assert torch.allclose(t.nodes[-1].value, (q @ k.mT / 8**0.5).logsumexp(-1) * 2, atol=1e-5)
