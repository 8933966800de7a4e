"""Frames and their layout: windows of cells, what stands where, marks without colour."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from tests.app.fakes import draw, panel
from tests.common import known
from tui.layout.arrange import arrange, cell_texts
from tui.layout.values import Layout, PanelSlot
from tui.model.frame import Arrangement, Cell, CellMark, CursorView, Index, Panel
from tui.model.window import share, window


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


def test_the_cursor_says_both_ways_of_counting() -> None:
    zero, one, sources, formula = map(clean, ("Y[1,2]", "y₂₃", "x[1, :]", "Y[1,2] = 0.5"))
    view = CursorView("Y", (1, 2), zero, one, "0.5", None, sources, formula, clean(""), "rule", "Y")
    assert view.lines == (
        "Y[1,2] = 0.5   (y₂₃ counting from 1)",
        "Y[1,2] = 0.5",
        "made from x[1, :]",
        "evidence: rule",
    )


READ = CellMark.READ | CellMark.FACTOR


def where(test: Callable[[Index], bool], mark: CellMark) -> Callable[[Index], CellMark]:
    return lambda index: mark if test(index) else CellMark.NONE


def product(m: int, k: int, n: int, i: int = 0, j: int = 0, bias: bool = False) -> list[Panel]:
    """x (m, k) @ W (k, n) while cell (i, j) is made."""
    row, column, inner = range(i, i + 1), range(j, j + 1), range(k)
    panels = [
        panel("x", "left", m, k, focus=(row, inner), mark=where(lambda at: at[0] == i, READ)),
        panel("W", "top", k, n, focus=(inner, column), mark=where(lambda at: at[1] == j, READ)),
    ]
    if bias:
        panels.append(panel("b", "addend", n, sign="+", focus=(range(1), column)))
    done = where(lambda at: at == (i, j), CellMark.WRITE)
    panels.append(
        panel(
            "Y",
            "result",
            m,
            n,
            focus=(row, column),
            mark=done,
            values=lambda r, c: r + c if (r, c) <= (i, j) else None,
        )
    )
    return panels


def drawn(panels: Sequence[Panel], arrangement: Arrangement, width: int, height: int) -> list[str]:
    rows = draw(panels, arrange(panels, arrangement, width, height), width, height)
    return dedent("\n".join(row for row in rows if row)).splitlines()


def test_falks_scheme() -> None:
    assert drawn(product(3, 2, 4, 1, 1), "falk", 60, 10) == [
        "            W (2, 4)   0.0000 [ 0.0100]  0.0200   0.0300",
        "                       1.0000 [ 1.0100]  1.0200   1.0300",
        "x (3, 2)             Y (3, 4)",
        "  0.0000   0.0100      0.0000   1.0000   2.0000   3.0000",
        "[ 1.0000   1.0100]     1.0000 [ 2.0000]       ·        ·",
        "  2.0000   2.0100           ·        ·        ·        ·",
    ]


def test_a_bias_is_a_row_over_the_result() -> None:
    assert drawn(product(3, 2, 6, 1, 1, bias=True), "falk", 60, 10) == [
        "        W (2, 6)   0.00 [ 0.01]  0.02   0.03   0.04   0.05",
        "                   1.00 [ 1.01]  1.02   1.03   1.04   1.05",
        "        + b (6,)   0.00   0.01   0.02   0.03   0.04   0.05",
        "x (3, 2)         Y (3, 6)",
        "  0.00   0.01      0.00   1.00   2.00   3.00   4.00   5.00",
        "[ 1.00   1.01]     1.00 [ 2.00]     ·      ·      ·      ·",
        "  2.00   2.01         ·      ·      ·      ·      ·      ·",
    ]


def test_a_column_lines_up_the_cells_and_leaves_out_what_has_no_room() -> None:
    panels = [
        panel("a", "operand", 3),
        panel("b", "operand", 3, sign="*"),
        panel("p", "result", 3, sign="="),
        panel("d", "sibling", title="dot"),
    ]
    assert drawn(panels, "column", 44, 4) == [
        "  a (3,)   0.0000   0.0100   0.0200",
        "* b (3,)   0.0000   0.0100   0.0200",
        "= p (3,)   0.0000   0.0100   0.0200",
        "  dot ()   0.0000",
    ]
    assert len(drawn(panels, "column", 44, 3)) == 3


def test_what_is_shown_together_becomes_windows_before_one_is_left_out() -> None:
    panels = [panel("W", "result", 12, 4), panel("U", "sibling", 4, 2)]
    layout = arrange(panels, "row", 57, 9)
    assert [slot.panel for slot in layout.slots] == [0, 1]
    assert [len(slot.rows) for slot in layout.slots] == [8, 4]  # a row says which
    assert [len(slot.columns) for slot in layout.slots] == [4, 2]
    assert [slot.panel for slot in arrange(panels, "row", 57, 3).slots] == [0]  # it would show too little


def test_a_row_with_signs_between() -> None:
    panels = [
        panel("A", "operand", 2, 2),
        panel("B", "operand", 2, 2, sign="+"),
        panel("C", "result", 2, 2, sign="="),
    ]
    assert drawn(panels, "row", 80, 6) == [
        "A (2, 2)             B (2, 2)             C (2, 2)",
        "  0.0000   0.0100  +   0.0000   0.0100  =   0.0000   0.0100",
        "  1.0000   1.0100      1.0000   1.0100      1.0000   1.0100",
    ]


def test_cells_stand_closer_before_they_are_left_out() -> None:
    panels = [panel("A", "operand", 2, 5), panel("B", "result", 2, 5, sign="=")]
    layout = arrange(panels, "row", 67, 3)
    assert layout.whole
    assert layout.slots[0].tight
    assert draw(panels, layout, 67, 3)[-1].split() == ["1.00", "1.01", "1.02", "1.03", "1.04"] * 2


def test_decimals_go_before_titles_and_titles_before_cells() -> None:
    panels = product(2, 2, 4)
    assert [arrange(panels, "falk", width, 8).slots[0].decimals for width in (70, 56, 49, 43)] == [4, 3, 2, 2]
    assert arrange(panels, "falk", 43, 8).whole
    assert not arrange(panels, "falk", 30, 8).whole


ARRANGEMENTS: list[Arrangement] = ["falk", "row", "column"]


@given(
    st.sampled_from(ARRANGEMENTS),
    st.integers(1, 200),
    st.integers(1, 60),
    st.integers(0, 70),
    st.integers(0, 70),
    st.integers(0, 70),
    st.data(),
)
def test_everything_is_inside_and_nothing_overlaps_and_the_active_cells_are_in_view(
    arrangement: Arrangement, width: int, height: int, m: int, k: int, n: int, data: st.DataObject
) -> None:
    i, j = data.draw(st.integers(0, max(0, m - 1))), data.draw(st.integers(0, max(0, n - 1)))
    panels = product(m, k, n, i, j, bias=data.draw(st.booleans()))
    layout = arrange(panels, arrangement, width, height)
    draw(panels, layout, width, height)  # asserts both
    if layout.fits and m and n:
        result = known(layout.slot(len(panels) - 1))
        assert i in result.rows
        assert j in result.columns


@given(st.integers(20, 200), st.integers(5, 60), st.integers(1, 70), st.integers(1, 70), st.integers(1, 70))
def test_a_product_has_room_from_20_by_5_up(width: int, height: int, m: int, k: int, n: int) -> None:
    layout = arrange(product(m, k, n, m - 1, n - 1), "falk", width, height)
    assert layout.fits
    assert layout.arrangement == "falk"
    left, top, result = layout.slots
    assert (left.rows, left.y) == (result.rows, result.y)
    assert (top.columns, top.x, top.cell) == (result.columns, result.x, result.cell)


def test_what_has_room_is_centred() -> None:
    layout = arrange(product(2, 2, 2), "falk", 200, 60)
    left = min(slot.x for slot in layout.slots)
    right = 200 - max(slot.x + slot.width for slot in layout.slots)
    assert abs(left - right) <= 1


def test_a_point_finds_its_cell() -> None:
    slot = PanelSlot(0, 5, 3, range(10, 12), range(4, 7), 8, 2)
    assert slot.hit(0, 0) == (10, 4)
    assert slot.hit(15, 1) == (11, 5)
    assert slot.hit(23, 1) == (11, 6)
    assert slot.hit(24, 1) is None
    assert slot.hit(0, 2) is None
    tight = PanelSlot(0, 5, 3, range(2), range(3), 7, 2, tight=True)
    assert (tight.width, tight.hit(21, 0)) == (22, (0, 2))


def line(marks: Sequence[CellMark], tight: bool = False) -> str:
    slot = PanelSlot(0, 0, 0, range(1), range(len(marks)), 3 - tight, 0, tight)
    return "".join(piece.text for piece in cell_texts([Cell("7", None, mark) for mark in marks], slot))


@pytest.mark.parametrize(
    ("marks", "loose", "tight"),
    [
        ([CellMark.NONE, CellMark.NONE], " 7  7 ", " 7 7 "),
        ([READ, READ, CellMark.NONE], "[7  7] 7 ", "[7 7]7 "),
        ([CellMark.NONE, CellMark.WRITE], " 7 [7]", " 7[7]"),
        ([CellMark.READ, READ], " 7 [7]", " 7[7]"),
        ([CellMark.CURSOR, CellMark.CURSOR], ">7<>7<", ">7>7<"),
        ([CellMark.SOURCE, CellMark.SOURCE, CellMark.CONSUMER], "(7  7){7}", "(7 7{7}"),
        ([CellMark.CLASH, CellMark.CLASH], "!7  7!", "!7 7!"),
        ([CellMark.CURSOR | READ, READ], ">7<[7]", ">7[7]"),
    ],
)
def test_marks_are_told_without_colour(marks: list[CellMark], loose: str, tight: str) -> None:
    assert line(marks) == loose
    assert line(marks, tight=True) == tight


@given(st.integers(0, 200), st.integers(0, 40), st.integers(0, 199), st.integers(0, 60))
def test_a_window_holds_the_focus_or_its_beginning(count: int, size: int, start: int, length: int) -> None:
    focus = range(min(start, count), min(start + length, count))
    shown = window(count, size, focus)
    assert len(shown) == min(count, size)
    assert 0 <= shown.start <= shown.stop <= count
    if focus and size:
        assert focus.start in shown
        if len(focus) <= size:
            assert focus.stop - 1 in shown


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 12)), min_size=1, max_size=4), st.integers(0, 200)
)
def test_a_length_is_shared_without_waste(grids: list[tuple[int, int]], budget: int) -> None:
    needs, units = [need for need, _ in grids], [unit for _, unit in grids]
    given_ = share(needs, units, budget)
    least = sum(min(need, 1) * unit for need, unit in grids)
    if given_ is None:
        assert least > budget
        return
    used = sum(cells * unit for cells, unit in zip(given_, units, strict=True))
    assert used <= budget
    assert all(min(need, 1) <= cells <= need for cells, need in zip(given_, needs, strict=True))
    left = budget - used
    assert all(cells == need or left < unit for cells, need, unit in zip(given_, needs, units, strict=True))


def test_no_room_at_all_is_no_error() -> None:
    for width, height in ((0, 0), (1, 1), (2, 5), (60, 0)):
        layout: Layout = arrange(product(3, 2, 4), "falk", width, height)
        assert not layout.fits
        draw(product(3, 2, 4), layout, width, height)
    assert arrange([], "row", 60, 10).slots == ()


def test_a_note_on_windows_is_whole_and_may_leave_out_what_follows_from_the_operands() -> None:
    panels = [replace(one, title=clean(one.title * 12)) for one in product(9, 30, 40)]
    for width in range(70, 90):
        layout = arrange(panels, "falk", width, 8)
        said = [label.text for label in layout.labels if label.kind == "window"]
        assert said
        assert "x" in said[0]
        assert "W" in said[0]
        assert re.search(r"\d/\d+$|of \d+$", said[0])


def test_a_note_on_windows_that_does_not_fit_names_what_is_shown_in_part() -> None:
    notes = []
    for width in range(18, 60):
        layout = arrange(product(9, 30, 40), "falk", width, 6)
        notes += [label.text for label in layout.labels if label.kind == "window"]
    assert "parts of x, W" in notes
    assert all(note.startswith("parts of ") or re.search(r"\d/\d+$|of \d+$", note) for note in notes)
