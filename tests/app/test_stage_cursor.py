from __future__ import annotations

from dataclasses import replace

import pytest

from llm_linalg.lessons.reader import find
from tests.app.lessons import failure_of, lesson, opened
from tests.app.test_stage import PRODUCT, grid, marked, value
from tui.compose import cursor_moves
from tui.compose.torch_code import torch_code
from tui.compose.view_runner import open_view
from tui.layout.arrange import arrange
from tui.model.frame import CellMark
from tui.model.view import View
from tui.model.view_words import command


def test_a_failing_program_keeps_the_last_good_picture() -> None:
    good_view = View.opening(lesson())
    good = open_view(good_view)
    bad_view = good_view.with_program("x = torch.ones(3, 2)\nW = torch.ones(3, 4)\nY = x @ W")
    bad = open_view(bad_view, good)
    frame = bad.frame(bad_view)
    assert frame.error is not None
    assert frame.error.good is not None
    assert frame.error.good.node is not None
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
    assert frame.cursor is not None
    assert frame.cursor.sources == "(x * 2)[0, :], x.T[:, 1]"


def test_the_cursor_on_an_operand_lights_what_it_feeds() -> None:
    view, run = opened(PRODUCT)
    frame = run.frame(replace(view, cursor=("W", (1, 2))))
    assert marked(frame.stage.panels[-1], CellMark.CONSUMER) == {(0, 2), (1, 2), (2, 2)}
    assert frame.cursor is not None
    assert frame.cursor.feeds == "Y[:, 2]"


def test_the_cursor_stays_on_its_panel_and_goes_to_the_next() -> None:
    view, run = opened(PRODUCT)
    view = cursor_moves.move(run, view, 0, 0)
    for _ in range(9):
        view = cursor_moves.move(run, view, 1, 1)
    assert view.cursor == ("Y", (2, 3))
    names = []
    for _ in range(4):
        view = cursor_moves.next_panel(run, view)
        assert view.cursor is not None
        names.append(view.cursor[0])
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
    outer = frame.stage.panel("o")
    assert outer is not None
    assert grid(outer)[0] == ["4.", "5.", "6."]


def test_the_other_pass_and_back_again() -> None:
    code = "X = torch.randn(3, 2)\nW = torch.randn(2, 4)\nY = X @ W\nloss = Y.sum()"
    view, run = opened(code, 'show="Y"')
    frame = run.frame(view)
    assert frame.place.has_backward
    back = run.passes.other(view)
    assert back.backward
    there = run.frame(back)
    assert there.node is not None
    assert there.node.name in ("dX", "dW")
    assert run.serves(back)
    again = run.passes.other(back)
    assert (again.backward, run.navigation(again).path) == (False, ("Y",))
    plain, plain_run = opened("x = torch.arange(3)")
    assert plain_run.passes.other(plain) == plain


def test_ascii_frames_are_ascii() -> None:
    view, run = opened("x = torch.ones(3, 2)\nW = torch.ones(6, 2)\ny = F.linear(x, W)")
    frame = run.frame(replace(view, step=3), ascii_only=True)
    words = [
        *frame.captions.formula_text,
        frame.captions.shape_line,
        frame.captions.sentence,
        *(panel.title for panel in frame.stage.panels),
    ]
    cells = [text for panel in frame.stage.panels for row in grid(panel) for text in row]
    assert all(word.isascii() for word in (*words, *cells))


def test_foreign_text_is_clean() -> None:
    view, run = opened('x = torch.ones(2)\nprint("\\x1b[31mred\\u202e")\ny = x + 1  # \x1b]0;title\x07')
    frame = run.frame(view)
    text = "\n".join(
        [*frame.listing.code, frame.listing.printed, frame.captions.prose, frame.captions.sentence]
    )
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_torch_code_runs_elsewhere() -> None:
    view = View.opening(lesson(), 2).set("m", "4")
    code = torch_code(view)
    assert code.startswith("import torch\n")
    assert "torch.manual_seed(3)" in code
    assert "m = 4\n" in code
    assert code.rstrip().endswith("x = x + 1")


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
