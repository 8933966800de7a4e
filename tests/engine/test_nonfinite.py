"""Why a number is none: said for what torch gives as NaN or inf, and for nothing else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg.explain.nan_origin import nan_reason
from tests.engine.here import run

PROGRAM = """\
x = torch.tensor(numbers)
hidden = x.masked_fill(x > 3, -torch.inf)
P = torch.softmax(hidden, dim=-1)
L = F.layer_norm(hidden, (3,))
power = torch.exp(x * 40)
share = power / power.sum(-1, keepdim=True)
out = P @ torch.ones(3, 2)
zero = (x - x) / (x - x)
"""


@given(
    st.lists(st.lists(st.sampled_from([0.5, 1.0, 2.5, 4.0]), min_size=3, max_size=3), min_size=1, max_size=3)
)
@settings(max_examples=30, deadline=None)
def test_a_reason_is_given_where_a_number_is_none_and_nowhere_else(numbers: list[list[float]]) -> None:
    t = run(PROGRAM, names={"numbers": numbers})
    for node in t.nodes:
        for cell in torch.ones(node.shape).nonzero().tolist():
            value = node.value[tuple(cell)]
            said = nan_reason(node, tuple(cell))
            if value.isnan():
                assert said, (node.name, cell)
            elif value.isfinite() or node.name == "hidden":
                assert said == "", (node.name, cell)


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        ("P", (0, 1), "All 3 cells of hidden that it reads are -inf: below[0,1] = -inf - (-inf) = nan"),
        ("out", (0, 0), "NaN, since P[0,0] is"),
        ("power", (0, 0), "inf begins here: power[0,0] = exp(160) → inf in float32"),
        ("share", (0, 0), "NaN begins here: share[0,0] = inf / inf = nan"),
        ("zero", (1, 1), "NaN begins here: zero[1,1] = 0 / 0 = nan"),
        ("L", (0, 2), "All 3 cells of hidden that it reads are -inf: center[0,2] = -inf - (-inf) = nan"),
        ("hidden", (0, 0), ""),
        ("P", (1, 0), ""),
    ],
)
def test_the_reason_has_the_numbers(name: str, cell: tuple[int, ...], said: str) -> None:
    t = run(PROGRAM, names={"numbers": [[4.0, 4.0, 4.0], [0.5, 1.0, 2.5]]})
    assert nan_reason(t[name], cell) == said


@pytest.mark.parametrize("function", ["torch.imag", "torch.real", "torch.view_as_real"])
@pytest.mark.parametrize("number", ["float('inf')", "2.0"])
def test_a_part_of_a_complex_number_is_as_finite_as_the_number(function: str, number: str) -> None:
    node = run(f"x = torch.full((2,), {number})\ny = {function}(torch.complex(x, x))")["y"]
    assert nan_reason(node, (0,) * node.value.dim()) == ""
