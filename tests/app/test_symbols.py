"""The look of a textbook: entries by letters, formulas in general, and the spaces of tensors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from llm_linalg import run
from llm_linalg.explain.general import general_formula, spaces
from tests.app.lessons import opened
from tui.looks.symbols import Symbols
from tui.model.frame import Frame

HEAD = "A = torch.tensor([[1.0, 2, 3], [4, 5, 6]])\nx = torch.tensor([1.0, 2, 3])\n"
FORMULAS = {
    "A @ x": "yᵢ = aᵢ₁·x₁ + aᵢ₂·x₂ + aᵢ₃·x₃",
    "A @ A.T": "yᵢⱼ = aᵢ₁·(A.T)₁ⱼ + aᵢ₂·(A.T)₂ⱼ + aᵢ₃·(A.T)₃ⱼ",
    "torch.dot(x, x)": "y = x₁·x₁ + x₂·x₂ + x₃·x₃",
    "x.repeat(3) @ x.repeat(3)": "y = (x.repeat(3))₁·(x.repeat(3))₁ + (x.repeat(3))₂·(x.repeat(3))₂ + … + "
    "(x.repeat(3))ₙ·(x.repeat(3))ₙ",
    "F.linear(x, A, x[:2])": "yᵢ = x₁·aᵢ₁ + x₂·aᵢ₂ + x₃·aᵢ₃ + (x[:2])ᵢ",
    "torch.outer(x, x)": "yᵢⱼ = xᵢ·xⱼ",
    "100 * A": "yᵢⱼ = aᵢⱼ·100",
    "A + x": "yᵢⱼ = aᵢⱼ + xⱼ",
    "A.T": "yᵢⱼ = aⱼᵢ",
    "A.sum(0)": "yⱼ = Σᵢ aᵢⱼ",
    "A.mean(1)": "yᵢ = (Σⱼ aᵢⱼ) / 3",
    "torch.triu(A, 1)": "yᵢⱼ = aᵢⱼ if j ≥ i + 1, else 0",
    "A[0]": "yᵢ = a₁ᵢ",
    "A[:, 1]": "yᵢ = aᵢ₂",
    "A[0, 1]": "y = a₁₂",
    "A.diagonal()": "yᵢ = aᵢᵢ",
    "x[:, None]": "yᵢ₁ = xᵢ",
    "x[None, :]": "y₁ⱼ = xⱼ",
    "x[:, None].expand(3, 4)": "yᵢⱼ = (x[:, None])ᵢ₁",
    "torch.diag(x)": "yᵢⱼ = xᵢ if i = j, else 0",
    "torch.diag(x, 1)": "yᵢⱼ = xᵢ if j = i + 1, else 0",
    "torch.diag(x, -2)": "yᵢⱼ = xⱼ if j = i - 2, else 0",
    "A.reshape(3, 2)": "",
    "A.flip(0)": "",
    "F.pad(A, (1, 1))": "",
    "A @ x[:, None]": "yᵢ₁ = aᵢ₁·(x[:, None])₁₁ + aᵢ₂·(x[:, None])₂₁ + aᵢ₃·(x[:, None])₃₁",
    "A.sum(1, keepdim=True)": "yᵢ₁ = Σⱼ aᵢⱼ",
    "torch.tril(A)": "yᵢⱼ = aᵢⱼ if j ≤ i, else 0",
    "torch.softmax(A, 1)": "",
}


@pytest.mark.parametrize(("source", "formula"), FORMULAS.items())
def test_an_entry_is_made_in_general_as_its_operation_makes_it(source: str, formula: str) -> None:
    assert general_formula(run(f"{HEAD}y = {source}", seconds=None)["y"]) == formula


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("y = A @ x", "A ∈ ℝᵐˣⁿ, x ∈ ℝⁿ, y ∈ ℝᵐ with m = 2, n = 3"),
        ("Y = A.T @ A[:, :2]", "A.T ∈ ℝᵐˣⁿ, A[:, :2] ∈ ℝⁿˣᵖ, Y ∈ ℝᵐˣᵖ with m = 3, n = 2, p = 2"),
        ("y = torch.tensor([1.0, 2])", "y ∈ ℝⁿ with n = 2"),
        ("y = A.T", "A ∈ ℝ²ˣ³, y ∈ ℝ³ˣ²"),
        ("y = A * A[:, :1]", "A ∈ ℝᵐˣⁿ, A[:, :1] ∈ ℝᵐˣ¹, y ∈ ℝᵐˣⁿ with m = 2, n = 3"),
    ],
)
def test_the_spaces_have_a_letter_for_each_axis(source: str, said: str) -> None:
    assert spaces(run(HEAD + source, seconds=None).nodes[-1]) == said


def test_an_entry_has_the_colour_of_its_tensor_in_numbers_and_in_letters() -> None:
    frame, drawing = frame_of("y = A @ x", 2)
    left, top, result = frame.stage.panels
    lit = {
        span.text.strip("[] "): span.role for row in drawing.rows(60, 14) for span in row if "[" in span.text
    }
    assert lit == dict.fromkeys(["4.", "5.", "6.", "a₂₁", "a₂₂", "a₂₃"], f"read {left.hue}") | dict.fromkeys(
        ["1.", "2.", "3.", "x₁", "x₂", "x₃"], f"read {top.hue}"
    ) | {"32.": "write", "y₂": "write"}
    assert result.hue not in (left.hue, top.hue)


def frame_of(source: str, step: int, *, ascii_only: bool = False) -> tuple[Frame, Symbols]:
    """Returns the frame of a program's last node in this look."""
    view, made = opened(HEAD + source)
    frame = made.frame(replace(view, step=step, look="symbols"), ascii_only=ascii_only)
    assert isinstance(frame.stage.drawing, Symbols)
    return frame, frame.stage.drawing


def test_the_same_entries_are_lit_in_numbers_and_in_letters() -> None:
    frame, drawing = frame_of("y = A @ x", 2)
    assert "symbols" in frame.stage.looks
    drawn = ["".join(span.text for span in row).rstrip() for row in drawing.rows(59, 12)]
    lit = [line.replace(" ", "") for line in drawn if "[" in line]
    assert lit[:3] == ["1.2.3.[1.]=14.", "[4.][5.][6.][2.][32.]", "[3.]"]
    assert lit[3:] == ["a₁₁a₁₂a₁₃[x₁]=y₁", "[a₂₁][a₂₂][a₂₃][x₂][y₂]", "[x₃]"]
    assert drawing.words[-1] == "y: y₂ = 32., in 14.; 32."
    before = frame_of("y = A @ x", 0)[1]
    assert before.words[-3:] == ("A: 1. 2. 3.; 4. 5. 6.", "x: 1.; 2.; 3.", "y: _; _")
    assert [entry.numbers[0].strip() for row in before.tables[-1].entries for entry in row] == ["·", "·"]


@pytest.mark.parametrize("source", ["A @ x", "torch.randn(20, 30) @ torch.randn(30, 9)", "A.sum()", "A.T"])
@pytest.mark.parametrize("size", [(59, 10), (30, 5), (8, 2), (120, 40)])
def test_it_stays_in_its_room(source: str, size: tuple[int, int]) -> None:
    for ascii_only in (False, True):
        rows = frame_of(f"y = {source}", 1, ascii_only=ascii_only)[1].rows(*size)
        texts = ["".join(span.text for span in row) for row in rows]
        assert len(texts) <= size[1]
        assert all(cell_len(text) <= size[0] for text in texts)
        assert not ascii_only or all(text.isascii() for text in texts)


def texts(drawing: Symbols, width: int, height: int) -> list[str]:
    """Returns the rows that are drawn, as text."""
    return ["".join(span.text for span in row).strip() for row in drawing.rows(width, height)]


def test_what_has_no_room_is_named() -> None:
    masked = (
        "a = torch.randn(5, 5)\nhidden = torch.triu(torch.ones(5, 5), 1) == 1\ny = a.masked_fill(hidden, 0.0)"
    )
    drawing = frame_of(masked.replace("y = ", "long_name = "), 25)[1]
    assert not any("of 5" in line or "…" in line for line in texts(drawing, 240, 20))
    shown = texts(drawing, 61, 10)
    assert "[" in shown[3]  # the window is at the entry that is lit
    assert any(line.startswith("…   →  long_name") for line in shown)
    assert shown[-1] == "rows 1–4 of 5, columns 2–4 of 5"
    uneven = texts(frame_of("y = torch.ones(2, 9) @ torch.ones(9, 2)", 1)[1], 61, 14)
    assert " ".join(uneven).endswith("torch.ones(2, 9): columns 0–5 of 9; torch.ones(9, 2): rows 0–4 of 9")
