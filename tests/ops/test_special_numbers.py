"""Zeros, infinities and nan have the gradient that autograd gives them, or a refusal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import trace
from tests.ops.laws import gradients

F = nn.functional
INF, NAN = float("inf"), float("nan")
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 300.0, 1e-30, 1e30, INF, -INF, NAN])
ONE: dict[str, Callable[..., Tensor]] = {
    "relu": torch.relu,
    "logit": torch.logit,
    "square": torch.square,
    "max": torch.max,
    "amin": lambda x: x.amin(0, keepdim=True),
    "max_pool1d": lambda x: F.max_pool1d(x[None], 2)[0],
    "norm": torch.linalg.vector_norm,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "silu": F.silu,
    "softmax": lambda x: x.softmax(0),
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
}
TWO: dict[str, Callable[..., Tensor]] = {
    "div": torch.div,
    "logaddexp": torch.logaddexp,
    "nextafter": torch.nextafter,
    "hypot": torch.hypot,
    "huber_loss": F.huber_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "mse_loss": F.mse_loss,
    "prelu": lambda x, w: F.prelu(x, w[:1]),
}


@pytest.mark.parametrize("name", [*ONE, *TWO])
@settings(max_examples=30)
@given(data=st.data(), slope=st.sampled_from([1.0, -2.0, 0.0, INF]))
def test_a_special_number_has_the_gradient_of_torch(name: str, data: st.DataObject, slope: float) -> None:
    cells = st.lists(NUMBERS, min_size=4, max_size=4)
    count = 1 if name in ONE else 2
    inputs = tuple(torch.tensor(data.draw(cells), dtype=torch.float64) for _ in range(count))
    holds({**ONE, **TWO}[name], inputs, slope)


UPSTREAM: dict[str, Callable[..., Tensor]] = {
    "embedding": lambda x: F.embedding(torch.tensor([2, 0, 2]), x),
    "max_pool1d": lambda x: F.max_pool1d(x[None], 2)[0],
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x[None], 2)[0],
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
    "softmax": lambda x: x.softmax(-1),
    "var": lambda x: x.var(0),
    "cumsum": lambda x: x.cumsum(1),
    "gather": lambda x: x.gather(1, torch.tensor([[0], [1], [1]])),
}


@pytest.mark.parametrize("name", UPSTREAM)
@settings(max_examples=20)
@given(data=st.data())
def test_what_comes_back_not_finite_goes_where_torch_lets_it(name: str, data: st.DataObject) -> None:
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    function = UPSTREAM[name]
    count = function(x).numel()
    slopes = torch.tensor(data.draw(st.lists(NUMBERS, min_size=count, max_size=count)), dtype=x.dtype)

    def scaled(x: Tensor) -> Tensor:
        y = function(x)
        return (y * slopes.reshape(y.shape)).sum()

    leaf = x.clone().requires_grad_()
    (own,) = torch.autograd.grad(scaled(leaf), leaf)
    made = trace(scaled, x.requires_grad_())
    shown = made.backward(made.nodes[-1])["dx"].value
    assert torch.allclose(shown, own, equal_nan=True)


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 0.25, 1e-30])] * 2), min_size=1, max_size=3))
def test_a_certain_share_has_the_gradient_of_torch(shares: list[tuple[float, float]]) -> None:
    pairs = torch.tensor(shares, dtype=torch.float64)
    holds(F.binary_cross_entropy, (pairs[:, 0], pairs[:, 1]), 1.0)


def holds(function: Callable[..., Tensor], inputs: tuple[Tensor, ...], slope: float) -> None:
    """Holds the gradients of a call for a cotangent against autograd's."""

    def loss(*inputs: Tensor) -> Tensor:
        return (function(*inputs) * slope).sum()

    made = trace(loss, *inputs)
    program = made.backward(made.nodes[-1])
    for place, wanted in enumerate(gradients(loss, inputs)):
        name = f"dinputs_{place}"
        gradient = program[name].value if name in program else torch.zeros_like(inputs[place])
        assert wanted is not None
        assert torch.allclose(gradient, wanted, rtol=1e-6, atol=1e-12, equal_nan=True)


def test_parts_that_overflow_where_the_whole_does_not_are_not_shown() -> None:
    x = torch.full((1, 1, 2, 2), 6e4, dtype=torch.float16)
    node = next(
        node
        for node in trace(lambda a: F.interpolate(a, scale_factor=2, mode="bilinear"), x).nodes
        if node.op == "interpolate"
    )
    assert not node.parts or node.parts[-1].value.isfinite().all()
