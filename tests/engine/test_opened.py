"""What torch hands to a function mode as one call, and what it transforms out of its sight."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import trace

WAYS: list[dict[str, Any]] = [
    {"need_weights": False},
    {"need_weights": True},
    {"need_weights": True, "average_attn_weights": False},
    {"need_weights": False, "attn_mask": torch.ones(5, 5).triu(1).bool(), "is_causal": True},
]


def layer(**kinds: Any) -> nn.MultiheadAttention:
    torch.manual_seed(0)
    return nn.MultiheadAttention(8, 2, batch_first=True, **kinds)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("training", [True, False])
def test_attention_is_recorded_call_by_call(way: dict[str, Any], training: bool) -> None:
    attention, x = layer().train(training), torch.randn(2, 5, 8)
    recorded = trace(lambda x: attention(x, x, x, **way)[0], x)
    masks = [value for value in way.values() if isinstance(value, Tensor)]
    assert len([node for node in recorded.nodes if node.op == "input"]) == 1 + len(masks)
    ops = {node.op for node in recorded.nodes}
    assert "linear" in ops
    assert ops & {"softmax", "scaled_dot_product_attention"}
    assert "multi_head_attention_forward" not in ops
    assert torch.equal(recorded.nodes[-1].value, attention(x, x, x, **way)[0])


def test_a_cell_of_its_softmax_reads_one_row_of_scores() -> None:
    attention = layer()
    recorded = trace(lambda x: attention(x, x, x)[0], torch.randn(1, 5, 8))
    softmax = next(node for node in recorded.nodes if node.op == "softmax")
    (read,) = softmax.reads((1, 2, 3))
    assert sorted(read) == [(1, 2, k) for k in range(5)]


def test_a_layer_of_an_encoder_has_no_input_of_its_own() -> None:
    encoder = nn.TransformerEncoderLayer(8, 2, batch_first=True)
    recorded = trace(encoder, torch.randn(1, 5, 8))
    assert [node.name for node in recorded.nodes if node.op == "input"] == ["src"]


class Doubled(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(_ctx: Any, *gradients: Any) -> Any:
        return gradients[0] * 2


@pytest.mark.parametrize(
    "transformed",
    [
        torch.vmap(lambda row: (row * row).sum()),
        torch.func.grad(lambda x: (x * x).sum()),
        torch.vmap(Doubled.apply),
    ],
    ids=["vmap", "grad", "vmap of a function with a backward of its own"],
)
def test_what_is_transformed_is_not_recorded_and_its_result_comes_in(transformed: Any) -> None:
    x = torch.randn(3, 2)
    recorded = trace(lambda x: transformed(x) * 2, x)
    assert [node.op for node in recorded.nodes if node.call is not None] == ["mul"]
    assert torch.equal(recorded.nodes[-1].value, transformed(x) * 2)
