from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.number_range import summary
from llm_linalg.base.numbers import adds_up, exact, format_cell, significant

numbers = st.one_of(
    st.floats(),
    st.integers(-(10**20), 10**20),
    st.booleans(),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0]),
)


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (1.5, 10, "1.5000"),
        (1.5, 4, "1.50"),
        (12.0, 3, "12."),
        (12.0, 2, "12"),
        (12.0, 1, "#"),
        (-1722.4321, 6, "-1722"),
        (1e10, 10, "1.0000e+10"),
        (1.25e10, 7, "1.2e+10"),
        (1e10, 5, "1e+10"),
        (1e10, 4, "1e10"),
        (1e10, 3, "###"),
        (1e-5, 6, "1e-05"),
        (1e-5, 4, "1e-5"),
        (0.004, 3, "0.0"),
        (0.3, 1, "#"),
        (123456, 6, "123456"),
        (123456, 5, "1e+05"),
        (10**400, 8, "1.0e+400"),
        (math.nan, 3, "nan"),
        (math.nan, 2, "?"),
        (math.inf, 2, "∞"),
        (-math.inf, 4, "-inf"),
        (-math.inf, 3, "-∞"),
        (-math.inf, 1, "#"),
        (-0.0, 3, "-0."),
        (True, 4, "True"),
        (False, 4, "F"),
        (1 + 2j, 20, "1.+2.j"),
        (0.5 - 2j, 8, "0.50-2.j"),
        (7, 0, ""),
    ],
)
def test_format_cell(value: complex, width: int, text: str) -> None:
    assert format_cell(value, width) == text


@given(numbers, st.integers(0, 30))
def test_format_cell_keeps_to_its_width_and_to_the_truth(value: float, width: int) -> None:
    text = format_cell(value, width, ascii_only=True)
    assert len(text) <= width
    shown = re.fullmatch(r"-?\d+\.?\d*(e[+-]?\d+)?", text)
    if shown:
        shift = abs(float(text) - value)
        assert shift <= max(0.5000001, 0.5000001 * abs(float(text)))
        assert float(text) == 0 or (float(text) < 0) == (value < 0)
        assert float(text) != 0 or abs(value) <= 0.05 + 1e-9


def test_exact_is_as_short_as_the_dtype_allows() -> None:
    assert exact(torch.tensor(0.1).item(), torch.float32) == "0.1"
    assert exact(torch.tensor(0.1).item()) == "0.10000000149011612"
    assert exact(torch.tensor(0.1, dtype=torch.bfloat16).item(), "bfloat16") == "0.1"
    assert exact(1e6, "float16") == "inf"
    assert exact(2**63 - 1, "int64") == "9223372036854775807"
    assert exact(True, "bool") == "True"
    assert exact(torch.tensor(0.1 - 0.2j).item(), torch.complex64) == "0.1-0.2j"
    assert exact(-0.0, "float32") == "-0.0"


def test_significant() -> None:
    assert significant(1.23456789) == 1.23457
    assert significant(123456789.0) == 123457000.0
    assert significant(2.0, 2) == 2.0
    assert significant(123456789) == 123456789
    assert significant(True) is True
    assert [significant(x) for x in (math.nan, math.inf, -math.inf)] == ["nan", "inf", "-inf"]
    assert math.copysign(1, float(significant(-0.0))) == -1
    assert significant(1 / 3 + 2j) == "0.333333+2j"


@pytest.mark.parametrize(
    ("tensor", "line"),
    [
        (torch.tensor([[1.0, 2.0], [3.0, -6.0]]), "float32 (2, 2)  min -6  max 3  mean 0"),
        (torch.tensor([1.0, math.nan, -math.inf, 3.0]), "float32 (4,)  min 1  max 3  mean 2  1 nan  1 -inf"),
        (torch.tensor([math.nan, math.inf]), "float32 (2,)  1 nan  1 inf"),
        (torch.zeros(2, 3, dtype=torch.bfloat16), "bfloat16 (2, 3)  all 0"),
        (torch.full((2, 3), math.nan).expand(4, 2, 3), "float32 (4, 2, 3)  24 nan"),
        (torch.tensor(1.5), "float32 ()  1.5"),
        (torch.tensor([7]), "int64 (1,)  7"),
        (torch.arange(5), "int64 (5,)  min 0  max 4  mean 2"),
        (torch.tensor([True, False, True]), "bool (3,)  2 True  1 False"),
        (torch.empty(0, 3), "float32 (0, 3)  empty"),
        (torch.empty(2, device="meta"), "float32 (2,)  no values (meta)"),
        (torch.tensor([3 + 4j, 0j]), "complex64 (2,)  |z| min 0  max 5  mean 2.5"),
        (torch.ones(2, 2, requires_grad=True), "float32 (2, 2)  all 1"),
    ],
)
def test_summary(tensor: torch.Tensor, line: str) -> None:
    assert summary(tensor) == line


def test_adds_up() -> None:
    assert adds_up(["-1.8259", "0.1035"], "-1.7224")
    assert not adds_up(["-1.8259", "0.1036"], "-1.7224")
    assert adds_up(["0.1", "0.2"], "0.3")
    assert adds_up(["1.", "2."], "3.")
    assert adds_up([" 1.5000e+10", "[0.5]", "(−0.5)"], "1.5e10")
    assert not adds_up(["1e+30", "1."], "1e+30")
    assert adds_up(["0.5·3.", "[2.×-1.]"], "-0.5")
    assert not adds_up(["0.33·3.00"], "1.00")
    assert adds_up(["inf", "1."], "∞")
    assert adds_up(["inf", "-inf"], "nan")
    assert not adds_up(["inf", "-inf"], "0.")
    assert not adds_up(["##", "1."], "1.")
    assert adds_up(["True", "T", "False"], "2")
    assert adds_up([], "0.")


@given(st.lists(st.integers(-(10**6), 10**6), max_size=9))
def test_whole_numbers_always_add_up_and_a_slip_shows(terms: list[int]) -> None:
    texts = [format_cell(float(term), 20) for term in terms]
    assert adds_up(texts, format_cell(float(sum(terms)), 20))
    assert not adds_up(texts, format_cell(float(sum(terms) + 1), 20))
