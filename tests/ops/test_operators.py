"""Operators of torch's core read like the functions that people call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import trace
from tests.ops.drawing import values

ATEN: Any = torch.ops.aten
F = nn.functional
X, W = values((2, 3), 1), values((3, 4), 2)
IMAGE, KERNEL, CHANNELS = values((1, 2, 4, 4), 3), values((2, 2, 3, 3), 4), values((2,), 5)
PLACES = torch.tensor([1, 0])


@pytest.mark.parametrize(
    ("operator", "plain"),
    [
        (lambda: ATEN.mm.default(X, W), lambda: X @ W),
        (lambda: ATEN.mm(X, W), lambda: X @ W),
        (lambda: ATEN.add.Tensor(X, X, alpha=2), lambda: torch.add(X, X, alpha=2)),
        (lambda: ATEN.view.default(X, [6]), lambda: X.view(6)),
        (lambda: ATEN.mean.dim(X, [-1], True), lambda: X.mean(-1, keepdim=True)),
        (lambda: ATEN.gelu.default(X, approximate="tanh"), lambda: F.gelu(X, approximate="tanh")),
        (lambda: ATEN.mul_.Tensor(X.clone(), 2.0), lambda: X.clone().mul_(2.0)),
        (lambda: ATEN.zero(X), lambda: X.clone().zero_()),
        (lambda: ATEN.layer_norm.default(X, [3]), lambda: F.layer_norm(X, (3,))),
        (lambda: ATEN.native_layer_norm(X, [3], None, None, 1e-5)[0], lambda: F.layer_norm(X, (3,))),
        (
            lambda: ATEN.native_group_norm(IMAGE, None, None, 1, 2, 16, 2, 1e-5)[0],
            lambda: F.group_norm(IMAGE, 2),
        ),
        (lambda: ATEN.group_norm(IMAGE, 2), lambda: F.group_norm(IMAGE, 2)),
        (
            lambda: ATEN.batch_norm(IMAGE, None, None, CHANNELS, CHANNELS**2, False, 0.1, 1e-5, True),
            lambda: F.batch_norm(IMAGE, CHANNELS, CHANNELS**2),
        ),
        (lambda: ATEN._softmax(X, -1, False), lambda: torch.softmax(X, -1)),
        (lambda: ATEN._log_softmax.default(X, 1, False), lambda: torch.log_softmax(X, 1)),
        (lambda: ATEN._unsafe_view(X, [6]), lambda: X.view(6)),
        (lambda: ATEN.slice(X, -1, 1, 3), lambda: X[:, 1:3]),
        (lambda: ATEN.numpy_T(X), lambda: X.T),
        (
            lambda: ATEN.convolution(IMAGE, KERNEL, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
            lambda: F.conv2d(IMAGE, KERNEL, padding=1),
        ),
        (
            lambda: ATEN.convolution(IMAGE, KERNEL, None, [2, 2], [0, 0], [1, 1], True, [1, 1], 1),
            lambda: F.conv_transpose2d(IMAGE, KERNEL, stride=2, output_padding=1),
        ),
        (lambda: ATEN.max_pool2d_with_indices(IMAGE, [2, 2])[0], lambda: F.max_pool2d(IMAGE, 2)),
        (
            lambda: ATEN.cross_entropy_loss(X, PLACES, None, 2),
            lambda: F.cross_entropy(X, PLACES, reduction="sum"),
        ),
        (lambda: ATEN.full([2], 3.0, pin_memory=False), lambda: torch.full((2,), 3.0)),
    ],
)
def test_an_operator_is_shown_as_its_function(
    operator: Callable[[], Tensor], plain: Callable[[], Tensor]
) -> None:
    one, other = trace(operator).nodes[-1], trace(plain).nodes[-1]
    assert (one.op, one.evidence, one.kind) == (other.op, other.evidence, other.kind)
    assert torch.equal(one.value, other.value)
    cells = tuple(0 for _ in one.shape)
    assert one.reads(cells) == other.reads(cells)


def test_an_exported_module_reads_like_its_source() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2)).eval().double()
    exported = torch.export.export(model, (X,))
    made = trace(exported.module(), X)
    assert [node.op for node in made.nodes if node.call] == ["linear", "gelu", "layer_norm", "linear"]
    assert {node.evidence for node in made.nodes} == {"rule"}
    assert torch.equal(made.nodes[-1].value, model(X).detach())
    core = trace(exported.run_decompositions().module(), X)
    assert {node.evidence for node in core.nodes} <= {"rule", "index"}
    assert torch.equal(core.nodes[-1].value, made.nodes[-1].value)
