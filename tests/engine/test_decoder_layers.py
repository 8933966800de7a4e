"""`nn.TransformerDecoder` and its layers: torch's bits, and copies of torch's own layers alone."""

from __future__ import annotations

import pytest

from llm_linalg import ProgramError, run
from tests.engine.alike import SETUP, printed

ALIKE = """
layer = nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
dec = nn.TransformerDecoder(layer, num_layers=2, norm=nn.LayerNorm(8))
tgt, mem = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
mask = torch.triu(torch.full((3, 3), float('-inf')), 1)
out = dec(tgt, mem, tgt_mask=mask)
print(out, len(list(dec.parameters())), dec)
out.sum().backward()
print(layer.linear1.weight.grad, dec.layers[0].linear1.weight.grad)
dec.eval()
hidden = torch.tensor([[False, False, True], [False, True, True]])
print(dec(tgt, mem), layer(tgt, mem, tgt_key_padding_mask=hidden))
with torch.no_grad(): print(dec(tgt, mem, mask))
"""
REFUSED = [
    ("nn.TransformerDecoder(nn.Linear(2, 2), 3)", "takes an nn.TransformerDecoderLayer"),
    ("nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2), 10 ** 9)", "more than 2,000 layers"),
    ("nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2), 400)", "more than 2,000 layers"),
    (
        "class L(nn.TransformerDecoderLayer): pass\nnn.TransformerDecoder(L(8, 2), 3)",
        "takes an nn.TransformerDecoderLayer",
    ),
    ("nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2), 2, nn.ReLU())", "takes an nn.LayerNorm"),
    ("nn.TransformerDecoderLayer(10 ** 6, 2)", "cells"),
    ("nn.TransformerDecoderLayer(8, 2, activation=print)", "a number or a word"),
]


def test_a_decoder_prints_what_torch_prints() -> None:
    assert run(SETUP + ALIKE, seconds=None).printed == printed(ALIKE)


def test_a_decoder_is_opened_into_its_steps() -> None:
    trace = run(
        "d = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2)\n"
        "y = d(torch.randn(3, 1, 4), torch.randn(2, 1, 4))",
        seconds=None,
    )
    ops = [node.op for node in trace.nodes]
    assert ops.count("layer_norm") == 6
    assert ops.count("scaled_dot_product_attention") == 4


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_what_no_decoder_is_made_of_is_refused(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(program, seconds=None)
