"""A picture says what it shows: what is cut, what a sign stands for, what is half made, what it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from tests.common import known
from tests.thinning import thin
from tui.compose.format_cache import level_of
from tui.compose.nodes import labels
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.layout.arrange import CellText, arrange
from tui.layout.arrangements import window_note
from tui.model.frame import CellMark, Frame
from tui.model.view import END, View
from tui.render.plain import to_plain
from tui.text.glyphs import Glyphs
from tui.text.themes import STRENGTHS
from tui.widgets.matrix import heat_text

SLUGS = [lesson.slug for lesson in catalog()]
STAGES = ((59, 11), (59, 8), (40, 6))
MOST = 5  # nodes of a stop, evenly over its program
MACHINE = re.compile(r"\b[A-Za-z]\w*_\d+\b")


def runs(lesson: Lesson) -> Iterator[tuple[View, Run]]:
    """The run of every stop that has one."""
    for stop in lesson.stops:
        view = View.opening(lesson, stop.number)
        run = open_view(view)
        if run.trace_of(view) is not None:
            yield view, run


def frames(lesson: Lesson) -> Iterator[tuple[View, Frame]]:
    """Some steps of every node of the forward program of every stop."""
    for view, run in runs(lesson):
        yield from frames_of(view, run)


def frames_of(view: View, run: Run) -> Iterator[tuple[View, Frame]]:
    paths = [] if run.trace is None else labels(run.trace.nodes)
    for path in paths[:: 1 + len(paths) // MOST]:
        for step in (2, END):
            shown = replace(view, path=(path,), depth="cells", step=step, backward=False, follows=None)
            yield shown, run.frame(shown)


@pytest.mark.parametrize("slug", thin(SLUGS, 12))
def test_what_is_cut_says_so_and_names_are_the_programs_and_differ(slug: str) -> None:
    for opening, run in runs(find(slug)):
        operands_differ(run, f"{slug}, stop {opening.stop}")
        for view, frame in frames_of(opening, run):
            where = f"{slug}, stop {view.stop}, {view.path}"
            for width, height in STAGES:
                cut_is_said(frame, width, height, where)
            own = set(MACHINE.findall(view.program))
            texts = [
                *(panel.title for panel in frame.stage.panels),
                frame.captions.sentence,
                frame.captions.shape_line,
            ]
            for text in (*texts, *frame.place.trail, *frame.captions.formula_text):
                assert set(MACHINE.findall(text)) <= own, (where, text)


def cut_is_said(frame: Frame, width: int, height: int, where: str) -> None:
    """Of a tensor that is cut the note says which part is shown, or at least that it is one."""
    layout = arrange(frame.stage.panels, frame.stage.arrangement, width, height)
    said = "\n".join(label.text for label in layout.labels if label.kind == "window")
    for slot in layout.slots:
        panel = frame.stage.panels[slot.panel]
        if panel.role in ("margin", "addend") or not layout.labels:
            continue
        if layout.arrangement == "falk" and panel.role == "result":  # its windows are its operands'
            edges = {frame.stage.panels[other.panel].role: other for other in layout.slots}
            assert (slot.rows, slot.columns) == (edges["left"].rows, edges["top"].columns)
            continue
        notes = (window_note(panel, slot), window_note(panel, slot, short=True))
        in_part = said.startswith("parts of ") and (panel.title in said or "…" in said or "them" in said)
        assert any(note in said for note in notes) or in_part, f"{where}, {width}×{height}: {said}"
    assert all(label.y < height for label in layout.labels)


def operands_differ(run: Run, where: str) -> None:
    """Different operands of a node have different titles, unless their text is the same."""
    for node in () if run.trace is None else run.trace.nodes:
        titles = {operand.node.name: operand.title for operand in node.operands}
        same_text = {other.node.source for other in node.operands}
        assert len(set(titles.values())) >= min(len(titles), len(same_text)), (where, node.name, titles)


@pytest.mark.parametrize("slug", ["triangular", "causal", "sampling"])
def test_the_sign_of_a_masked_cell_is_explained_and_stands_for_0_alone(slug: str) -> None:
    for view, frame in frames(find(slug)):
        (result,) = (panel for panel in frame.stage.panels if panel.role == "result")
        window = result.cells.window(range(result.rows), range(result.columns))
        values = result.cells.values(range(result.rows), range(result.columns))
        hidden = {
            number
            for texts, numbers in zip(window, values, strict=True)
            for cell, number in zip(texts, numbers, strict=True)
            if cell.text.strip() == result.mask_glyph
        }
        assert hidden <= {0}
        if hidden:
            assert frame.stage.legend == "░ is 0: masked", (slug, view.stop, view.path)
            assert "# masked: 0" in to_plain(frame)


def test_minus_infinity_is_visible_at_the_stop_about_it() -> None:
    view = replace(View.opening(find("causal"), 2), step=END)
    frame = open_view(view).frame(view)
    (result,) = (panel for panel in frame.stage.panels if panel.role == "result")
    cells = [cell for row in result.cells.window(range(4), range(4)) for cell in row]
    masked = [cell for cell in cells if CellMark.MASKED in cell.mark]
    assert [cell.text.strip() for cell in masked] == ["-inf"] * 6
    assert all(cell.level is None for cell in masked)  # and has no colour of a number
    assert level_of(float("-inf"), 2.0) is None


@pytest.mark.parametrize("slug", ["matmul", "matvec", "linear"])
def test_what_is_half_made_says_so(slug: str) -> None:
    view = View.opening(find(slug))
    run = open_view(view)
    name = run.navigation(view).path[-1]
    rank = len(run.trace[name].shape) if run.trace is not None else 0
    pending = replace(view, step=0, cursor=(name, (0,) * rank))
    about = known(run.frame(pending).cursor)
    assert about.lines[0].startswith(f"{about.zero} is not yet computed")
    assert not about.formula
    for half in (replace(view, order="outer", step=1), replace(view, depth="terms", step=1)):
        frame = run.frame(replace(half, cursor=(name, (0,) * rank)))
        assert any("so far" in line for line in run.frame(half).captions.formula_text)
        assert frame.cursor is not None
        assert frame.cursor.value.endswith("so far")
        assert not frame.cursor.formula
        panel = known(frame.stage.panel(name))
        number = panel.cells.values(range(1), range(1))[0][0]
        assert float(frame.cursor.value.removesuffix(" so far")) == pytest.approx(number)
        whole = run.frame(replace(half, step=END, cursor=(name, (0,) * rank)))
        assert "so far" not in "".join((*whole.captions.formula_text, known(whole.cursor).value))


def test_a_number_beside_a_row_waits_for_all_of_the_row() -> None:
    view = replace(View.opening(find("causal"), 3), step=1)
    frame = open_view(view).frame(view)
    (margin,) = (panel for panel in frame.stage.panels if panel.role == "margin")
    column = [row[0] for row in margin.cells.values(range(margin.rows), range(1))]
    assert [number is None for number in column] == [False, True, True, True]


@pytest.mark.parametrize("tight", [False, True])
@pytest.mark.parametrize("level", [-1.0, -0.3, 0.0, 0.2, 0.6, 1.0])
def test_heat_shows_a_sign_and_a_strength_up_to_the_legends(level: float, tight: bool) -> None:
    cell = CellText("[ -0.2184" + "]" * (not tight), level, CellMark.NONE)
    text = heat_text(cell, Glyphs(), False, tight)
    assert len(text) == len(cell.text)
    number = int(text.strip("[] ") or "0")
    assert abs(number) <= STRENGTHS
    assert abs(number - level * STRENGTHS) <= 1
