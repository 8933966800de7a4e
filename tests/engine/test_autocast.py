"""Under `torch.autocast` each cast is a node: an operation on its shown operands gives what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import Node, Trace, trace
from llm_linalg.ops.arguments import tensors_in
from llm_linalg.recording.tensor_index import gives_its_value
from tests.common import known
from tests.ops.listed import LISTED, listed_sample
from tests.thinning import thin

F = nn.functional
PARTS = 8


def untrue(t: Trace) -> list[Node]:
    """Returns the nodes that show another value than their operation gives on what they show of operands."""
    made = [node for node in t.nodes if node.kind != "creation" and node.evidence != "opaque"]  # not drawn
    return [node for node in made if node.call and not gives_its_value(node)]


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(6, 8), nn.Linear(8, 6)
        self.norm, self.window = nn.LayerNorm(6), nn.Conv1d(6, 6, 3, padding=1)

    def forward(self, x: Tensor, times: int, kind: torch.dtype) -> Tensor:
        with torch.autocast("cpu", dtype=kind):
            for _ in range(times):
                x = x + self.down(F.gelu(self.up(self.norm(x))))
            q = self.window(x.mT).mT
            x = F.scaled_dot_product_attention(q, q, q)
            return F.mse_loss(x, torch.ones_like(x, dtype=torch.float32))


@settings(max_examples=8, deadline=None)
@given(times=st.integers(1, 4), kind=st.sampled_from([torch.bfloat16, torch.float16]))
def test_a_model_under_autocast_is_true_and_has_torchs_gradients(times: int, kind: torch.dtype) -> None:
    torch.manual_seed(times)
    model, x = Model(), torch.randn(2, 5, 6)
    t = trace(model, x, times, kind)
    loss = model(x, times, kind)
    assert torch.equal(t.nodes[-1].value, loss)
    assert not untrue(t)
    casts = [node for node in t.nodes if node.op == "to" and "weight" in node.title]
    assert len(casts) == len({node.title for node in casts}), "a weight is cast once"
    program = t.backward(t.nodes[-1])
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        scale = float(parameter.grad.abs().max())
        assert torch.allclose(program[f"d{name}"].value, parameter.grad, rtol=0.05, atol=0.02 * scale), name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", thin(range(PARTS), 4))
def test_each_call_under_autocast_is_true(part: int) -> None:
    for name in sorted(LISTED)[part::PARTS]:
        for text in LISTED[name]:
            sample = listed_sample(text)
            inputs = [own.float() if own.is_floating_point() else own for own in sample.inputs]
            run = under_autocast(sample.function)
            try:
                run(*inputs)
            except RuntimeError:  # torch has it in no such dtype
                continue
            assert not untrue(trace(run, *inputs)), text


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell])
def test_a_cell_that_is_cast_within_is_opaque(kind: Callable[..., nn.Module]) -> None:
    cell = kind(3, 4)
    t = trace(under_autocast(lambda x: next(iter(tensors_in(cell(x)))).float() * 2), torch.randn(2, 3))
    assert not untrue(t)
    assert {node.evidence for node in t.nodes if node.op.endswith("_cell")} == {"opaque"}
    with pytest.raises(LookupError):
        t.backward(t.nodes[-1])


def under_autocast(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*inputs: Tensor) -> Any:
        with torch.autocast("cpu"):
            return function(*inputs)

    return run


def test_a_cast_is_called_by_what_is_cast() -> None:
    def product(x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast("cpu"):
            y = x @ w
            z = y @ w
        return z.float()

    t = trace(product, torch.ones(2, 2), torch.ones(2, 2))
    assert [node.title for node in t.nodes] == [
        *("x", "w", "x as bfloat16", "w as bfloat16", "y", "z", "z.float()"),
    ]
    assert t["y"].operands[1].node is t["z"].operands[1].node


def test_what_is_cast_in_one_call_and_not_in_another_like_it() -> None:
    def products(x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast("cpu"):
            narrow = x.bfloat16() @ w.bfloat16()
            wide = x @ w
            mixed = x @ w.bfloat16()
            for _ in range(6):
                wide = wide + (x @ w) * 2
        return narrow + wide + mixed

    for keep in (2**30, 60, 40):  # of little room the casts are dropped meanwhile
        t = trace(products, torch.randn(2, 2), torch.randn(2, 2), keep=keep)
        kept = [node for node in t.nodes if not node.dropped]
        made = [node for node in kept if node.op == "matmul"]
        assert all(operand.node.dtype == "bfloat16" for node in made for operand in node.operands)
        assert not any(operand.value.is_meta for node in kept for operand in node.operands)
        assert len(kept) < len(t.nodes) or keep > 60


def test_a_pass_without_gradients_takes_none_from_the_next() -> None:
    W = torch.ones(2, 3, requires_grad=True)

    def taught(x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with torch.no_grad():
                wanted = F.linear(x, W)
            return (F.linear(x, W) * (wanted + 1)).float().sum()

    t = trace(taught, torch.ones(1, 3))
    taught(torch.ones(1, 3)).backward()  # type: ignore[no-untyped-call]
    assert torch.equal(t.backward(t.nodes[-1])["dW"].value, known(W.grad))


def test_what_torch_takes_as_it_is_has_no_cast() -> None:
    def added(x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast("cpu"):
            h = x @ w
            return h + x

    made = trace(added, torch.randn(3, 3), torch.randn(3, 3))
    assert [node.title for node in made.nodes[-1].operands] == ["h", "x"]
    assert sum(node.op == "to" for node in made.nodes) == 2
