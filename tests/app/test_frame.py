from __future__ import annotations

import dataclasses

import pytest

from llm_linalg.base.text import clean
from tests.app.fakes import panel
from tui.model.frame import Cell, CellMark, CursorView


def test_a_panel_formats_the_window_asked_for_and_nothing_else() -> None:
    asked: list[tuple[int, int]] = []

    def value(row: int, column: int) -> float:
        asked.append((row, column))
        return row + column / 10

    big = panel("A", "operand", 4096, 4096, values=value)
    cells = big.cells.window(range(10, 12), range(4000, 4003), 2)
    assert [[cell.text for cell in row] for row in cells] == [
        ["410.00", "410.10", "410.20"],
        ["411.00", "411.10", "411.20"],
    ]
    assert set(asked) == {(r, c) for r in (10, 11) for c in (4000, 4001, 4002)}


@pytest.mark.parametrize(
    ("shape", "axes", "at", "size", "index"),
    [
        ((3, 4), (0, 1), (), (3, 4), (1, 2)),
        ((4, 3), (1, 0), (), (3, 4), (2, 1)),
        ((5,), (None, 0), (), (1, 5), (2,)),
        ((5,), (0, None), (), (5, 1), (1,)),
        ((), (None, None), (), (1, 1), ()),
        ((2, 3, 4), (1, 2), (1,), (3, 4), (1, 1, 2)),
        ((2, 3, 4), (0, 2), (2,), (2, 4), (1, 2, 2)),
    ],
)
def test_rows_and_columns_are_axes_of_the_tensor(
    shape: tuple[int, ...],
    axes: tuple[int | None, int | None],
    at: tuple[int, ...],
    size: tuple[int, int],
    index: tuple[int, ...],
) -> None:
    shown = panel("A", "operand", *shape, axes=axes, at=at)
    assert (shown.rows, shown.columns) == size
    assert shown.index(1, 2) == index
    row, column = min(1, size[0] - 1), min(2, size[1] - 1)
    assert shown.place(shown.index(row, column)) == (row, column)


def test_a_cell_of_another_slice_or_rank_is_nowhere() -> None:
    shown = panel("A", "operand", 2, 3, 4, at=(1,))
    assert shown.place((0, 1, 2)) is None
    assert shown.place((1, 2)) is None


def test_a_label_says_the_shape_as_it_is_shown() -> None:
    assert panel("W", "top", 6, 2, axes=(1, 0), title="Wᵀ").label == "Wᵀ (2, 6)"
    assert panel("b", "addend", 6).label == "b (6,)"
    assert panel("s", "result").label == "s ()"


def test_what_is_pending_or_masked_has_a_glyph_of_its_own() -> None:
    shown = panel(
        "A",
        "result",
        1,
        3,
        values=lambda _, column: None if column == 0 else float(column - 1),
        mark=lambda index: CellMark.MASKED if index == (0, 1) else CellMark.NONE,
    )
    (row,) = shown.cells.window(range(1), range(3), 2)
    assert [cell.text.strip() for cell in row] == ["·", "░", "1.00"]
    assert row[0].mark == CellMark.PENDING
    assert row[1].mark == CellMark.MASKED
    assert len({len(cell.text) for cell in row}) == 1


def test_cells_are_values() -> None:
    assert Cell("1", 0.5, CellMark.READ) == Cell("1", 0.5, CellMark.READ)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Cell("1", None, CellMark.NONE).text = "2"  # type: ignore[misc]


def test_the_cursor_says_both_ways_of_counting() -> None:
    zero, one, sources, formula = map(clean, ("Y[1,2]", "y₂₃", "x[1, :]", "Y[1,2] = 0.5"))
    view = CursorView("Y", (1, 2), zero, one, "0.5", None, sources, formula, clean(""), "rule", "Y")
    assert view.lines == (
        "Y[1,2] = 0.5   (y₂₃ counting from 1)",
        "Y[1,2] = 0.5",
        "made from x[1, :]",
        "evidence: rule",
    )
