"""Calls that write without saying so, and tensors of which nobody knows how often they were written."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import Trace, trace


def asked(t: Trace) -> None:
    """Has all that a trace can tell worked out for its last node."""
    last = t.nodes[-1]
    first = (0,) * len(last.shape)
    last.reads(first)
    t.lineage(last, first)
    t.influence(last, first)
    t.backward(last)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.BatchNorm1d(2), (3, 2)), (nn.InstanceNorm1d(2, track_running_stats=True), (3, 2, 4))],
)
def test_what_is_asked_of_a_trace_changes_no_layer(layer: nn.Module, shape: tuple[int, ...]) -> None:
    before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    t = trace(layer, torch.randn(shape))
    after = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    assert not torch.equal(before["running_mean"], after["running_mean"])  # the pass itself does
    asked(t)
    assert all(torch.equal(buffer, after[name]) for name, buffer in layer.named_buffers())


def test_a_gradient_goes_back_where_torch_has_none_for_some_operands() -> None:
    layer, x = nn.BatchNorm1d(2), torch.randn(3, 2)
    weight = torch.randn(3, 2)
    t = trace(lambda x: (layer(x) * weight).sum(), x)
    leaf = x.clone().requires_grad_(True)
    total = (nn.functional.batch_norm(leaf, None, None, training=True) * weight).sum()
    (gradient,) = torch.autograd.grad(total, leaf)
    found = t.backward(t.nodes[-1])
    torch.testing.assert_close(found["dx"].value, gradient)
    assert "dBatchNorm1d_running_mean" not in found  # nothing flows back to what the pass didn't read


def written(x: Tensor) -> Tensor:
    z = x * 2
    z += 1
    z[0][1] = 7
    return z @ x.T


def test_inference_mode_changes_nothing() -> None:
    x = torch.randn(2, 3)
    plain, inferred = trace(written, x), trace(torch.inference_mode()(written), x)
    assert [(node.op, node.shape) for node in inferred.nodes] == [
        (node.op, node.shape) for node in plain.nodes
    ]
    for one, other in zip(plain.nodes, inferred.nodes, strict=True):
        assert torch.equal(one.value, other.value)
    assert torch.equal(inferred.nodes[-1].value, written(x))
    asked(trace(torch.inference_mode()(written), x))
