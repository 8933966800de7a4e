"""Arithmetic as it is written: `=` only where the numbers shown are equal."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.arithmetic import comes_to, worked_out
from tests.engine.here import run

NUMBERS = st.decimals(-1000, 1000, places=4).map(lambda x: f"{x:f}")


@given(NUMBERS, st.sampled_from("+-·/"), NUMBERS, st.integers(0, 4))
def test_it_is_worked_out_exactly_and_compared_as_rounded(
    one: str, sign: str, other: str, places: int
) -> None:
    if sign == "/" and Decimal(other) == 0:
        assert worked_out(f"{one} / ({other})") is None
        return
    with localcontext(prec=50):
        a, b = Decimal(one), Decimal(other)
        exact = {"+": a + b, "-": a - b, "·": a * b}[sign] if sign != "/" else a / b
        near = round(exact, places)
        text = f"{near:f}"
        assert comes_to(f"{one} {sign} ({other})", text) is (places > 0 or near == exact)
        far = near + Decimal(2).scaleb(-places)
        assert comes_to(f"{one} {sign} ({other})", f"{far:f}") is False


@pytest.mark.parametrize(
    ("arithmetic", "total", "is_equal"),
    [
        ("(-3)^2", "9", True),
        ("-1.5000²", "-2.2500", True),
        ("3.0000e+38·10", "3.0000e+39", True),
        ("1.2344 + 300", "302", False),
        ("1 / 0", "inf", None),
        ("exp(1)", "2.7183", None),
        ("2048·2048", "inf", None),
        ("(2+1j)·3", "6+3j", None),
        ("2^1000000000", "1", None),
        ("2^-1", "0.5", None),
        ("1 +", "1", None),
        ("", "1", None),
    ],
)
def test_what_is_no_plain_arithmetic_is_not_worked_out(
    arithmetic: str, total: str, is_equal: bool | None
) -> None:
    assert comes_to(arithmetic, total) is is_equal


@pytest.mark.parametrize(
    ("made", "formula"),
    [
        ("torch.tensor([2048.]).half() * 2048", "2048·2048 → inf in float16"),
        ("torch.tensor([100.]).exp()", "exp(100) → inf in float32"),
        ("torch.tensor([1.]) / 0", "1 / 0 = inf"),
        ("torch.tensor([16777216.]) + 1", "16777216 + 1 ≈ 16777216"),
        ("torch.tensor([1.2344]).bfloat16() + 300", "1.2344 + 300 ≈ 302"),
        ("torch.tensor([-0.97238]) / 0.007654", "-0.9724 / 0.0077 ≈ -127.0421"),
        ("torch.tensor([0.5]) * 0.25", "0.5000·0.25 = 0.1250"),
    ],
)
def test_a_cell_that_its_dtype_rounds_is_not_called_equal(made: str, formula: str) -> None:
    assert run(f"y = {made}")["y"].walk()[-1].text == f"y[0] = {formula}"
