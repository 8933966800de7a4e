"""Padded and packed sequences, and layers that pad or shuffle: torch's bits."""

from __future__ import annotations

import pytest
import torch
from llm_linalg.language import packed_sequences

from llm_linalg import ProgramError, run
from tests.engine.alike import SETUP, printed, programs

ALIKE = """
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence, pack_sequence
a = torch.arange(12.0).reshape(3, 4)
for first in (True, False):
    for lengths in ([4, 2, 1], torch.tensor([2, 4, 1])):
        x = a if first else a.T
        x = x.unsqueeze(2)
        p = pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        print(p, p.data.shape, p.batch_sizes)
        print(pad_packed_sequence(p, batch_first=first), pad_packed_sequence(p, first, -1.0, 6)[0])
print(pack_padded_sequence(a, [4, 2, 1], True))
print(pad_sequence([torch.ones(2, 3), torch.ones(4, 3)]).shape)
print(pad_sequence([torch.ones(2), torch.ones(4)], True, 7.0))
print(pad_sequence([torch.ones(2), torch.ones(4)], batch_first=True, padding_side='left'))
print(pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])]))
print(pack_sequence([torch.tensor([1]), torch.tensor([4, 5])], enforce_sorted=False))

from torch.nn.utils import rnn
for kind in (nn.LSTM, nn.GRU, nn.RNN):
    layer = kind(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    x = torch.randn(3, 5, 3, requires_grad=True)
    p = rnn.pack_padded_sequence(x, torch.tensor([2, 5, 3]), batch_first=True, enforce_sorted=False)
    out, h = layer(p)
    y, n = rnn.pad_packed_sequence(out, batch_first=True)
    print(y.tolist(), n, h[0].tolist())
    y.sum().backward()
    print(x.grad, layer.weight_ih_l0.grad)

x = torch.randn(1, 4, 2, 2)
print(nn.PixelShuffle(2)(x), nn.PixelUnshuffle(2)(x), nn.PixelShuffle(2), nn.ZeroPad2d(1)(x).shape)
print(nn.ZeroPad2d((1, 0, 2, 0)))
print(nn.ReflectionPad2d(1)(x), nn.ReplicationPad2d((1, 2, 0, 1))(x))
print(nn.ConstantPad1d(2, 3.5)(x[0]), nn.CircularPad1d(1)(x[0]), nn.Softmax2d()(x))
print(nn.Threshold(0.1, 20)(x))
print(nn.ReflectionPad1d(1)(x[0]), nn.ReplicationPad1d(2)(x[0]), nn.CircularPad2d(1)(x))
print(nn.ConstantPad2d(1, 2.0)(x), nn.ZeroPad1d(1)(x[0]))
from torch.nn.utils import rnn
for bad in (
    lambda: rnn.pack_padded_sequence(x, [1, 2], True),
    lambda: rnn.pack_padded_sequence(torch.ones(3, 2), [3, 0]),
):
    try: bad()
    except RuntimeError as e: print(str(e)[:50])
"""


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program, seconds=None).printed == printed(program)


def test_each_function_is_held_against_torch() -> None:
    assert all(name in ALIKE and name in vars(torch.nn.utils.rnn) for name in packed_sequences.MEMBERS)


def test_packing_is_opened_into_the_selection_of_rows() -> None:
    trace = run(
        "x = torch.arange(12.0).reshape(2, 3, 2)\n"
        "p = nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True)\ny = p.data"
    )
    assert trace["y"].op == "index_select"
    assert list(next(iter(trace.lineage("y", (1, 0)).values()))) == [(1, 0)]


def test_sizes_that_were_written_over_are_refused() -> None:
    for line in ("p[1][0] = 10 ** 9", "p.batch_sizes[0] = -1", "p.batch_sizes[:] = 0"):
        with pytest.raises(ProgramError, match="don't fit"):
            run(
                "x = torch.ones(2, 3, 2)\n"
                "p = nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True)\n"
                f"{line}\nnn.utils.rnn.pad_packed_sequence(p)"
            )
