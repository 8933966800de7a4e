from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.markdown import first_sentence, text_runs
from llm_linalg.lessons.reader import catalog
from tests.app.lessons import lesson, opened
from tui.compose import cursor_moves
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.layout.arrange import arrange
from tui.layout.pane_sizes import Picture, sizes
from tui.model.frame import CellMark, Frame, Panel
from tui.model.view import View
from tui.navigation import steps as player
from tui.panes.story_pane import band
from tui.session.session import Session
from tui.text.rows import width_of

if TYPE_CHECKING:
    from torch import Tensor


def marked(panel: Panel, mark: CellMark) -> set[tuple[int, ...]]:
    """The cells of a panel that carry a mark."""
    cells = panel.cells.window(range(panel.rows), range(panel.columns))
    return {
        panel.index(row, column)
        for row, line in enumerate(cells)
        for column, cell in enumerate(line)
        if mark & cell.mark
    }


def grid(panel: Panel) -> list[list[str]]:
    """The text of a panel's cells."""
    return [
        [cell.text.strip() for cell in row]
        for row in panel.cells.window(range(panel.rows), range(panel.columns))
    ]


def value(run: Run, name: str) -> Tensor:
    assert run.trace is not None
    return run.trace[name].value


PRODUCT = "x = torch.randn(3, 2)\nW = torch.randn(2, 4)\nY = x @ W"


def test_a_product_is_falks_scheme_with_row_and_column_lit() -> None:
    view, run = opened(PRODUCT)
    frame = run.frame(replace(view, step=6))
    left, top, result = frame.stage.panels
    assert [panel.role for panel in frame.stage.panels] == ["left", "top", "result"]
    assert frame.stage.arrangement == "falk"
    assert marked(left, CellMark.FACTOR) == {(1, 0), (1, 1)}
    assert marked(top, CellMark.FACTOR) == {(0, 1), (1, 1)}
    assert marked(result, CellMark.WRITE) == {(1, 1)}
    assert marked(result, CellMark.PENDING) == {(1, 2), (1, 3), *((2, j) for j in range(4))}
    assert (frame.place.step, frame.place.steps, frame.listing.line, frame.place.order) == (6, 12, 3, "cells")
    assert frame.captions.shape_line.startswith("(3, 2) @ (2, 4) → (3, 4)")


def test_at_terms_the_current_factors_are_told_from_the_rest() -> None:
    view, run = opened(PRODUCT)
    navigation = run.navigation(view)
    frame = run.frame(player.into(player.goto(view, navigation, 6), navigation))
    left, top, _ = frame.stage.panels
    assert (frame.place.order, frame.place.step, frame.place.steps) == ("terms", 11, 24)
    assert marked(left, CellMark.FACTOR) == {(1, 0)}
    assert marked(left, CellMark.READ) == {(1, 0), (1, 1)}
    assert marked(top, CellMark.FACTOR) == {(0, 1)}
    assert frame.captions.formula_text[0].endswith(")")


@given(st.integers(0, 12), st.sampled_from(["cells", "rows", "columns", "outer", "wave", "terms"]))
def test_the_last_step_shows_the_tensor_and_the_one_before_the_first_nothing(step: int, order: str) -> None:
    view, run = opened(PRODUCT)
    view = player.in_order(view, run.navigation(view), order)
    before = run.frame(replace(view, step=0)).stage.panels[-1]
    assert {text for row in grid(before) for text in row} == {"·"}
    end = run.frame(player.last(view, run.navigation(view))).stage.panels[-1]
    wanted = [[f"{number:.4f}" for number in row] for row in value(run, "Y").tolist()]
    assert grid(end) == wanted
    between = grid(run.frame(replace(view, step=step)).stage.panels[-1])
    if order in ("cells", "rows", "columns", "wave"):
        assert all(
            a in (b, "·")
            for left, right in zip(between, wanted, strict=True)
            for a, b in zip(left, right, strict=True)
        )


def test_a_weight_stored_out_in_is_shown_transposed() -> None:
    view, run = opened(
        "x = torch.ones(3, 2)\nW = torch.randn(6, 2)\nb = torch.ones(6)\ny = F.linear(x, W, b)"
    )
    frame = run.frame(replace(view, step=9))
    left, top, bias, result = frame.stage.panels
    assert [panel.role for panel in frame.stage.panels] == ["left", "top", "addend", "result"]
    assert (top.is_transposed, top.label, top.rows, top.columns) == (True, "Wᵀ (2, 6)", 2, 6)
    assert grid(top) == [[f"{x:.4f}" for x in row] for row in value(run, "W").T.tolist()]
    assert marked(top, CellMark.FACTOR) == {(2, 0), (2, 1)}
    assert marked(bias, CellMark.FACTOR) == {(2,)}
    assert (left.columns, top.rows, top.columns, bias.columns) == (2, 2, 6, result.columns)


@pytest.mark.parametrize(
    ("code", "arrangement", "sides"),
    [
        ("A = torch.ones(2, 3)\nx = torch.ones(3)\ny = A @ x", "falk", [(2, 3), (3, 1), (2, 1)]),
        ("x = torch.ones(2)\nA = torch.ones(2, 3)\ny = x @ A", "falk", [(1, 2), (2, 3), (1, 3)]),
        ("a = torch.ones(3)\nb = torch.ones(3)\ny = torch.dot(a, b)", "falk", [(1, 3), (3, 1), (1, 1)]),
        ("a = torch.ones(2)\nb = torch.ones(3)\ny = torch.outer(a, b)", "falk", [(2, 1), (1, 3), (2, 3)]),
        ("a = torch.ones(3)\nb = torch.ones(3)\ny = a * b", "column", [(1, 3), (1, 3), (1, 3)]),
        ("a = torch.ones(2, 3)\nb = torch.ones(2, 3)\ny = a + b", "row", [(2, 3), (2, 3), (2, 3)]),
        ("a = torch.ones(2, 3)\ny = a.sum(1)", "row", [(2, 3), (2, 1)]),
        ("a = torch.ones(2, 3)\ny = a.sum(0)", "column", [(2, 3), (1, 3)]),
        ("a = torch.ones(2, 3)\ny = a.sum()", "column", [(2, 3), (1, 1)]),
        ("a = torch.ones(2, 3)\ny = a.T", "row", [(2, 3), (3, 2)]),
        ("a = torch.ones(2, 3)\ny = torch.einsum('ij,kj->ki', a, a)", "falk", [(3, 2), (2, 3), (2, 2)]),
        ("y = torch.ones(2, 3)", "row", [(2, 3)]),
        ("y = torch.tensor(3.14)", "row", [(1, 1)]),
        ("a = torch.ones(2, 2, 3)\nb = torch.ones(3, 4)\ny = a @ b", "falk", [(2, 3), (3, 4), (2, 4)]),
    ],
)
def test_the_axes_say_how_things_stand(code: str, arrangement: str, sides: list[tuple[int, int]]) -> None:
    view, run = opened(code)
    frame = run.frame(replace(view, step=1))
    assert frame.stage.arrangement == arrangement
    found = [(panel.rows, panel.columns) for panel in frame.stage.panels]
    assert sorted(found) == sorted(sides)
    assert found[-1] == sides[-1]
    if arrangement == "falk":
        by_role = {panel.role: panel for panel in frame.stage.panels}
        assert by_role["left"].rows == by_role["result"].rows
        assert by_role["top"].columns == by_role["result"].columns
        assert by_role["left"].columns == by_role["top"].rows


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.slug for entry in catalog()])
def test_every_stop_of_every_lesson_has_frames_that_fit(name: str) -> None:
    entry = next(other for other in catalog() if other.slug == name)
    for stop in entry.stops:
        view = View.opening(entry, stop.number)
        run = open_view(view)
        assert (run.error is not None) == stop.fails
        views = [view]
        if run.trace is not None:
            navigation = run.navigation(view)
            steps = player.position(view, navigation)[1]
            views += [player.goto(view, navigation, step) for step in {1, steps // 2, steps}]
        for frame in map(run.frame, views):
            for width, height in ((60, 8), (100, 30), (20, 5)):
                assert stands(frame, width, height)
        if not stop.slide:
            story_stays(run, views)


def stands(frame: Frame, width: int, height: int) -> bool:
    """Whether what the stage shows of a frame has room: a drawing, else its panels, if it has any."""
    if frame.stage.drawing is None:
        return (
            not frame.stage.panels or arrange(frame.stage.panels, frame.stage.arrangement, width, height).fits
        )
    rows = frame.stage.drawing.rows(width, height)
    drawn = any(span.text.strip() for row in rows for span in row)
    return drawn and len(rows) <= height and all(width_of(row) <= width for row in rows)


def story_stays(run: Run, views: list[View]) -> None:
    """The title and the first sentence stand whole and in the same rows, whatever is shown of a stop."""
    start = views[0]
    if run.trace is not None and start.depth != "map":
        navigation = run.navigation(start)
        inside = player.into(start, navigation)
        whole = player.out(replace(start, depth="cells"), navigation)
        views = [*views, inside, whole, player.out(whole, run.navigation(whole))]
    stop, bands = start.at_stop, set()
    for view in views:
        frame = run.frame(view)
        failed = frame.error is not None
        room = sizes(80, 24, frame.listing.code, view, sidebar=None, failed=failed)
        assert room is not None
        rows = band(Picture(Session.start(view, [view.lesson]), frame, room, ()), room.main)
        assert 0 < len(rows) <= room.story
        assert room.stage >= (6 if failed else 10) or view.board is not None
        bands.add((room.story, *(span.text for spans in rows for span in spans)))
    (told,) = bands
    said = first_sentence(stop.prose)[0]
    shown, title = ("".join(text).replace(" ", "") for text in (map(str, told[1:]), stop.title))
    assert shown.startswith(title), (start.lesson.slug, stop.number)
    for run_ in text_runs(said):  # between them stand the numbers of links
        assert run_.text.replace(" ", "") in shown, (start.lesson.slug, stop.number)


def test_the_formula_is_done_current_and_pending_and_says_when_it_is_rounded() -> None:
    view, run = opened("a = torch.tensor([[1., 2., 3.]])\nb = torch.tensor([[4.], [5.], [6.]])\nY = a @ b")
    frame = run.frame(replace(view, depth="terms", step=2))
    assert frame.captions.formula_text == ("Y[0,0] = 1·4 + [2·5] + (3·6)", "       = 4 + 10 = 14 so far")
    states = [state for _, state in frame.captions.formula[0]]
    assert states == ["plain", "done", "current", "pending"]
    view, run = opened("a = torch.full((1, 2), 1.00004)\nb = torch.ones(2, 1)\nY = a @ b")
    assert "≈" in run.frame(replace(view, step=1)).captions.formula_text[-1]


def test_a_long_formula_is_elided_around_the_current_term() -> None:
    view, run = opened("a = torch.ones(4096)\nY = torch.dot(a, a)")
    (first, second) = run.frame(replace(view, depth="terms", step=2000)).captions.formula_text
    assert "… 1996 more …" in first
    assert "[1·1]" in first
    assert len(first) < 120
    assert second.endswith("= 2000 so far")


def test_an_operation_is_shown_whole_without_marks() -> None:
    view, run = opened(PRODUCT)
    view = player.out(view, run.navigation(view))
    frame = run.frame(view)
    assert (frame.place.depth, frame.place.step, frame.place.steps) == ("operations", 3, 3)
    assert not any(
        marked(panel, CellMark.READ | CellMark.WRITE | CellMark.PENDING) for panel in frame.stage.panels
    )


def test_parts_are_nodes_of_their_own_with_a_path() -> None:
    view = View.opening(lesson(), 2)
    run = open_view(view)
    assert run.frame(view).place.composite
    inside = player.into(view, run.navigation(view))
    frame = run.frame(player.last(inside, run.navigation(inside)))
    assert frame.place.path[0] == "S"
    assert len(frame.place.path) == 2
    assert frame.listing.line == run.frame(view).listing.line
    assert run.navigation(player.out(inside, run.navigation(inside))).path == ("S",)


def test_an_earlier_binding_of_a_name_has_a_number() -> None:
    view = View.opening(lesson(), 2)
    run = open_view(view)
    names = run.navigation(view).siblings
    assert names.count("x") == 1
    assert "x:1" in names
    assert run.frame(replace(view, path=("x:1",))).listing.line == 1
    assert run.frame(replace(view, path=("x",))).listing.line == 5
    with pytest.raises(LookupError, match="there is x:1, W, Y, S, x"):
        run.frame(replace(view, path=("softmux",)))


def test_a_mask_says_which_cells_it_hides() -> None:
    view = View.opening(lesson(), 4)
    run = open_view(view)
    frame = run.frame(player.last(view, run.navigation(view)))
    hidden = {(i, j) for i in range(4) for j in range(4) if j < i + 1}
    assert marked(frame.stage.panels[-1], CellMark.MASKED) == hidden
    cursor = run.frame(replace(view, cursor=("mask", (2, 1)))).cursor
    assert cursor is not None
    assert cursor.mask_rule is not None
    assert "j ≥ i + 1" in cursor.mask_rule


def test_a_slice_follows_the_active_cell_unless_one_is_asked_for() -> None:
    view, run = opened("x = torch.randn(3, 2, 2)\nW = torch.randn(2, 2)\nY = x @ W")
    frame = run.frame(replace(view, step=6))
    assert [panel.at for panel in frame.stage.panels] == [(1,), (), (1,)]
    moved = cursor_moves.next_slice(run, replace(view, step=6), 1)
    assert moved.at == (2,)
    assert [panel.at for panel in run.frame(moved).stage.panels] == [(2,), (), (2,)]
    assert cursor_moves.next_slice(run, moved, 1).at == (0,)
    assert grid(run.frame(moved).stage.panels[0]) == [
        [f"{v:.4f}" for v in row] for row in value(run, "x")[2].tolist()
    ]
    flat, flat_run = opened(PRODUCT)
    assert cursor_moves.next_slice(flat_run, flat, 1) == flat


def test_the_level_of_a_cell_is_its_place_in_the_range_that_is_named() -> None:
    view, run = opened("x = torch.tensor([[-4., 2.], [0., float('nan')]])\ny = x * 2")
    frame = run.frame(replace(view, depth="operations"))
    levels = [[cell.level for cell in row] for row in frame.stage.panels[0].cells.window(range(2), range(2))]
    assert levels == [[-1.0, 0.5], [0.0, None]]
    assert frame.stage.scales == (("x", "4"), ("y", "8"))
    same = opened("x = torch.tensor([-4., 2.])\ny = -x")
    assert same[1].frame(same[0]).stage.scales == (("", "-4 … 4"),)


def test_the_colours_of_probabilities_go_to_1() -> None:
    view, run = opened("S = torch.tensor([[9., 9.], [float('-inf'), 0.]])\nP = torch.softmax(S, dim=-1)")
    frame = run.frame(replace(view, depth="operations"))
    levels = [
        [[cell.level for cell in row] for row in panel.cells.window(range(2), range(2))]
        for panel in frame.stage.panels
    ]
    assert levels == [[[1.0, 1.0], [None, 0.0]], [[0.5, 0.5], [0.0, 1.0]]]
    assert frame.stage.scales == (("S", "9"), ("P", "1"))
