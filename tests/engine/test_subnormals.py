"""Products of tiny numbers, at which processors are slow, and backward passes: both are bounded."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import execute
from llm_linalg.language.budget import Budget

from llm_linalg import LimitError, run
from llm_linalg.ops.subnormals import FEW_PRODUCTS, slow_products_of
from tests.engine.counting import at_most
from tests.engine.doing import budgets

NUMBERS = st.sampled_from([0.0, 1.0, -3.0, 1e-15, -1e-20, 1e-25, 1e-40])
TINY = torch.finfo(torch.float32).tiny
LARGE = "x = torch.full((900, 900), {})\n"


def matrix(rows: int, columns: int) -> st.SearchStrategy[torch.Tensor]:
    row = st.lists(NUMBERS, min_size=columns, max_size=columns)
    return st.lists(row, min_size=rows, max_size=rows).map(torch.tensor)


@given(matrix(3, 4), matrix(4, 2))
def test_no_more_products_are_slow_than_are_counted(x: torch.Tensor, y: torch.Tensor) -> None:
    products = x[:, :, None].double() * y.double()
    factors = torch.minimum(x.abs()[:, :, None], y.abs())
    slow = (products != 0) & ((products.abs() < TINY) | (factors < TINY))
    assert int(slow.sum()) <= slow_products_of("matmul", [x, y], products.numel())


def test_what_is_not_tiny_counts_no_more() -> None:
    x = torch.rand(8, 8).clamp(min=1e-9)
    x[0] = 0
    assert slow_products_of("matmul", [x, x], 8**3) == 0
    assert slow_products_of("matmul", [x.long(), x.long()], 8**3) == 0
    assert slow_products_of("matmul", [x[:0], x], 0) == 0


def test_a_tensor_of_any_size_is_looked_at_once() -> None:
    row = torch.tensor([1.0, 1e-40])
    assert slow_products_of("matmul", [row.expand(2**40, 2)], 100) == 100
    assert slow_products_of("matmul", [torch.ones(2).expand(2**40, 2)], 100) == 0


@pytest.mark.parametrize(
    "line",
    ["x @ x", "F.linear(x, x)", "torch.einsum('ij,jk->ik', x, x)", "x.unsqueeze(0) @ x"],
)
@pytest.mark.parametrize("number", ["1e-40", "1e-20"])
def test_many_products_of_tiny_numbers_are_refused_before_they_start(line: str, number: str) -> None:
    with at_most(100_000), pytest.raises(LimitError, match="729,000,000 products of tiny numbers"):
        run(LARGE.format(number) + line)
    run("x = torch.full((30, 30), 1e-40)\n" + line)


def test_an_attention_whose_weights_vanish_counts_as_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    for scale in (1.0, 1000.0, 1.0, 1000.0, 1.0, 1000.0):
        turn = f"F.scaled_dot_product_attention(x, x, x, scale={scale})"
        run(f"x = torch.ones(128, 16)\nfor i in range(3): {turn}")
    left = [one.multiplications for one in budget]
    assert left[0] - left[1] == 3 * 32 * 128 * 128 * 16
    assert left == left[:2] * 3


def test_a_call_like_one_before_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    size = round(FEW_PRODUCTS ** (1 / 3)) + 1
    for number in (1.0, 1e-40):
        run(f"x = torch.full(({size}, {size}), {number})\nfor i in range(50): y = x @ x", seconds=None)
    plain, tiny = (Budget().multiplications - one.multiplications for one in budget)
    assert tiny - plain == 50 * 32 * size**3


def test_small_calls_of_tiny_numbers_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    for number in (1.0, 1e-40):
        run(f"x = torch.full((32, 32), {number})\nfor i in range(1000): y = x @ x", seconds=None)
    plain, tiny = (Budget().multiplications - one.multiplications for one in budget)
    assert 0 <= 1000 * 32 * 32**3 - (tiny - plain) <= 32 * FEW_PRODUCTS


def test_a_gradient_of_tiny_numbers_is_refused_when_the_pass_comes_to_it() -> None:
    program = "x = torch.rand(700, 700, requires_grad=True)\ny = x @ x\n(y * {}).sum().backward()"
    with pytest.raises(LimitError, match="backward of matmul would need 686,000,000 products") as refused:
        run(program.format("1e-40"))
    assert refused.value.line == 3
    assert run(program.format("1e-4")).nodes


def test_a_backward_pass_is_refused_by_the_bound_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "x = torch.rand({0}, {0}, requires_grad=True)\ny = (x @ x).sum()\ny.backward()"
    with at_most(100_000), pytest.raises(LimitError, match="backward would need") as refused:
        run(program.format(1_900), seconds=None)
    assert refused.value.line == 3
    monkeypatch.setattr(execute, "Budget", partial(Budget, pass_steps=2_000))
    chain = "x = torch.rand(2, requires_grad=True)\ny = x\nfor i in range({}): y = y * 2\ny.sum().backward()"
    run(chain.format(20))
    with pytest.raises(LimitError, match=r"backward would need .* steps; 2,000 are allowed"):
        run(chain.format(200))
