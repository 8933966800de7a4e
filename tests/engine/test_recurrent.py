"""Recurrent layers open into their steps: one way or both, in several layers, of packed sequences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import trace

LAYERS = {"rnn_tanh": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


@pytest.mark.parametrize("kind", LAYERS)
@settings(max_examples=6, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    layers=st.integers(1, 2),
    both=st.booleans(),
    first=st.booleans(),
    bias=st.booleans(),
    packed=st.booleans(),
)
def test_a_layer_opens_into_steps_and_has_torchs_gradients(
    kind: str, lengths: list[int], layers: int, both: bool, first: bool, bias: bool, packed: bool
) -> None:
    torch.manual_seed(len(lengths))
    layer: Any = LAYERS[kind](3, 2, layers, bias=bias, batch_first=first, bidirectional=both).double()
    x = torch.randn(len(lengths), max(lengths), 3, dtype=torch.float64)
    x = x if first else x.transpose(0, 1)

    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, given: Tensor) -> Tensor:
            sequences: Any = given
            if packed:
                sequences = nn.utils.rnn.pack_padded_sequence(
                    given, torch.tensor(lengths), batch_first=first, enforce_sorted=False
                )
            made, _ = self.layer(sequences)
            if packed:
                made, _ = nn.utils.rnn.pad_packed_sequence(made, batch_first=first)
            weights = torch.linspace(0.5, 1.5, made.numel(), dtype=made.dtype)
            loss: Tensor = (made * weights.view(made.shape)).sum()
            return loss

    model = Loss()
    t = trace(model, x)
    steps = [node for node in t.nodes if node.op == kind]
    assert steps
    assert {node.evidence for node in t.nodes if node.call} <= {"rule", "index"}
    assert torch.allclose(steps[0].parts[-1].value, steps[0].value)
    wanted = torch.autograd.grad(model(x), list(model.parameters()))
    program = t.backward(t.nodes[-1])
    for (name, _), own in zip(model.named_parameters(), wanted, strict=True):
        assert torch.allclose(program[f"d{name}"].value, own, atol=1e-9), name
