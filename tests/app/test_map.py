"""The map: levels of boxes, going in and out, what lies on the way of a cell that is followed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.reader import FollowedCell, catalog, find
from tests.app.driving import lesson, opened
from tests.app.test_player import START, Product
from tui.cli.parser import app_parser
from tui.compose.view_check import check_view
from tui.compose.view_runner import open_view
from tui.model.frame import CellMark
from tui.model.map_view import MapView, percent
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import command, view_of
from tui.navigation import map_moves
from tui.navigation import steps as player
from tui.render.json_text import frame_object
from tui.render.plain import to_plain

FUNCTIONS = lesson(
    """## Calls
Boxes.

```python map show="z"
def half(x):
    return x / 2 + x[0]
a = torch.randn(3, 2)
b = half(a) @ torch.ones(2, 4)
z = half(half(b)) + b
```
"""
)
HEAD = ("block:1", "attention", "head:1")


def level(view: View, *, ascii_only: bool = False) -> MapView:
    found = open_view(view).frame(view, ascii_only=ascii_only).stage.map
    assert found is not None
    return found


def at(view: View, *box: str) -> View:
    return replace(view, depth="map", box=box)


# Going about it.


@given(st.lists(st.sampled_from(["into", "out", "forward", "back", "over", "finish"]), max_size=30))
def test_one_stands_on_a_box_wherever_one_goes(moves: list[str]) -> None:
    navigation, view = Product(), replace(START, depth="map", box=("block", "gone"))
    for name in moves:
        view = getattr(player, name)(view, navigation)
        if view.depth == "map":
            box = map_moves.current_box(view, navigation)
            assert box[-1] in navigation.boxes(box[:-1])
            step, steps = player.position(view, navigation)
            assert 1 <= step <= steps == len(navigation.boxes(box[:-1]))


def test_in_and_out_at_every_level_of_the_model() -> None:
    view = View.opening(find("why"), 2)
    run = open_view(view)
    seen: list[str] = [view.depth]
    view = map_moves.goto(view, run.navigation(view), 3)
    for _ in range(20):
        inside = player.into(view, run.navigation(view))
        if inside == view:
            break
        view = inside
        if view.depth == "map" and view.box[-1].startswith("norm"):
            view = player.forward(view, run.navigation(view))  # attention, and in it a head
        seen.append("/".join(view.box) if view.depth == "map" else view.depth)
    assert seen == [
        "map", "block:1/attention", "block:1/attention/head:1", "block:1/attention/head:1/Q",
        "operations", "cells", "terms",
    ]  # fmt: skip
    ways = []
    for _ in range(20):
        outside = player.out(view, run.navigation(view))
        if outside == view:
            break
        view = outside
        ways.append("/".join(view.box) if view.depth == "map" else view.depth)
    assert ways == [
        "cells", "operations", "block:1/attention/head:1/Q", "block:1/attention/head:1",
        "block:1/attention", "block:1",
    ]  # fmt: skip


@pytest.mark.parametrize("slug", [one.slug for one in catalog()])
def test_every_node_of_every_lesson_is_on_the_map(slug: str) -> None:
    found = find(slug)
    view = View.opening(found, len(found.stops))
    run = open_view(view)
    navigation = run.navigation(view)
    for name in navigation.siblings:
        there = player.out(replace(view, path=(name,), depth="operations"), navigation)
        assert there.depth == "map"
        shown = run.frame(there).stage.map
        assert shown is not None
        assert not shown.selection.foreign


# What is told.


def test_boxes_are_live_and_share_the_multiplications() -> None:
    shown = level(View.opening(find("why"), 2))
    labels = ["tokens", "embed", "block:1", "block:2", "norm", "logits", "chances"]
    assert [row.label for row in shown.rows] == labels
    assert sum(row.share for row in shown.rows) == pytest.approx(1)
    wide = level(View.opening(find("why"), 2).set("d_model", "64").set("seq_len", "7"))
    block, logits = wide.rows[2], wide.rows[5]
    assert block.shape == (7, 64)
    assert logits.products == 7 * 64 * 5
    assert block.products == 12 * 7 * 64 * 64 + 2 * 7 * 7 * 64
    assert block.products < block.multiplications < 1.05 * block.products
    assert (block.lesson, block.words) == ("block", "attention, then an MLP, each added to what came in")


def test_a_repeated_call_and_what_comes_from_outside() -> None:
    view = View.opening(FUNCTIONS)
    assert [row.label for row in level(view).rows] == ["a", "half:1", "b", "half:2", "half:3", "z"]
    inner = level(at(view, "half:1", open_view(view).navigation(view).boxes(("half:1",))[-1]))
    assert (inner.rows[0].label, inner.rows[0].foreign) == ("a", True)
    assert inner.path == ("half:1",)
    assert inner.place[1] == len(inner.rows) - 1


def test_a_box_that_a_run_hasnt_got_gives_way() -> None:
    view = at(View.opening(FUNCTIONS), "half:1", "nothing", "there")
    assert level(view).selection.name == "half:1"
    assert level(at(view, "gone")).selection.name == "a"


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0%"), (0.004, "under 1%"), (0.5, "50%"), (0.9999, "over 99%"), (1, "100%")]
)
def test_a_share_never_says_all_or_nothing_of_a_part(share: float, said: str) -> None:
    assert percent(share) == said


def test_in_words_and_in_json() -> None:
    view = at(View.opening(find("why"), 2), *HEAD, "P")
    frame = open_view(view).frame(view)
    text = to_plain(frame)
    assert "map: block:1 / attention / head:1" in text
    assert "> P; shape (4, 4); 16 multiplications" in text
    assert "  from outside: layer_norm; shape (4, 8)" in text
    record = json.loads(json.dumps(frame_object(frame)))
    assert record["node"]["op"] == "softmax"
    boxes = {box["name"]: box for box in record["map"]["boxes"]}
    assert boxes["P"]["reads"] == [name for name in boxes if name.startswith("masked_fill")]
    assert boxes["Q"]["multiplications"] == boxes["Q"]["products"] == 4 * 8 * 4
    assert "lit" not in boxes["Q"]


# A cell that is followed, in the pictures of nodes.


def test_cells_on_the_way_are_marked_in_every_picture_and_coloured_by_the_derivative() -> None:
    view = replace(View.opening(find("why"), 2), depth="operations", path=("P:1",),
                   follows=FollowedCell("lineage", "logits", (2, 3)), look="heat")  # fmt: skip
    run = open_view(view)
    frame = run.frame(view)
    panel = frame.stage.panel("P")
    assert panel is not None
    cells = panel.cells.window(range(4), range(4))
    marked = {(i, j) for i in range(4) for j in range(4) if CellMark.SOURCE in cells[i][j].mark}
    assert marked == {(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)}
    node = run.trace.node_named("P:1") if run.trace is not None else None
    assert run.trace is not None
    assert node is not None
    slopes = run.trace.influence("logits", (2, 3))[node]
    heats = [cell.level for cell in cells[2]]
    ratio = (heats[1] or 0.0) / float(slopes[2, 1])
    assert heats[:3] == pytest.approx([ratio * float(slopes[2, j]) for j in range(3)])
    assert heats[3:] == [None]  # they are masked: nothing comes from there
    assert [size[:2] for _, size in frame.stage.scales] == ["∂ "]
    cell = run.frame(replace(view, cursor=("P", (2, 1)))).cursor
    assert cell is not None
    assert cell.relation == f"∂logits[2,3] / ∂P[2,1] = {float(slopes[2, 1]):.6g}"
    other = run.frame(replace(view, cursor=("P", (3, 0)))).cursor
    assert other is not None
    assert other.relation == "logits[2,3] does not depend on it"


def test_a_cell_that_isnt_there_is_not_followed() -> None:
    for cell in ("logits[9,9]", "nothing[0]", "logits[1]"):
        flags = app_parser().read(["why", "--lineage", cell])
        view = view_of(flags)
        with pytest.raises(UsageError):
            check_view(view, open_view(view), flags)
    with pytest.raises(UsageError, match="one way at a time"):
        view_of(app_parser().read(["why", "--lineage", "x[0,0]", "--reach", "x[0,0]"]))


# Keys and commands.


async def test_keys_go_about_the_map() -> None:
    async with opened("why", stop=2) as d:
        await d.press("down", "down", "enter", "down", "enter")
        assert d.view.box == ("block:1", "attention", "head:1")
        await d.press("right", "M")
        assert d.has(depth="cells")
        await d.press("M", "escape", "escape")
        assert d.has(depth="map")


async def test_a_lesson_is_opened_from_its_box_and_left_again() -> None:
    async with opened("why", stop=2) as d:
        await d.press("down", "down", "L")
        assert d.view.lesson.slug == "block"
        await d.press("backspace")
        assert (d.view.lesson.slug, d.view.box) == ("why", ("block:1",))
        await d.press("up", "up", "L")
        assert "No lesson is about tokens here" in d.screen


async def test_a_cell_is_followed_and_comes_back() -> None:
    async with opened("why", stop=2) as d:
        await d.press("down", "down", "down", "down", "down", "enter", "enter", "dollar_sign", "c", "I")
        assert d.has(depth="map", follows=FollowedCell("lineage", "logits", (3, 4)))
        assert "logits[3,4] depends on" in d.screen
        await d.press("I")
        assert d.view.follows == FollowedCell("reach", "logits", (3, 4))
        await d.press("I")
        assert d.has(follows=None)
        await d.press("backspace")
        assert d.view.cursor == ("logits", (3, 4))


async def test_another_tensors_cell_at_the_same_place_is_followed_anew() -> None:
    program = "a = torch.ones(2, 2)\nb = a * 2\nc = b + 1\n"
    async with opened(lesson(f"Two.\n\n```python\n{program}```\n")) as d:
        await d.press("dollar_sign", "c", "I")
        assert d.view.follows == FollowedCell("lineage", "c", (1, 1))
        await d.press("backspace", "b", "dollar_sign", "c", "I")
        assert d.view.follows == FollowedCell("lineage", "b", (1, 1))


async def test_a_cell_of_a_box_is_asked_and_the_map_is_there_again() -> None:
    async with opened("why", stop=2) as d:
        await d.press("down", "down", "c")
        assert d.has(depth="cells")
        assert d.view.cursor is not None
        await d.press("backspace")
        assert d.has(depth="map", box=("block:1",), cursor=None)


async def test_the_backward_pass_has_the_same_boxes_in_the_other_order() -> None:
    async with opened("why", stop=2) as d:
        await d.press("down", "down", "down", "enter", "w")
        assert d.has(backward=True, depth="map", box=("block:2", "norm:1"))
        run = d.session.current
        assert run is not None
        assert run.navigation(d.view).boxes(("block:2",))[::2] == ("mlp", "dx_85", "norm:1")
        await d.press("w", "enter", "enter")
        assert d.has(backward=False, depth="operations")


async def test_a_part_of_a_softmax_is_not_followed() -> None:
    async with opened(lesson("Softmax.\n\n```python\ny = torch.softmax(torch.randn(2, 3), -1)\n```\n")) as d:
        await d.press("enter", "c", "I")
        assert d.has(follows=None)
        assert "go out of this part first" in d.screen


async def test_a_click_selects_a_box_and_a_second_goes_in() -> None:
    async with opened("why", stop=2) as d:
        y = next(y for y, text in enumerate(d.rows) if "block:2" in text)
        x = d.rows[y].index("block:2")
        await d.pilot.click(offset=(x, y))
        await d.settle()
        assert d.has(box=("block:2",))
        await d.pilot.click(offset=(x, y))
        await d.settle()
        assert d.has(box=("block:2", "norm:1"))


async def test_a_control_keeps_the_place_on_the_map() -> None:
    async with opened("why", stop=2) as d:
        await d.press("down", "down", "enter", "right_square_bracket")
        assert d.view.box == ("block:1", "norm:1")
        assert "(4, 16)" in d.screen


async def test_any_program_has_a_map() -> None:
    async with opened("matmul") as d:
        await d.press("escape", "escape")
        assert d.has(depth="map", box=("Y",))
        await d.press("enter", "enter", "right")
        assert d.has(depth="cells", step=1)


def test_the_command_that_reopens_a_place_on_the_map() -> None:
    why = View.opening(find("why"), 2)
    deep = at(why, *HEAD, "P")
    lit = replace(deep, follows=FollowedCell("reach", "x:1", (0, 1)))
    off = replace(View.opening(find("why"), 5), follows=None)
    for view in (why, deep, lit, off, replace(why, depth="cells"), at(View.opening(find("matmul")), "W")):
        words = command(view).split()[1:]
        assert view_of(app_parser().read([word.strip("'") for word in words])) == view, command(view)
