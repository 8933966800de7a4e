"""What torch hands to a function mode as one call, and what gives more than tensors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import trace
from llm_linalg.ops.arguments import outputs
from llm_linalg.recording.inline import inline_body

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


@pytest.mark.parametrize("way", WAYS)
def test_each_of_its_calls_can_be_made_again(way: dict[str, Any]) -> None:
    attention = layer(dropout=0.5)
    recorded = trace(lambda x: attention(x, x, x, **way)[0], torch.randn(2, 5, 8))
    for node in recorded.nodes:
        if node.call is not None:
            again = node.call.replay([operand.value for operand in node.operands])
            assert torch.allclose(again, node.value, atol=1e-6)


def test_a_cell_of_its_softmax_reads_one_row_of_scores() -> None:
    attention = layer()
    recorded = trace(lambda x: attention(x, x, x)[0], torch.randn(1, 5, 8))
    softmax = next(node for node in recorded.nodes if node.op == "softmax")
    (read,) = softmax.reads((1, 2, 3))
    assert sorted(read) == [(1, 2, k) for k in range(5)]


def test_others_stay_whole() -> None:
    assert inline_body(torch.nn.functional.softmax) is None
    assert inline_body(torch.matmul) is None
    assert inline_body(len) is None


def test_a_layer_of_an_encoder_has_no_input_of_its_own() -> None:
    encoder = nn.TransformerEncoderLayer(8, 2, batch_first=True)
    recorded = trace(encoder, torch.randn(1, 5, 8))
    assert [node.name for node in recorded.nodes if node.op == "input"] == ["src"]


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU, nn.RNN])
def test_what_gives_a_tuple_of_several_is_known(cell: Any) -> None:
    recorded = trace(lambda x: cell(4, 4, batch_first=True)(x)[0] * 2, torch.randn(1, 5, 4))
    assert recorded.nodes[-1].operands[0].node.call is not None


def test_the_tensors_that_a_call_gave() -> None:
    one, other = torch.ones(1), torch.ones(2)
    for result, given in [
        (one, [one]),
        ((one, None), [one]),
        ((None, one), [one]),
        ((one, (other, None)), [one, other]),
        ([one, other], [one, other]),
        (torch.Size((2, 3)), []),
        ([1.0, 2.0], []),
        ((), []),
        (None, []),
        (3, []),
    ]:
        assert [id(tensor) for tensor in outputs(result)] == [id(tensor) for tensor in given]
    assert all(isinstance(tensor, Tensor) for tensor in outputs(torch.ones(3, 2).max(0)))


@pytest.mark.parametrize(
    "transformed",
    [torch.vmap(lambda row: (row * row).sum()), torch.func.grad(lambda x: (x * x).sum())],
    ids=["vmap", "grad"],
)
def test_what_is_transformed_is_not_recorded_and_its_result_comes_in(transformed: Any) -> None:
    x = torch.randn(3, 2)
    recorded = trace(lambda x: transformed(x) * 2, x)
    assert [node.op for node in recorded.nodes if node.call is not None] == ["mul"]
    assert torch.equal(recorded.nodes[-1].value, transformed(x) * 2)
