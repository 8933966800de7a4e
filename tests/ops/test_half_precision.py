"""In half precision, too, parts end in what torch gives, and gradients are autograd's but for rounding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import Trace, trace
from tests.ops.drawing import values
from tests.ops.laws import gradients, weighed

F = nn.functional
ROUNDING = {torch.float16: 4e-3, torch.bfloat16: 3e-2}
ROWS = (4, 8)
NORMS: dict[str, tuple[Callable[..., Tensor], list[tuple[int, ...]]]] = {
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (8,), w, b), [ROWS, (8,), (8,)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (8,), w), [ROWS, (8,)]),
    "group_norm": (lambda x: F.group_norm(x, 2), [(2, 8, 3)]),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), [(6, 3)]),
    "instance_norm": (F.instance_norm, [(2, 3, 6)]),
    "softmax": (lambda x: x.softmax(1), [ROWS]),
    "log_softmax": (lambda x: x.log_softmax(1), [ROWS]),
    "var": (lambda x: x.var(1), [ROWS]),
    "std": (lambda x: x.std(1), [ROWS]),
    "norm": (torch.linalg.vector_norm, [ROWS]),
    "weight_norm": (lambda v, g: torch._weight_norm(v, g, 0), [ROWS, (4, 1)]),
    "scaled_dot_product_attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        [(1, 1, *ROWS)] * 3,
    ),
}


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", NORMS)
@settings(max_examples=6)
@given(scale=st.sampled_from([1e-3, 1.0, 30.0, 300.0, 6e3]), seed=st.integers(0, 99))
def test_a_norm_is_that_of_torch(name: str, dtype: torch.dtype, scale: float, seed: int) -> None:
    function, shapes = NORMS[name]
    inputs = tuple((values(shape, seed + place) * scale).to(dtype) for place, shape in enumerate(shapes))
    is_one_hot = "attention" in name and scale > 1  # its gradient is what rounding leaves of 0
    made = trace(function, *inputs) if is_one_hot else holds(function, inputs, dtype)
    for node in made.nodes:
        if node.parts:
            assert node.parts[-1].value.dtype == node.value.dtype
            assert near(node.parts[-1].value, node.value, dtype), node.op


SIZES = [1e-6, 1e-4, 3e-3, 0.1, 0.7, 1.3, 3.0, 6.0, 17.0, 300.0, 5e3, 6e4]
NUMBERS = st.builds(lambda size, sign: size * sign, st.sampled_from(SIZES), st.sampled_from([1, -1]))
POINTWISE: dict[str, Callable[..., Tensor]] = {
    "div": torch.div,
    "rdiv": lambda x: 3 / x,
    "pow": lambda x: x.abs() ** -0.5,
    "base": lambda x: 2**x,
    "square": torch.square,
    "gelu": F.gelu,
    "silu": F.silu,
    "logsigmoid": F.logsigmoid,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "logaddexp": torch.logaddexp,
    "addcdiv": torch.addcdiv,
    "addcmul": lambda x, y, z: torch.addcmul(x, y, z, value=2),
}
OPERANDS = {"div": 2, "logaddexp": 2, "addcdiv": 3, "addcmul": 3}


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", POINTWISE)
@settings(max_examples=20)
@given(data=st.data())
def test_a_slope_is_that_of_torch(name: str, dtype: torch.dtype, data: st.DataObject) -> None:
    numbers = st.lists(NUMBERS, min_size=8, max_size=8)
    inputs = tuple(torch.tensor(data.draw(numbers), dtype=dtype) for _ in range(OPERANDS.get(name, 1)))
    holds(POINTWISE[name], inputs, dtype, by_cell=True)


def holds(
    function: Callable[..., Tensor], inputs: tuple[Tensor, ...], dtype: torch.dtype, by_cell: bool = False
) -> Trace:
    """Holds the gradients of a call against autograd's, and returns the trace."""

    def loss(*inputs: Tensor) -> Tensor:
        return weighed(function(*inputs))

    made = trace(loss, *inputs)
    program = made.backward(made.nodes[-1])
    for place, wanted in enumerate(gradients(loss, inputs)):
        assert wanted is not None
        assert near(program[f"dinputs_{place}"].value, wanted, dtype, by_cell), place
    return made


def near(one: Tensor, other: Tensor, dtype: torch.dtype, by_cell: bool = False) -> bool:
    """Returns whether two tensors are the same but for rounding: that of a cell, or of all together."""
    one, other, close = one.double(), other.double(), ROUNDING[dtype]
    finite = other[other.isfinite()].abs()
    whole = 0.0 if by_cell or not finite.numel() else float(finite.max()) * close
    return torch.allclose(one, other, rtol=2 * close, atol=whole + 3e-6, equal_nan=True)
