"""Formulas on the screen: sums of vectors by the words along their axes, averages, and what is nearly 0."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.app.lessons import lesson
from tests.common import known
from tui.compose.captions import writer
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.model.view import View
from tui.text.prose import formula

HEAD = """+++
title = "Steps"
part = 1
[axes]
P = ["token", "key"]
V = ["key", "feature"]
[labels]
token = ["saw"]
key = ["the", "cat", "saw"]
+++
"""
SUM = """
P = torch.tensor([[0.0125, 0.9251, 0.0624]])
V = torch.tensor([[-1.0, -1], [2, 0], [0, 2]])
o = P @ V"""


def formula_of(program: str, order: str, step: int) -> tuple[str, ...]:
    """Returns the formula of a program's last node at a step."""
    return frame_of(program, order, step).captions.formula_text


def frame_of(program: str, order: str, step: int) -> Frame:
    """Returns the frame of a program's last node at a step."""
    names = "" if "P =" in program else "P = torch.ones(1, 3)\nV = torch.ones(3, 2)\n"
    given = lesson(f'{HEAD}## One\nText.\n\n```python order="{order}"\n{names}{program}\n```\n', "steps.md")
    view = replace(View.opening(given), step=step)
    return open_view(view).frame(view)


def test_a_row_of_a_product_is_a_sum_by_the_words_along_its_axis() -> None:
    assert formula_of(SUM, "rows", 1) == ("saw = 0.01·the + 0.93·cat + 0.06·saw", "    = [1.84 0.11]")


def test_a_word_that_is_hidden_has_no_part_in_the_sum() -> None:
    hidden = SUM.replace("0.0624", "0.0")
    assert formula_of(hidden, "rows", 1)[0] == "saw = 0.01·the + 0.93·cat"
    assert formula_of(SUM.replace("0.0125, 0.9251, 0.0624", "0.0, 0, 0"), "rows", 1)[0].count("0·") == 3


def test_a_sum_of_columns_shows_what_is_done_what_is_now_and_what_is_left() -> None:
    product = "A = torch.tensor([[1.0, 2, 3], [4, 5, 6]])\nx = torch.tensor([1.0, 2, 3])\ny = A @ x"
    frame = frame_of(product, "outer", 2)
    assert frame.captions.formula_text == ("y = 1·[1 4] + [2·[2 5]] + (3·[3 6])", "  = [5 14] so far")
    assert [state for _, state in frame.captions.formula[0]] == ["plain", "done", "current", "pending"]


@pytest.mark.parametrize(("numbers", "total"), [("0.25, 1, 4", "≈ 0.4167"), ("0.3, 0.3, 0.3", "= 0.2")])
def test_an_average_is_a_sum_over_a_number(numbers: str, total: str) -> None:
    first, second, third = numbers.replace("1.0", "1").split(", ")
    lines = formula_of(f"m = torch.tensor([{numbers}]).mean()", "terms", 2)
    assert lines == (f"m = ({first} + [{second}] + ({third})) / 3", f"  {total} so far")


def test_a_negative_factor_stands_in_brackets_as_in_json() -> None:
    program = "x = torch.tensor([2.0, -3])\ny = torch.tensor([-1.0, -2])\nz = torch.dot(x, y)"
    frame = frame_of(program, "cells", 1)
    assert frame.captions.formula_text[0] == "z = 2·(-1) + [-3·(-2)]"
    assert known(frame.operation).text == "z = 2·(-1) + [-3·(-2)] = 4"


def test_only_zero_is_written_as_zero() -> None:
    write = writer([1.0, 0.5, 2.7e-16, -3e-9, -0.0, 0.0])
    assert [write(x) for x in (2.7e-16, -3e-9, -0.0, 0.0, 0.5)] == [
        "2.7e-16",
        "-3.0e-9",
        "0",
        "0",
        "0.5",
    ]
    frame = frame_of("x = torch.tensor([1.5, 2.7e-16, 0.0, -4e-12])\ny = 1 * x", "cells", 4)
    result = next(panel for panel in frame.stage.panels if panel.role == "result")
    shown = [cell.text.strip() for cell in result.cells.window(range(1), range(4), 4)[0]]
    assert shown == ["1.5000", "2.7e-16", "0.0000", "-4e-12"]


def test_an_outer_product_stands_in_numbers_below_its_names() -> None:
    product = "x = torch.tensor([[1.0, 2], [3, -1]])\nW = torch.tensor([[0.5, 2, 1], [4, 5, 6]])\nY = x @ W"
    assert formula_of(product, "outer", 2) == (
        "Y[:, :] += x[:, 1] ⊗ W[1, :]",
        "        += [2 -1] ⊗ [4 5 6]",
    )
    wide = "Y = torch.ones(2, 2) @ torch.ones(2, 9)"
    assert len(formula_of(wide, "outer", 2)) == 1


def test_the_front_of_a_wave_says_what_it_comes_to() -> None:
    product = "A = torch.tensor([[1.0, 2], [3, 4]])\nB = torch.tensor([[5.0, 6], [7, 8]])\nC = A @ B"
    assert formula_of(product, "wave", 2) == ("C[i+j=1] = A[i, :] · B[:, j]", "         = [22 43]")
    assert formula_of(product, "wave", 3)[-1].strip() == "= [50]"


@pytest.mark.parametrize(
    ("line", "order", "formula"),
    [
        ("o = A + B", "rows", ("o[0, :] = [1 2] + [0.5 0.5]", "        = [1.5 2.5]")),
        ("o = A - B", "columns", ("o[:, 0] = [1 3] - [0.5 -1]", "        = [0.5 4]")),
        ("o = A * B", "rows", ("o[0, :] = [1 2] * [0.5 0.5]", "        = [0.5 1]")),
        ("o = A * A[:, :1]", "rows", ("o[0, :] = [1 2] · 1", "        = [1 2]")),
        ("o = torch.add(A, B, alpha=2)", "rows", ("o[0, :] = [2 3]   from A[0, :], B[0, :]",)),
        ("o = torch.relu(-A)", "rows", ("o[0, :] = [0 0]   from (-A)[0, :]",)),
        ("o = A.tril()", "rows", ("o[0, :] = [1 0]   1 of 2 cells pass",)),
        ("o = A.T.clone()", "rows", ("o[0, :] = [1 3]   from A.T[0, :]",)),
        ("o = A[:, :1].T.clone().T", "rows", ("o[0, 0] = 1   from 1 cell of A[:, :1].T.clone()",)),
        ("o = torch.layer_norm(A, (2,))", "rows", ("o[0, :] = [-1.00 1.00]   from A[0, :]",)),
    ],
)
def test_a_step_that_writes_several_cells_says_their_numbers(
    line: str, order: str, formula: tuple[str, ...]
) -> None:
    made = "A = torch.tensor([[1.0, 2], [3, 4]])\nB = torch.tensor([[0.5, 0.5], [-1, 1]])"
    assert formula_of(f"{made}\n{line}", order, 1) == formula


def test_a_sum_of_rows_that_rounding_changes_is_about_equal() -> None:
    made = "A = torch.tensor([[0.124, 0.2]])\nB = torch.tensor([[0.124, 0.2]])"
    assert formula_of(f"{made}\no = A + B", "rows", 1)[1] == "        ≈ [0.25 0.4]"


def test_of_many_cells_the_first_numbers_and_the_last_are_written() -> None:
    program = "o = torch.relu(torch.arange(-1.0, 19).reshape(2, 10))"
    assert formula_of(program, "rows", 1)[0].startswith("o[0, :] = [0 0 1 2 … 8]   from ")
    wide = "o = torch.relu(torch.ones(2, 4096))"
    assert formula_of(wide, "rows", 1)[0].startswith("o[0, :] = [1 1 1 1 … 1]   from ")


def test_a_formula_is_broken_between_its_terms_and_not_within_a_vector() -> None:
    line = (("H[:, 0] = -0.09·[1.54 -2.18 -1.08] - 0.19·[-0.29 0.57 -1.40]", "plain"),)
    rows = ["".join(span.text for span in row) for row in formula([line], 59)]
    assert rows == ["H[:, 0] = -0.09·[1.54 -2.18 -1.08]", "  - 0.19·[-0.29 0.57 -1.40]"]


@pytest.mark.parametrize(
    ("program", "rest"),
    [
        ("a = torch.full((1, 2), 200.0).half()\ny = a @ a.T", "40000 + 40000 → inf in float16"),
        ("a = torch.tensor([100, 100, 104])\ny = a.sum(dtype=torch.int8)", "104 → 48 in int8"),
        ("a = torch.tensor([3e38, 3e38])\ny = a.mean()", "→ inf in float32"),
        ("a = torch.tensor([[1.0, 2.0]])\ny = a @ a.T", "1 + 4 = 5"),
    ],
)
def test_a_sum_that_its_dtype_can_not_hold_ends_in_the_cell(program: str, rest: str) -> None:
    assert formula_of(program, "cells", 1)[-1].endswith(rest)
