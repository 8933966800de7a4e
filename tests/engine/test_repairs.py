"""Repairs in statements, over several lines and inside layers, and of what a program comes by again."""

from __future__ import annotations

import pytest

from llm_linalg import ProgramError, ShapeError
from llm_linalg.base.errors import Repair
from tests.engine.here import run

X = "x, b = torch.ones(3, 4), torch.ones(3)\n"
MASKED = "s, mask = torch.ones(4, 4), torch.ones(5, 5) == 1\n"
ATTENTION = "q, mask = torch.ones(1, 4, 8), torch.ones(5, 5).tril() == 1\n"
STACKED = "m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))\nx = torch.ones(3, 5)\n"


def failure(program: str) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        run(program)
    return caught.value


@pytest.mark.parametrize(
    ("program", "repairs"),
    [
        (f"{X}x += b", ["x += b.unsqueeze(-1)"]),
        (f"{X}x -= 2 * b + 1", ["x -= (2 * b + 1).unsqueeze(-1)"]),
        (f"{X}x *= x.T", ["x *= x"]),
        (f"{MASKED}s[mask] = 0", ["s[mask[:4, :4]] = 0"]),
        (f"{MASKED}s[1] = torch.ones(3)", []),
        (
            f"{ATTENTION}y = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)",
            ["F.scaled_dot_product_attention(q, q, q, attn_mask=mask[..., :4, :4])"],
        ),
        (f"{STACKED}y = m(x)", ["m(x[:, :4])"]),
        (f"{X}y = nn.Linear(5, 2)(x)", ["nn.Linear(4, 2)(x)"]),
        (f"{X}def add(b): return x + b\ny = add(torch.ones(4, 4))", ["x.unsqueeze(-1) + b", "x + b[:3]"]),
    ],
)
def test_a_repair_changes_what_clashes_and_nothing_else(program: str, repairs: list[str]) -> None:
    error = failure(program)
    assert [str(repair) for repair in error.repairs] == repairs
    for repair in error.repairs:
        run(error.apply_repair(repair))


@pytest.mark.parametrize(
    ("lines", "one"),
    [
        ("y = torch.relu(x @\n    x)", "y = torch.relu(x @ x)"),
        ("y = torch.matmul(\n    x,\n    x\n)", "y = torch.matmul(x, x)"),
        ("y = x @ \\\n    x", "y = x @ x"),
        ("y = x + x[\n    :, :2\n]", "y = x + x[:, :2]"),
    ],
)
def test_an_expression_of_several_lines_has_the_repairs_of_the_same_on_one(lines: str, one: str) -> None:
    several, alone = failure(X + lines), failure(X + one)
    assert several.repairs == alone.repairs
    assert several.repairs
    for repair in several.repairs:
        run(several.apply_repair(repair))


def still_fails_there(error: ShapeError, repair: Repair) -> bool:
    try:
        run(error.apply_repair(repair))
    except ProgramError as other:
        return other.span is not None and other.span[:2] == error.span[:2] if error.span else False
    return False


@pytest.mark.parametrize(
    "program",
    [
        "layers = [nn.Linear(4, 8), nn.Linear(9, 2)]\nx = torch.ones(3, 4)\nfor l in layers: x = l(x)",
        (
            "def f(x, W): return (x @ W) / 2.0 + torch.ones(3, 2)\n"
            "a = f(torch.ones(3, 4), torch.ones(4, 2))\nb = f(torch.ones(3, 4), torch.ones(4, 3))"
        ),
        "for k in range(3):\n    y = torch.ones(2, 3) @ torch.ones(2 + k, 3)",
        "y = {(torch.ones(2, 3) @ torch.ones(k, 3)).sum().item() for k in range(2, 4)}",
        "def g(a): return a @ a\ng(torch.ones(2, 3))\nfor i in range(90_000): pass",
    ],
)
def test_where_a_program_comes_by_again_its_repairs_last(program: str) -> None:
    error = failure(program)
    assert not [repair for repair in error.repairs if still_fails_there(error, repair)]


def test_a_repair_of_a_place_that_comes_once_more_is_there_if_it_lasts() -> None:
    error = failure("for k in range(3):\n    y = torch.ones(2, 3) @ torch.ones(2, 3)")
    assert "torch.ones(2, 3) @ torch.ones(2, 3).T" in error.repairs


def test_a_long_run_of_blanks_is_gone_through_once() -> None:
    """A search that begins anew at each blank would not end."""
    blanks = " " * 48_000
    assert failure(f"x = torch.ones(2, 3)\ny = (x\n     @{blanks}x)").line == 2
    error = failure(f"x = torch.ones(2, 3)\ny = x @ torch.ones(\n{blanks}4,{' ' * 1_000}4)")
    assert [found.name for found in error.operands] == ["x", f"torch.ones(4,{' ' * 1_000}4)"]


WRITES = "a, b = torch.ones(3, 2), torch.ones(3)\ny = a.mul_(2) @ b"


def test_what_a_candidate_writes_is_put_back() -> None:
    error = failure(WRITES)
    assert "a.mul_(2) @ b[:2]" in error.repairs
    assert error.trace is not None
    assert error.trace["a"].value.tolist() == [[2, 2]] * 3
    assert run(f"{WRITES}\nprint(a[0])", cells=[1, 3]).printed == "tensor([2., 2.])\n"
