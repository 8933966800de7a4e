"""Composite operations opened: the parts give what the whole gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from llm_linalg import trace
from tests.engine.here import run
from tests.ops.laws import OPENED, opened


def test_what_opens() -> None:
    assert {"softmax", "log_softmax", "layer_norm", "rms_norm", "var"} <= set(OPENED)
    assert {"scaled_dot_product_attention", "cross_entropy", "mse_loss"} <= set(OPENED)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        ("x.var(1, unbiased=False)", ["center", "square", "total", "var"]),
        ("x.var(dim=(0, 1), correction=0, keepdim=True)", ["center", "square", "total", "var"]),
        ("torch.var(x)", ["center", "square", "total", "var"]),
        ("x.var(False)", ["center", "square", "total", "var"]),
        ("F.softmax(x, dim=0)", ["top", "below", "power", "total", "softmax"]),
        ("x.softmax(-1)", ["top", "below", "power", "total", "softmax"]),
        ("F.log_softmax(x, -1)", ["top", "below", "power", "total", "log_softmax"]),
        (
            "F.layer_norm(x, (3,), eps=0.5)",
            ["mean", "center", "square", "var", "raised", "deviation", "layer_norm"],
        ),
        (
            "nn.LayerNorm(3)(x)",
            ["mean", "center", "square", "var", "raised", "deviation", "layer_norm", "scaled", "shifted"],
        ),
    ],
)
def test_calls(call: str, names: list[str]) -> None:
    node = run(f"x = torch.randn(4, 3) * 3\ny = {call}", seed=1)["y"]
    opened(node)
    assert [part.name for part in node.parts if part.bound_name] == names


def test_rows_of_minus_infinity() -> None:
    x = torch.full((2, 3), -torch.inf)
    x[0, 0] = 1.0
    node = trace(lambda a: a.softmax(-1), x).nodes[-1]
    assert node.value[0].tolist() == [1.0, 0.0, 0.0]
    opened(node)


@pytest.mark.parametrize(
    ("call", "flag"),
    [
        ("F.mse_loss(x, y, {})", "size_average"),
        ("F.mse_loss(x, y, {})", "reduce"),
        ("F.cross_entropy(x, k, {})", "size_average"),
        ("F.cross_entropy(x, k, {})", "reduce"),
        ("F.l1_loss(x, y, {})", "size_average"),
    ],
)
@pytest.mark.filterwarnings("ignore:size_average and reduce")
def test_a_loss_with_torch_s_older_flags_is_measured(call: str, flag: str) -> None:
    start = "x = torch.randn(2, 3, requires_grad=True)\ny = torch.randn(2, 3)\nk = torch.tensor([0, 2])\n"
    t = run(f"{start}z = {call.format(f'{flag}=False')}\nz.sum().backward()\ng = x.grad")
    assert (t["z"].parts, t["z"].evidence) == ((), "autograd")
    assert torch.allclose(t.backward("z")["dx"].value, t["g"].value)


def test_opening_leaves_the_generator_alone() -> None:
    node = run("x = torch.randn(4, 3)\ny = x.softmax(-1)")["y"]
    state = torch.get_rng_state()
    assert isinstance(node.parts[-1].value, Tensor)
    assert torch.equal(state, torch.get_rng_state())
