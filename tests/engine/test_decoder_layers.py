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
ENCODER = """
layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
enc = nn.TransformerEncoder(layer, num_layers=2, norm=nn.LayerNorm(8))
x = torch.randn(2, 3, 8)
mask = nn.Transformer.generate_square_subsequent_mask(3)
print(enc(x), enc(x, mask=mask, is_causal=True), mask)
hidden = torch.tensor([[False, False, True], [False, True, True]])
enc.eval()
print(enc(x, src_key_padding_mask=hidden), len(list(enc.parameters())), enc)
print(enc.layers[0].self_attn.num_heads)
enc(x).sum().backward()
print(enc.layers[1].linear1.weight.grad)
"""
TRANSFORMER = """
sizes = dict(num_encoder_layers=2, num_decoder_layers=1, dim_feedforward=16)
model = nn.Transformer(d_model=8, nhead=2, dropout=0.0, **sizes)
src, tgt = torch.randn(4, 2, 8), torch.randn(3, 2, 8)
out = model(src, tgt, tgt_mask=model.generate_square_subsequent_mask(3))
print(out.shape, out, model)
model.eval()
print(model(src, tgt), sum(p.numel() for p in model.parameters()))
out.sum().backward()
print(model.encoder.layers[0].linear1.weight.grad, model.d_model)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.Transformer(4, 1, 1, 1, 8, batch_first=True)
    def forward(self, a, b):
        return self.t(a, b)
print(Net()(torch.randn(1, 2, 4), torch.randn(1, 3, 4)))
"""
PADDED = """
layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
encoder = nn.TransformerEncoder(layer, 2)
net = nn.Sequential(encoder).eval()
hidden = torch.tensor([[False, False, True]])
x = torch.randn(1, 3, 8)
"""
REFUSED = [
    (f"{PADDED}with torch.no_grad(): encoder(x, src_key_padding_mask=hidden)", "enable_nested_tensor"),
    (f"{PADDED}with torch.no_grad(): encoder(x, None, hidden)", "enable_nested_tensor"),
    (
        f"{PADDED}encoder.requires_grad_(False)\nencoder(x, src_key_padding_mask=hidden)",
        "enable_nested_tensor",
    ),
    ("nn.TransformerEncoder(nn.TransformerDecoderLayer(8, 2), 3)", "takes an nn.TransformerEncoderLayer"),
    ("nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 10 ** 9)", "more than 2,000 layers"),
    ("nn.Transformer(8, 2, 10 ** 9)", "more than 2,000 layers"),
    ("nn.Transformer(10 ** 6, 2)", "cells"),
    ("nn.Transformer(custom_encoder=nn.ReLU())", "a number or a word"),
    ("nn.Transformer(8, 2, activation=print)", "a number or a word"),
    ("nn.Transformer.generate_square_subsequent_mask(10 ** 6)", "cells"),
    ("nn.Linear(2, 2).generate_square_subsequent_mask(3)", "alone"),
    ("nn.Transformer.encoder", "not part"),
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


@pytest.mark.parametrize("program", [ENCODER, TRANSFORMER])
def test_an_encoder_and_a_transformer_print_what_torch_prints(program: str) -> None:
    assert run(SETUP + program, seconds=None).printed == printed(program)


def test_a_padded_batch_is_encoded_where_gradients_flow() -> None:
    program = PADDED + "print(encoder(x, src_key_padding_mask=hidden), encoder(x))"
    assert run(SETUP + program, seconds=None).printed == printed(program)


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
