"""Which cells a transposed convolution reads: those that a derivative finds, whatever it skips."""

from __future__ import annotations

import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from llm_linalg import trace
from tests.ops.drawing import values


@given(st.data())
def test_between_its_cells_a_transposed_convolution_reads_nothing(data: st.DataObject) -> None:
    axes, groups = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    stride, kernel, dilation = (data.draw(st.integers(1, 3)) for _ in range(3))
    padding, more = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    assume(more < max(stride, dilation))
    x = values((1, 2, *data.draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes))), 1)
    weight = values((2, 1, *[kernel] * axes), 2)
    call = functional.conv_transpose1d if axes == 1 else functional.conv_transpose2d

    def program(x: Tensor, weight: Tensor) -> Tensor:
        return call(x, weight, None, stride, padding, more, groups, dilation)

    assume(all((size - 1) * stride + dilation * (kernel - 1) + more >= 2 * padding for size in x.shape[2:]))
    node = trace(program, x, weight).nodes[-1]
    slopes = torch.autograd.functional.jacobian(program, (x, weight))  # type: ignore[no-untyped-call]
    for cell in torch.ones(node.shape).nonzero().tolist():
        for place, slope in enumerate(slopes):
            moved = {tuple(own) for own in slope[tuple(cell)].nonzero().tolist()}
            assert {*node.reads(tuple(cell))[place]} == moved
