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
X, W = values((2, 3), 1), values((3, 4), 2)


@pytest.mark.parametrize(
    ("operator", "plain"),
    [
        (lambda: ATEN.mm.default(X, W), lambda: X @ W),
        (lambda: ATEN.mm(X, W), lambda: X @ W),
        (lambda: ATEN.add.Tensor(X, X, alpha=2), lambda: torch.add(X, X, alpha=2)),
        (lambda: ATEN.view.default(X, [6]), lambda: X.view(6)),
        (lambda: ATEN.mean.dim(X, [-1], True), lambda: X.mean(-1, keepdim=True)),
        (lambda: ATEN.gelu.default(X, approximate="tanh"), lambda: nn.functional.gelu(X, approximate="tanh")),
        (lambda: ATEN.mul_.Tensor(X.clone(), 2.0), lambda: X.clone().mul_(2.0)),
        (lambda: ATEN.layer_norm.default(X, [3]), lambda: nn.functional.layer_norm(X, (3,))),
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
    made = trace(torch.export.export(model, (X,)).module(), X)
    assert [node.op for node in made.nodes if node.call] == ["linear", "gelu", "layer_norm", "linear"]
    assert {node.evidence for node in made.nodes} == {"rule"}
    assert torch.equal(made.nodes[-1].value, model(X).detach())
