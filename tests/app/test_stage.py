"""The stage: what stands where and is marked in a frame, the cell cursor, and the other pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.markdown import first_sentence, text_runs
from llm_linalg.lessons.reader import catalog
from tests.app.lessons import lesson, opened
from tests.common import known
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
from llm_linalg.lessons.reader import find
from tests.app.lessons import failure_of
from tui.model.view_words import command


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
    return known(run.trace)[name].value


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
        room = known(sizes(80, 24, frame.listing.code, view, sidebar=None, failed=failed))
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
    cursor = known(run.frame(replace(view, cursor=("mask", (2, 1)))).cursor)
    assert "j ≥ i + 1" in known(cursor.mask_rule)


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


def test_a_failing_program_keeps_the_last_good_picture() -> None:
    good_view = View.opening(lesson())
    good = open_view(good_view)
    bad_view = good_view.with_program("x = torch.ones(3, 2)\nW = torch.ones(3, 4)\nY = x @ W")
    bad = open_view(bad_view, good)
    frame = bad.frame(bad_view)
    assert frame.error is not None
    assert known(frame.error.good).node is not None
    assert (frame.error.line, frame.listing.line) == (3, 3)
    left, right = frame.stage.panels
    assert marked(left, CellMark.CLASH) == {(0, 0), (0, 1)}
    assert marked(right, CellMark.CLASH) == {(0, 0), (1, 0), (2, 0)}
    assert grid(left)[0] == ["1.", "1."]
    worse = open_view(bad_view, bad)
    assert failure_of(worse).good is good


def test_a_repair_works() -> None:
    view = View.opening(lesson(), 3)
    run = open_view(view)
    frame = run.frame(view)
    assert frame.error is not None
    assert frame.error.repairs
    for number in range(1, len(frame.error.repairs) + 1):
        repaired = failure_of(run).apply_repair(view, number)
        again = open_view(repaired)
        assert again.error is None
        assert again.frame(repaired).node is not None
    with pytest.raises(IndexError):
        failure_of(run).apply_repair(view, 99)


def test_what_the_cursor_says_is_what_torch_says() -> None:
    view, run = opened(PRODUCT)
    at_result = cursor_moves.move(run, replace(view, step=6), 0, 0)
    assert at_result.cursor == ("Y", (1, 1))
    frame = run.frame(at_result)
    left, top, result = frame.stage.panels
    assert marked(result, CellMark.CURSOR) == {(1, 1)}
    assert marked(left, CellMark.SOURCE) == {(1, 0), (1, 1)}
    assert marked(top, CellMark.SOURCE) == {(0, 1), (1, 1)}
    assert frame.cursor is not None
    assert float(frame.cursor.value) == pytest.approx(value(run, "Y")[1, 1].item(), rel=1e-9)
    assert (frame.cursor.zero, frame.cursor.one, frame.cursor.evidence) == ("Y[1,1]", "y₂₂", "rule")
    assert frame.cursor.sources == "x[1, :], W[:, 1]"


def test_what_made_a_cell_is_called_as_it_is_on_the_picture() -> None:
    view = View.opening(lesson()).with_program("x = torch.ones(2, 3)\nY = (x * 2) @ x.T")
    view = replace(view, cursor=("Y", (0, 1)))
    frame = open_view(view).frame(view)
    assert [panel.title for panel in frame.stage.panels] == ["x * 2", "x.T", "Y"]
    assert known(frame.cursor).sources == "(x * 2)[0, :], x.T[:, 1]"


def test_the_cursor_on_an_operand_lights_what_it_feeds() -> None:
    view, run = opened(PRODUCT)
    frame = run.frame(replace(view, cursor=("W", (1, 2))))
    assert marked(frame.stage.panels[-1], CellMark.CONSUMER) == {(0, 2), (1, 2), (2, 2)}
    assert known(frame.cursor).feeds == "Y[:, 2]"


def test_four_that_a_cell_feeds_are_named_and_of_five_the_last_is_counted() -> None:
    program = "x = torch.ones(2)\na = x + 1\nb = x + 2\nc = x + 3\nd = x + 4"
    for more, said in (("", ""), ("\ne = x + 5", ", 1 more")):
        view, run = opened(program + more, 'show="x"')
        cursor = known(run.frame(replace(view, cursor=("x", (1,)))).cursor)
        assert cursor.feeds == f"a[1], b[1], c[1], d[1]{said}"


def test_the_cursor_stays_on_its_panel_and_goes_to_the_next() -> None:
    view, run = opened(PRODUCT)
    view = cursor_moves.move(run, view, 0, 0)
    for _ in range(9):
        view = cursor_moves.move(run, view, 1, 1)
    assert view.cursor == ("Y", (2, 3))
    names = []
    for _ in range(4):
        view = cursor_moves.next_panel(run, view)
        names.append(known(view.cursor)[0])
    assert names == ["x", "W", "Y", "x"]


def test_following_leads_to_the_inputs_and_stops_there() -> None:
    view, run = opened("x = torch.randn(2, 2)\nh = torch.exp(x)\ny = h @ x\nz = y + 1")
    view = cursor_moves.move(run, replace(view, step=3), 0, 0)
    seen = [view.cursor]
    while (there := cursor_moves.follow(run, view)) != view:
        view = there
        seen.append(view.cursor)
    names = [cursor[0] for cursor in seen if cursor is not None]
    assert names[0] == "z"
    assert names[-1] == "x"
    assert {"y", "h"} <= set(names)
    assert len(seen) < 20


def test_three_results_of_one_pair_share_a_cursor() -> None:
    code = "a = torch.arange(1.0, 4)\nb = a + 3\np = a * b\nd = torch.dot(a, b)\no = torch.outer(a, b)"
    view, run = opened(code, 'show="p, d, o"')
    frame = run.frame(replace(view, cursor=("a", (1,))))
    lit = {
        panel.name: marked(panel, CellMark.CONSUMER) for panel in frame.stage.panels if panel.name in "pdo"
    }
    assert lit == {"p": {(1,)}, "d": {()}, "o": {(1, 0), (1, 1), (1, 2)}}
    frame = run.frame(replace(view, cursor=("o", (2, 0))))
    assert marked(frame.stage.panels[0], CellMark.SOURCE) == {(2,)}
    assert marked(frame.stage.panels[1], CellMark.SOURCE) == {(0,)}
    outer = known(frame.stage.panel("o"))
    assert grid(outer)[0] == ["4.", "5.", "6."]


def test_the_other_pass_and_back_again() -> None:
    code = "X = torch.randn(3, 2)\nW = torch.randn(2, 4)\nY = X @ W\nloss = Y.sum()"
    view, run = opened(code, 'show="Y"')
    frame = run.frame(view)
    assert frame.place.has_backward
    back = run.passes.other(view)
    assert back.backward
    there = run.frame(back)
    assert known(there.node).name in ("dX", "dW")
    assert run.serves(back)
    again = run.passes.other(back)
    assert (again.backward, run.navigation(again).path) == (False, ("Y",))
    plain, plain_run = opened("x = torch.arange(3)")
    assert plain_run.passes.other(plain) == plain


def test_nothing_to_show_is_a_frame_too() -> None:
    view, run = opened("n = 3")
    frame = run.frame(view)
    assert (frame.stage.panels, frame.node, frame.place.steps) == ((), None, 0)
    empty, empty_run = opened("x = torch.ones(0, 3)\ny = x @ torch.ones(3, 2)")
    frame = empty_run.frame(empty)
    assert frame.place.steps == 0
    assert frame.stage.panels[-1].rows == 0


@pytest.mark.parametrize("shapes", [("0, 0", "0, 0"), ("0, 3", "2, 3"), ("2, 3", "0, 3"), ("2, 0", "3, 0")])
@pytest.mark.parametrize("size", [(76, 14), (40, 9)])
def test_a_sum_over_no_cells_is_drawn_as_a_cell(shapes: tuple[str, str], size: tuple[int, int]) -> None:
    left, right = shapes
    view, run = opened(f"y = torch.einsum('ij,kj->', torch.ones({left}), torch.ones({right}))")
    frame = run.frame(replace(view, depth="operations"))
    drawn = {
        frame.stage.panels[slot.panel].role: frame.stage.panels[slot.panel].cells.window(
            slot.rows, slot.columns
        )
        for slot in arrange(frame.stage.panels, frame.stage.arrangement, *size).slots
    }
    assert drawn.keys() == {"left", "top", "result"}
    assert sum(map(len, drawn["result"])) == 1


BACKWARD = "X = torch.randn(3, 2)\nN = F.layer_norm(X, (2,))\nR = X + N\nloss = (R * R).sum()"


def test_a_stop_can_show_its_backward_pass() -> None:
    view, run = opened(BACKWARD, 'backward show="dX" order="rows"')
    assert view.backward
    frame = run.frame(view)
    assert (frame.place.path, frame.place.order, frame.captions.prose) == (("dX",), "rows", "Text.")
    assert "--backward" not in command(view)
    forward = run.passes.other(view)
    assert not forward.backward
    assert "--no-backward" in command(forward)
    # Every other step of it says why it is there.
    other = run.frame(replace(view, path=("dR",)))
    assert other.captions.prose == ""
    assert other.captions.sentence.startswith("R went 2 ways, so as many gradients are added: dR_1 by")
    whole = run.frame(replace(view, path=("dX",), depth="operations"))
    assert "identity path" in whole.captions.sentence


def test_a_part_has_its_step_backward_and_leads_back_into_the_whole() -> None:
    view, run = opened(BACKWARD, 'show="N"')
    back = run.passes.other(replace(view, path=("N", "center")))
    assert back.path == ("dN_center",)
    assert run.passes.other(back).path == ("N", "center")
    whole = run.passes.other(view)
    assert whole.path[0].startswith("dN_")
    assert run.passes.other(whole).path[0] == "N"


def test_on_a_map_the_other_pass_is_at_the_same_box_and_leads_back() -> None:
    view = View.opening(find("backward"))
    run = open_view(view)
    there = {}
    for name in run.navigation(view).boxes(()):
        at = replace(view, box=(name,))
        other = run.passes.other(at)
        assert other.box[-1] in run.navigation(other).boxes(other.box[:-1]), name
        there[name] = other.box
        again = run.passes.other(other)
        assert again.box[-1] in run.navigation(again).boxes(again.box[:-1]), name
    assert there["mlp"] == ("mlp",)
    assert there["dY"] == ("logits",)
    assert run.passes.other(replace(view, backward=False, box=("logits",))).box == ("dY",)
