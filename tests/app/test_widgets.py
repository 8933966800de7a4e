"""Rows of text and the matrix: fitting, wrapping, what is sent again, what a click hits."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, chop_cells
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widget import Widget

from tests.app.fakes import panel
from tui.layout.values import PanelSlot
from tui.model.frame import CellMark
from tui.text import rows
from tui.text.glyphs import ASCII, UNICODE
from tui.text.prose import elide, paragraphs, sentence_rows, with_title
from tui.text.rows import (
    Row,
    TextSpan,
    cut,
    cut_rows,
    differing_columns,
    ends,
    fit,
    fit_words,
    row,
    span_at,
    width_of,
    wrap,
    wrap_code,
    wrap_spans,
)
from tui.text.themes import STRENGTHS, THEMES, step_of
from tui.widgets.matrix import CellClicked, Matrix
from tui.widgets.row_widget import RowWidget

SPANS = st.lists(
    st.builds(
        TextSpan, st.text(st.sampled_from("ab ·数é[/]$"), max_size=8), st.sampled_from(["", "dim", "key"])
    ),
    max_size=6,
).map(tuple)


@given(SPANS, st.integers(0, 40))
def test_fit_never_takes_more_than_its_width(spans: Row, width: int) -> None:
    fitted = fit(spans, width)
    assert width_of(fitted) <= max(width, 0)
    if width_of(spans) <= width:
        assert fitted == spans


@given(SPANS, SPANS, st.integers(0, 40))
def test_ends_fill_the_width(left: Row, right: Row, width: int) -> None:
    assert width_of(ends(left, right, width)) == width


def test_a_row_is_cut_between_two_words() -> None:
    spans = row("Write them as ", ("one expression", "strong"), ", and torch")
    assert fit_words(spans, 34) == spans[:2] + row(", and")
    assert fit_words(spans, 33) == spans[:2] + row(", and")
    assert fit_words(spans, 32) == spans[:2] + row(",")
    assert fit_words(spans, 20) == spans[:1] + row(("one", "strong"))
    assert fit_words(row("expression"), 4) == row("expr")
    for width in range(len("Write"), width_of(spans) + 1):
        words = "".join(span.text for span in fit_words(spans, width)).split()
        assert words == ["Write", "them", "as", "one", "expression,", "and", "torch"][: len(words)], width


def test_a_text_is_cut() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut("漢字漢字", 6) == "漢字…"
    assert cut("漢字漢字", 6, pad=True) == "漢字… "
    assert cut("ab", 4, pad=True) == "ab  "
    assert cut("abc", 1) == "…"
    assert cut("abc", 0) == cut("abc", -1) == ""
    assert cut("e\u0301e\u0301e\u0301", 2) == "e\u0301…"


@given(st.text(st.sampled_from("abc 漢字한ｆäЖ→·α🙂e\u0301\u0308ﾊ")), st.integers(-1, 12))
def test_a_cut_text_keeps_to_its_columns(text: str, columns: int) -> None:
    assert cell_len(cut(text, columns)) <= max(0, columns)
    assert cell_len(cut(text, columns, pad=True)) == max(0, columns)
    if cell_len(text) <= columns:
        assert cut(text, columns) == text


@given(st.text(st.sampled_from("ab  数·x\n"), max_size=80), st.integers(2, 30))
def test_wrapping_keeps_every_word(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(SPANS, st.integers(6, 30))
def test_wrapping_spans_keeps_every_character(spans: Row, width: int) -> None:
    lines = wrap_spans(spans, width)
    assert all(width_of(line) <= width for line in lines)
    kept = "".join(span.text for line in lines for span in line)
    assert kept.replace(" ", "") == "".join(span.text for span in spans).replace(" ", "")


@pytest.mark.parametrize("words", ["x" * 20_000, "日" * 10_000, "ab " * 7_000, "   " + "é-" * 10_000])
def test_a_long_line_is_measured_in_proportion_to_its_length(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anyone's text may be one long word, and would hold the screen if each row measured all that follows."""
    looked_at = [0]

    def chopped(text: str, width: int) -> list[str]:
        looked_at[0] += len(text)
        return chop_cells(text, width)

    def measured(text: str) -> int:
        looked_at[0] += len(text)
        return cell_len(text)

    monkeypatch.setattr(rows, "chop_cells", chopped)
    monkeypatch.setattr(rows, "cell_len", measured)
    for wrapped in (wrap, cut_rows, wrap_code, lambda text, width: wrap_spans(row(text), width)):
        wrapped(words, 40)
    assert looked_at[0] < 100 * len(words)


def test_a_wide_character_in_one_column_ends() -> None:
    assert "".join(wrap("日本", 1)) == "".join(cut_rows("日本", 1)) == "日本"


@given(st.text(st.sampled_from("ab (,)"), max_size=120), st.integers(20, 40))
def test_code_goes_on_below(line: str, width: int) -> None:
    rows = wrap_code(line, width)
    assert all(cell_len(part) <= width for part in rows)
    assert "".join(rows).replace(" ", "") == line.replace(" ", "")


@given(st.text(st.sampled_from("ab (,)火"), max_size=120), st.integers(2, 40))
def test_output_keeps_each_character_and_its_words_where_they_fit(line: str, width: int) -> None:
    rows = cut_rows(line, width)
    assert all(cell_len(part) <= width for part in rows)
    assert "".join(rows) == line
    if "火" not in line and all(len(word) <= width for word in line.split(" ")):
        assert all(before.endswith(" ") or after.startswith(" ") for before, after in pairwise(rows))


@given(SPANS, SPANS)
def test_what_changed_covers_every_difference(old: Row, new: Row) -> None:
    def columns(spans: Row) -> list[tuple[str, str]]:
        return [(character, span.role) for span in spans for character in span.text]

    found = differing_columns(old, new)
    if any(cell_len(span.text) != len(span.text) for span in (*old, *new)):
        return
    before, after = columns(old), columns(new)
    size = max(len(before), len(after))
    before += [(" ", "")] * (size - len(before))
    after += [(" ", "")] * (size - len(after))
    different = [k for k in range(size) if before[k] != after[k]]
    assert found == (range(different[0], different[-1] + 1) if different else range(0))


def test_a_click_finds_its_span() -> None:
    spans = row("ab", ("数", "key", "go:1"), "c")
    assert [span_at(spans, x) for x in range(6)] == [spans[0], spans[0], spans[1], spans[1], spans[2], None]


def test_prose_is_a_little_markdown_and_no_markup() -> None:
    rows = paragraphs("A **b** `c[0]` [/d] and [more](lesson:matmul).\n\n- one\n- two", 60)
    text = ["".join(span.text for span in line) for line in rows]
    assert text == ["A b c[0] [/d] and more¹.", "", "· one", "· two"]
    assert {span.text.strip(): span.role for line in rows for span in line}["c[0]"] == "code"
    assert [span.do for line in rows for span in line if span.do] == ["open:matmul"] * 2


@pytest.mark.parametrize("name", ["x1*A[:, 0] + x2*B", "_a_[0] + _b_", "a[0](b)", "1. + `c`", "2 ** **d**"])
def test_what_is_said_of_a_step_is_no_markdown(name: str) -> None:
    said = f"{name} is made from the same cell of {name} and y."
    assert ["".join(span.text for span in line) for line in sentence_rows(said, 120)] == [said]


MARKDOWN = {
    "To do:\n1. one\n2. two": ["To do:", "1. one", "2. two"],
    "7) seven\n8) eight": ["7. seven", "8. eight"],
    "On May\n12. And so": ["On May 12. And so"],
    "- a longer item here\n  that goes on": ["· a longer item here", "  that goes on"],
    "12. a longer item of it": ["12. a longer item of", "    it"],
    "| a | bcd |\n|---|:-:|\n| *long* | 注 |\n| x |": ["a     bcd", "long  注", "x"],
    "~~~text\n- a  b\n\n  c\n~~~\nword": ["- a  b", "", "  c", "", "word"],
}


@pytest.mark.parametrize(("text", "shown"), MARKDOWN.items())
def test_lists_and_tables_have_lines_of_their_own(text: str, shown: list[str]) -> None:
    rows = ["".join(span.text for span in line).rstrip() for line in paragraphs(text, 20)]
    assert rows == shown


@pytest.mark.parametrize("text", ["- a\n- b", "1. a", "| a |\n|---|", "```text\na\n```"])
def test_a_title_stands_above_what_does_not_run_on_from_it(text: str) -> None:
    rows = ["".join(span.text for span in line).strip() for line in paragraphs(with_title("Plan", text), 40)]
    assert rows[0] == "Plan."
    assert rows[-1].endswith(("a", "b"))


def test_a_long_formula_keeps_its_head_its_current_term_and_its_total() -> None:
    terms = [(f" + {k}.0000", "current" if k == 7 else "done") for k in range(1, 12)]
    line = (("Y[0,0] = ", "plain"), ("0.0000", "done"), *terms, (" = 66.0000", "done"))
    for width in range(40, 90):
        text = "".join(span.text for span in elide(line, width))
        assert len(text) <= width
        assert text.startswith("Y[0,0] = ")
        assert text.endswith(" = 66.0000")
        assert "7.0000" in text
        assert "+ +" not in text
        assert "… …" not in text


@pytest.mark.parametrize("name", THEMES)
def test_the_value_scale_is_monotonic_symmetric_and_distinct_at_256_colours(name: str) -> None:
    look = THEMES[name]
    assert [step_of(k / 100, STRENGTHS) for k in (0, 5, 20, 45, 70, 100)] == [0, 0, 1, 2, 3, 4]
    assert all(step_of(-k / 50, 4) == step_of(k / 50, 4) for k in range(51))
    if look.colourless:
        return
    levels = [-1.0, -0.7, -0.45, -0.2, 0.0, 0.2, 0.45, 0.7, 1.0]
    backgrounds = [look.heat(level, "").bgcolor for level in levels]
    numbers = [None if colour is None else colour.number for colour in backgrounds]
    assert None not in numbers
    assert len(set(numbers)) == len(levels)


def test_every_glyph_has_an_ascii_one() -> None:
    text = "".join(value for name in UNICODE._fields if isinstance(value := getattr(UNICODE, name), str))
    assert ASCII.text(text).isascii()
    assert ASCII.text("a × b → √d_k ≥ 1 · ᵀ").isascii()


class Recorder:
    """Stands in front of a widget's refresh and keeps the regions."""

    def __init__(self, widget: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.regions: list[Region] = []
        original = widget.refresh

        def refresh(*regions: Region, **options: bool) -> Widget:
            self.regions += regions or [widget.size.region]
            return original(*regions, **options)

        monkeypatch.setattr(widget, "refresh", refresh)


class Bench(App[None]):
    """One matrix and one widget of lines."""

    CSS: ClassVar[str] = "RowWidget { height: 4; }"

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[tuple[str, tuple[int, ...]]] = []

    def compose(self) -> ComposeResult:
        yield RowWidget()
        yield Matrix()

    def on_cell_clicked(self, event: CellClicked) -> None:
        self.chosen.append((event.panel, event.index))


def slot(rows: range, columns: range) -> PanelSlot:
    return PanelSlot(panel=0, x=0, y=0, rows=rows, columns=columns, cell=9, decimals=4)


async def test_a_matrix_sends_only_the_cells_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        grid = app.query_one(Matrix)
        grid.styles.width, grid.styles.height = 36, 4
        place = slot(range(4), range(4))
        grid.show_panel(panel("Y", "result", 4, 4), place, "numbers")
        await pilot.pause()
        sent = Recorder(grid, monkeypatch)
        grid.show_panel(panel("Y", "result", 4, 4), place, "numbers")
        assert sent.regions == []
        marked = panel(
            "Y", "result", 4, 4, mark=lambda index: CellMark.WRITE if index == (2, 1) else CellMark.NONE
        )
        grid.show_panel(marked, place, "numbers")
        assert sent.regions == [Region(9, 2, 9, 1)]
        sent.regions.clear()
        moved = panel(
            "Y", "result", 4, 4, mark=lambda index: CellMark.WRITE if index == (2, 2) else CellMark.NONE
        )
        grid.show_panel(moved, place, "numbers")
        assert sent.regions == [Region(9, 2, 18, 1)]
        sent.regions.clear()
        grid.show_panel(moved, place, "heat")
        assert sent.regions == [grid.size.region]


async def test_a_click_on_a_matrix_is_arithmetic() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        grid = app.query_one(Matrix)
        grid.styles.width, grid.styles.height = 36, 4
        grid.show_panel(panel("Y", "result", 40, 40), slot(range(10, 14), range(20, 24)), "numbers")
        await pilot.pause()
        await pilot.click(grid, offset=(9 * 3 + 8, 2))
        await pilot.pause()
        assert app.chosen == [("Y", (12, 23))]


async def test_lines_send_only_the_columns_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        lines = app.query_one(RowWidget)
        lines.show([row("step ", ("1", "key")), row("same")])
        await pilot.pause()
        sent = Recorder(lines, monkeypatch)
        lines.show([row("step ", ("2", "key")), row("same")])
        assert sent.regions == [Region(5, 0, 1, 1)]
        sent.regions.clear()
        lines.show([row("step ", ("2", "key")), row("same")])
        assert sent.regions == []
        lines.show([row("step ", ("2", "key"))])
        assert sent.regions == [Region(0, 1, 4, 1)]


async def test_no_segment_is_without_a_style() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)):
        lines, grid = app.query_one(RowWidget), app.query_one(Matrix)
        lines.show([row("text"), (), row("")])
        for widget, height in ((lines, 4), (grid, 3)):
            for y in range(height):
                strip = widget.render_line(y)
                assert all(segment.style is not None for segment in strip)
                assert strip.cell_length == widget.size.width


async def test_a_faded_widget_looks_otherwise_until_it_is_not() -> None:
    class Faint(App[None]):
        def compose(self) -> ComposeResult:
            yield RowWidget()

    async with Faint().run_test(size=(20, 3)) as pilot:
        widget = pilot.app.query_one(RowWidget)
        widget.show([row(("words", "strong"), " more")])
        await pilot.pause()
        drawn = []
        for faded in (False, True, False):
            widget.fade(faded)
            await pilot.pause()
            drawn += widget.render_lines(Region(0, 0, 20, 1))
        assert drawn[0].text == drawn[1].text
        assert drawn[0] == drawn[2] != drawn[1]
