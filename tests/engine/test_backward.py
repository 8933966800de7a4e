"""The gradient program, held against autograd: every operation, and random programs of several."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import Trace, load_trace, trace
from tests.common import known
from tests.engine.here import run
from tests.ops.laws import gradients, same

UNARY = [
    "{x}.exp()",
    "{x} * 2 + 1",
    "F.softmax({x}, dim=-1)",
    "F.layer_norm({x}, ({n},))",
    "{x} / ({x} * {x} + 1)",
    "{x}.masked_fill(mask, 0.0)",
    "torch.where(mask, {x}, -{x})",
    "{x}.tril()",
    "{x}.cumsum(0)",
    "{x}.flip(0)",
    "{x}.reshape({n}, {n})",
    "{x}[:, torch.arange({n})]",
    "{x} - {x}.mean(0)",
    "{x} / {x}.norm()",
    "{x} + {x}.sum(1, keepdim=True)",
    "{x} + F.relu({x})",
    "F.layer_norm({x}, ({n},), v, v)",
    "torch.cat({x}.chunk({n}, 1)[::-1], 1)",
    "{x}[-1:] * {x}[:, None, 0]",
    "{x}.sort(1)[0]",
    "{x} - {x}.amax(1, keepdim=True)",
    "{x} + F.cross_entropy({x}, torch.arange({n}))",
    "F.embedding(torch.arange({n}) // 2, {x})",
    "{x}.gather(1, torch.arange({n}).repeat({n}, 1) // 2)",
]
BINARY = [
    "{x} @ {y}",
    "{x} + {y}",
    "{x} * {y}",
    "F.linear({x}, {y}, v)",
]
BINARY += ["F.scaled_dot_product_attention({x}, {y}, {y}, is_causal=True)", "{x} @ {y}.mT", "{x}.mT @ {y}"]
BINARY += ["torch.einsum('ij,jk->ik', {x}, {y})", "torch.cat([{x}, {y}], 1) @ torch.cat([{y}, {x}], 0)"]
BINARY += ["torch.stack([{x}, {y}]).sum(0)", "{x} * v + {y} * v", "torch.bmm({x}[None], {y}[None])[0]"]


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, int]:
    """Draws a program over x, W (n, n) and v (n,) that ends with a scalar loss."""
    n = draw(st.integers(1, 3))
    lines = [f"mask = torch.ones({n}, {n}).triu(1) > 0"]
    names = ["x", "W"]
    for number in range(draw(st.integers(1, 6))):
        one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        form = draw(st.sampled_from(UNARY + BINARY))
        target = draw(st.sampled_from([f"h{number}", "dx", "h", "h_1", "d"]))
        lines.append(f"{target} = {form.format(x=one, y=other, n=n)}")
        names.append(target)
    lines.append(f"loss = ({names[-1]} * torch.arange({n * n}.).reshape({n}, {n})).mean()")
    return "\n".join(lines), n


def executed(program: str, names: dict[str, Any]) -> dict[str, Any]:
    """Returns the names of a program that Python itself has run."""
    scope = {"torch": torch, "nn": nn, "F": nn.functional, **names}
    exec(program, scope)  # noqa: S102  the oracle: the tests' own text
    return scope


@settings(max_examples=80)
@given(programs())
@example(("h = torch.stack([x, x * x]) @ W[None].mT\nloss = (h * h).sum()", 2))  # one W for both matrices
def test_programs(drawn: tuple[str, int]) -> None:
    text, n = drawn
    sizes = {"x": f"{n}, {n}", "W": f"{n}, {n}", "v": f"{n}"}
    start = "".join(f"{name} = torch.randn({size}).double()\n" for name, size in sizes.items())
    t = run(start + text, seed=3)
    torch.manual_seed(3)
    leaves = executed(start, {})
    given_ = {name: leaves[name].requires_grad_() for name in ("x", "W", "v")}
    loss = executed(text, given_)["loss"]
    assert torch.equal(t["loss"].value, loss.detach())
    wanted: tuple[Tensor | None, ...] = torch.autograd.grad(loss, list(given_.values()), allow_unused=True)
    program = t.backward("loss")
    for (name, leaf), gradient in zip(given_.items(), wanted, strict=True):
        if f"d{name}" not in program.names:
            assert gradient is None or not gradient.any(), name
        elif name != "x" or "dx = " not in text:  # a forward dx takes the name
            expected = torch.zeros_like(leaf) if gradient is None else gradient
            assert torch.allclose(program[f"d{name}"].value, expected, rtol=1e-5, atol=1e-7), name


def test_a_gradient_program_reads_as_it_is_written_by_hand() -> None:
    t = run(
        "X = torch.randn(3, 2)\nW = torch.randn(4, 2)\nb = torch.randn(4)\n"
        "Y = F.linear(X, W, b)\nloss = Y.sum()"
    )
    g = t.backward("loss")
    assert isinstance(g, Trace)
    assert "dW = dY.T @ X" in g.source
    assert "dX = dY @ W" in g.source
    assert "db = dY.sum(0)" in g.source
    twins = {node.name: node.forward_node for node in g.nodes if node.forward_node is not None}
    assert twins["dW"] is t["Y"]
    assert twins["dX"] is t["Y"]
    x = run("x = torch.ones(2, 3).requires_grad_()\ny = (x.T * 2).sum()")
    assert x.backward("y")["dx"].source.endswith(".T")


def test_the_gradient_of_an_expression_is_called_by_it() -> None:
    t = run(
        "x, W, V = torch.randn(3, 2), torch.randn(2, 4), torch.randn(4, 2)\n"
        "matmul_2 = x.sum()\n"
        "loss = (F.layer_norm(F.gelu(x @ W) @ V, (2,)) * (1 + torch.exp(x))).sum() * matmul_2"
    )
    g = t.backward("loss")
    titles = {node.title for node in g.nodes}
    assert {
        "d(x @ W)",
        "d(F.gelu(x @ W))",
        "d(1 + torch.exp(x))",
        "(x @ W) / 2**0.5",
        "bell of F.gelu(x @ W)",
    } <= titles
    bound = {node.bound_name for node in t.nodes if node.bound_name}
    made = {node.name for node in t.nodes if node.name not in bound}
    told = " ".join(text for node in g.nodes for text in (node.title, node.title_of_cells, node.why))
    assert not {*made, *(f"d{name}" for name in made)} & {*re.findall(r"\w+", told)}
    assert {"dx", "dW", "dV", "dmatmul_2"} <= titles
    (inner,) = {node for node in g.nodes if node.title == "d(x @ W)"}
    assert inner.title_of_cells == "d(x @ W)"
    assert f"{inner.name} = " in g.source
    powered = run("x = torch.ones(3)\ny = (x**2) * (x**2)").backward("y")
    squares = {
        item.title_of_cells for node in powered.nodes for item in node.operands if item.title == "x**2"
    }
    assert squares == {"(x**2)"}


def test_a_gradient_that_is_a_variable_s_too_is_called_by_that() -> None:
    t = run(
        "Y, target, R = torch.randn(2, 3), torch.randn(2, 3), torch.randn(2, 3)\n"
        "loss = ((Y - target) ** 2).mean() + (R + (Y * 2)).sum() + (target + R).sum()"
    )
    g = t.backward("loss")
    titles = [node.title for node in g.nodes]
    plain = run("Y, target = torch.randn(2, 3), torch.randn(2, 3)\nloss = ((Y - target) ** 2).mean()")
    back = plain.backward("loss")
    (shared,) = {node for node in back.nodes if node.title == "dY"}
    assert back["dY"] is shared
    assert shared.name != "dY"
    assert {item.title for item in back["dtarget"].operands} == {"dY"}
    assert "d(Y - target)" not in [node.title for node in back.nodes]
    assert "d(Y - target)" in titles  # Y has other gradients there
    assert "d(target + R)" in titles  # of two variables it is a part of each


def test_what_is_bound_twice_keeps_its_name() -> None:
    t = run(
        "def double(x):\n    y = x * 2\n    return y * y\n"
        "a = torch.ones(2)\nloss = (double(a) + double(a + 1)).sum()"
    )
    g = t.backward("loss")
    assert [node.title for node in g.nodes].count("dy") == 2
    assert len({node.name for node in g.nodes if node.title == "dy"}) == 2
    assert {node.title_of_cells for node in g.nodes if node.title == "dy"} == {"dy"}
    assert [node.title for node in g.nodes if node.title.startswith("dy_")] == ["dy_1", "dy_2"] * 2


def test_a_long_trace_has_a_long_gradient_program() -> None:
    def function(x: Tensor) -> Tensor:
        y = x
        for _ in range(1000):
            y = y * 1.001 + x
        return y.sum()

    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    t = trace(function, x)
    assert len(t) > 2000
    same(t.backward(t.nodes[-1]), "x", gradients(function, (x,))[0])


def test_what_has_no_gradient_says_so() -> None:
    t = run("x = torch.arange(3)\ny = x.sum()")
    with pytest.raises(ValueError, match="int64"):
        t.backward("y")
    with pytest.raises(KeyError, match="did you mean"):
        t.backward("yy")


def test_written_tensors_have_gradients() -> None:
    text = "x = torch.ones(3)\nv = torch.ones(2)\ny = x * 2\ny[1:] = v * 5\ny += x\nloss = (y * y).sum()"
    g = run(text).backward("loss")
    x, v = torch.ones(3, requires_grad=True), torch.ones(2, requires_grad=True)
    y = x * 2
    y[1:] = v * 5
    y += x
    for name, wanted in zip(("dx", "dv"), torch.autograd.grad((y * y).sum(), (x, v)), strict=True):
        assert torch.allclose(g[name].value, wanted)


def test_a_comparison_that_is_printed_is_no_loss() -> None:
    t = run("x = torch.randn(3, 2)\ny = x @ x.T\nprint(torch.allclose(y, x.mm(x.T)))")
    assert t.loss is t["y"]
    assert run("x = torch.randn(3)\nx * 2").loss is not None
    for text in ("torch.randn(3)", "torch.arange(3) * 2", "torch.randn(3) * 2", "torch.randn(2) > 0"):
        t = run(f"y = {text}")
        assert t.has_loss is (t.loss is not None)


class Headed(nn.Module):
    """What it returns has no name."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.head = nn.LayerNorm(3), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x * 2
        return self.head(self.norm(x))  # type: ignore[no-any-return]


def test_what_is_differentiated_is_what_was_returned(tmp_path: Path) -> None:
    t = trace(Headed(), torch.randn(2, 3))
    assert t.loss is t.nodes[-1]
    t.save(tmp_path / "t.trace")
    assert known(load_trace(tmp_path / "t.trace").loss).op == "linear"
    several = trace(lambda x: {"place": x.argmax(), "y": x @ x.T, "z": x + 1}, torch.randn(2, 3))
    assert known(several.loss).op == "matmul"
    assert known(trace(lambda x: ((x * x).sum(), x + 1)[1], torch.randn(2)).loss).op == "sum"


def test_a_model_that_the_program_makes_has_its_gradients_when_it_was_saved(tmp_path: Path) -> None:
    def built() -> Tensor:
        layers = nn.Sequential(nn.Linear(3, 2), nn.Embedding(2, 2), nn.LSTM(3, 2))
        first: Tensor = layers[0](torch.ones(4, 3))
        second: Tensor = layers[1](torch.tensor([1]))
        return first.square().sum() + second.sum()

    own = trace(built)
    own.save(tmp_path / "t.trace")
    again = load_trace(tmp_path / "t.trace")
    here, there = own.backward(own.nodes[-1]), again.backward(again.nodes[-1])
    assert [node.name for node in here.nodes] == [node.name for node in there.nodes]
    for node, other in zip(here.nodes, there.nodes, strict=True):
        assert torch.equal(node.value, other.value)
    drawn = [node for node in again.nodes if node.op == "init_kaiming_uniform"]
    assert "drawn at random" in drawn[0].sentence()
