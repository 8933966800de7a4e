"""The map: levels of boxes, going in and out, how it is drawn, and the way of a cell that is followed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from llm_linalg.lessons.reader import catalog, find
from llm_linalg.lessons.stop import FollowedCell
from tests.app.driving import lesson, opened
from tests.common import known
from tests.thinning import thin
from tests.two_blocks import TWO_BLOCKS
from tui.cli.parser import app_parser
from tui.compose.view_check import check_view
from tui.compose.view_runner import open_view
from tui.export.html_parts import picture
from tui.model.frame import CellMark
from tui.model.map_view import BoxRow, MapView, percent
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import command, view_of
from tui.navigation import map_moves
from tui.navigation import steps as player
from tui.navigation.playground import playground_view
from tui.panes.map_pane import RAILS, map_rows, rails_of
from tui.render.json_text import frame_object
from tui.render.plain import to_plain
from tui.text.glyphs import ASCII, UNICODE, Glyphs
from tui.text.rows import width_of

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
    return known(open_view(view).frame(view, ascii_only=ascii_only).stage.map)


def at(view: View, *box: str) -> View:
    return replace(view, depth="map", box=box)


# Going about it.


def test_in_and_out_at_every_level_of_the_model() -> None:
    view = View.opening(TWO_BLOCKS, 2)
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


@pytest.mark.parametrize("slug", thin([one.slug for one in catalog()], 4))
def test_every_node_of_every_lesson_is_on_the_map(slug: str) -> None:
    found = find(slug)
    view = View.opening(found, len(found.stops))
    run = open_view(view)
    navigation = run.navigation(view)
    for name in navigation.siblings:
        there = player.out(replace(view, path=(name,), depth="operations"), navigation)
        assert there.depth == "map"
        shown = known(run.frame(there).stage.map)
        assert not shown.selection.foreign


# What is told.


def test_boxes_are_live_and_share_the_multiplications() -> None:
    shown = level(View.opening(TWO_BLOCKS, 2))
    labels = ["tokens", "embed", "block:1", "block:2", "norm", "logits", "chances"]
    assert [row.label for row in shown.rows] == labels
    assert sum(row.share for row in shown.rows) == pytest.approx(1)
    wide = level(View.opening(TWO_BLOCKS, 2).set("d_model", "64").set("seq_len", "7"))
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
    view = at(View.opening(TWO_BLOCKS, 2), *HEAD, "P")
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
    view = replace(View.opening(TWO_BLOCKS, 2), depth="operations", path=("P:1",),
                   follows=FollowedCell("lineage", "logits", (2, 3)), look="heat")  # fmt: skip
    run = open_view(view)
    frame = run.frame(view)
    panel = known(frame.stage.panel("P"))
    cells = panel.cells.window(range(4), range(4))
    marked = {(i, j) for i in range(4) for j in range(4) if CellMark.SOURCE in cells[i][j].mark}
    assert marked == {(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)}
    node = known(run.trace.node_named("P:1") if run.trace is not None else None)
    slopes = known(run.trace).influence("logits", (2, 3))[node]
    heats = [cell.level for cell in cells[2]]
    ratio = (heats[1] or 0.0) / float(slopes[2, 1])
    assert heats[:3] == pytest.approx([ratio * float(slopes[2, j]) for j in range(3)])
    assert heats[3:] == [None]  # they are masked: nothing comes from there
    assert [size[:2] for _, size in frame.stage.scales] == ["∂ "]
    cell = known(run.frame(replace(view, cursor=("P", (2, 1)))).cursor)
    assert cell.relation == f"∂logits[2,3] / ∂P[2,1] = {float(slopes[2, 1]):.6g}"
    other = known(run.frame(replace(view, cursor=("P", (3, 0)))).cursor)
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


@pytest.mark.slow
async def test_a_lesson_is_opened_from_its_box_and_left_again() -> None:
    async with opened(TWO_BLOCKS, stop=2) as d:
        await d.press("down", "down", "L")
        assert d.view.lesson.slug == "block"
        await d.press("backspace")
        assert (d.view.lesson.slug, d.view.box) == (TWO_BLOCKS.slug, ("block:1",))
        await d.press("up", "up", "L")
        assert "No lesson is about tokens here" in d.screen


@pytest.mark.slow
async def test_a_cell_is_followed_and_comes_back() -> None:
    async with opened(TWO_BLOCKS, stop=2) as d:
        await d.press("down", "down", "down", "down", "down", "enter", "enter", "dollar_sign", "c", "I")
        assert d.has(depth="map", follows=FollowedCell("lineage", "logits", (3, 4)))
        assert "logits[3,4] depends on" in d.screen
        await d.press("I")
        assert d.view.follows == FollowedCell("reach", "logits", (3, 4))
        await d.press("I")
        assert d.has(follows=None)
        await d.press("backspace")
        assert d.view.cursor == ("logits", (3, 4))


@pytest.mark.slow
async def test_another_tensors_cell_at_the_same_place_is_followed_anew() -> None:
    program = "a = torch.ones(2, 2)\nb = a * 2\nc = b + 1\n"
    async with opened(lesson(f"Two.\n\n```python\n{program}```\n")) as d:
        await d.press("dollar_sign", "c", "I")
        assert d.view.follows == FollowedCell("lineage", "c", (1, 1))
        await d.press("backspace", "b", "dollar_sign", "c", "I")
        assert d.view.follows == FollowedCell("lineage", "b", (1, 1))


@pytest.mark.slow
async def test_the_backward_pass_has_the_same_boxes_in_the_other_order() -> None:
    async with opened(TWO_BLOCKS, stop=2) as d:
        await d.press("down", "down", "down", "enter", "w")
        assert d.has(backward=True, depth="map", box=("block:2", "norm:1"))
        run = known(d.session.current)
        assert run.navigation(d.view).boxes(("block:2",))[::2] == ("mlp", "dx_85", "norm:1")
        await d.press("w", "enter", "enter")
        assert d.has(backward=False, depth="operations")


async def test_a_part_of_a_softmax_is_not_followed() -> None:
    async with opened(lesson("Softmax.\n\n```python\ny = torch.softmax(torch.randn(2, 3), -1)\n```\n")) as d:
        await d.press("enter", "c", "I")
        assert d.has(follows=None)
        assert "go out of this part first" in d.screen


async def test_a_click_selects_a_box_and_a_second_goes_in() -> None:
    async with opened(TWO_BLOCKS, stop=2) as d:
        y = next(y for y, text in enumerate(d.rows) if "block:2" in text)
        x = d.rows[y].index("block:2")
        await d.pilot.click(offset=(x, y))
        await d.settle()
        assert d.has(box=("block:2",))
        await d.pilot.click(offset=(x, y))
        await d.settle()
        assert d.has(box=("block:2", "norm:1"))


def test_the_command_that_reopens_a_place_on_the_map() -> None:
    why = View.opening(find("why"), 2)
    deep = at(why, "block", "head", "P")
    lit = replace(deep, follows=FollowedCell("reach", "x:1", (0, 1)))
    off = replace(View.opening(find("why"), 5), follows=None)
    for view in (why, deep, lit, off, replace(why, depth="cells"), at(View.opening(find("matmul")), "W")):
        words = command(view).split()[1:]
        assert view_of(app_parser().read([word.strip("'") for word in words])) == view, command(view)


def drawn(shown: MapView, width: int = 60, height: int = 12, glyphs: Glyphs = UNICODE) -> list[str]:
    rows = map_rows(shown, width, height, glyphs)
    assert len(rows) <= height
    assert all(width_of(row) <= width for row in rows)
    return ["".join(span.text for span in row).rstrip() for row in rows]


def row(name: str, *, lit: int | None = None) -> BoxRow:
    return BoxRow(name, clean(name), "add", (2,), False, False, 1, 4, 0.5, 0, lit=lit, cells=2)


@given(st.integers(1, 30), st.data())
def test_whatever_reads_whatever_it_fits_and_the_box_is_there(count: int, data: st.DataObject) -> None:
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] < p[1])
    arrows = data.draw(st.lists(pairs, max_size=40, unique=True)) if count > 1 else []
    place = data.draw(st.integers(0, count - 1))
    shown = MapView((), tuple(row(f"box{k}") for k in range(count)), tuple(sorted(arrows)), place)
    width, height = data.draw(st.sampled_from([(60, 12), (40, 3), (30, 6), (120, 40)]))
    for glyphs in (UNICODE, ASCII):
        lines = drawn(shown, width, height, glyphs)
        assert any(f"{glyphs.pointer} box{place}" in line for line in lines)
        assert glyphs is UNICODE or "".join(lines).isascii()
    tracks = rails_of(shown.arrows, range(count))
    assert len(tracks) <= RAILS
    for track in tracks:
        taken = [set(range(rail.source, rail.last + 1)) for rail in track]
        assert sum(map(len, taken)) == len(set().union(*taken))


def test_for_large_letters_a_box_is_its_name_shape_and_share() -> None:
    shown = MapView((), tuple(row(f"box{k}") for k in range(9)), ((0, 1), (0, 5)), 6)
    rows = map_rows(shown, 30, 6, UNICODE, large=True)
    lines = ["".join(span.text for span in line) for line in rows]
    assert len(lines) == 6
    assert max(map(len, lines)) <= 30
    assert [line.split()[-3:] for line in lines if "▸" in line] == [["box6", "(2,)", "50%"]]
    assert "multiplications" not in "".join(lines)


def test_a_residual_is_an_arrow_past_the_box() -> None:
    view = at(View.opening(TWO_BLOCKS, 2), "block:1", "attention")
    lines = drawn(level(view))
    x, norm, attention, added = (next(line for line in lines if word in line) for word in
                                 ("  x  ", "norm:1", "attention", "↓  x"))  # fmt: skip
    assert "╭" in x
    assert "│" in norm
    assert "│" in attention
    assert "┴" in added or "╰" in added
    assert "→↓  x" in added
    assert "▸ attention ›" in attention


def test_what_is_followed_is_heavy_and_counted() -> None:
    view = replace(
        at(View.opening(TWO_BLOCKS, 2), "block:1", "attention"),
        follows=FollowedCell("lineage", "logits", (2, 3)),
    )
    shown = level(view)
    assert shown.question == "logits[2,3] depends on"
    assert [(r.label, r.lit) for r in shown.rows][:3] == [("x", 24), ("norm:1", 24), ("attention", 24)]
    lines = drawn(shown)
    assert any("┏" in line for line in lines)
    assert any("24/32" in line for line in lines)
    assert "#" in "".join(drawn(level(view, ascii_only=True), glyphs=ASCII))
    sentence = shown.sentence
    assert sentence.startswith(
        "logits[2,3] depends on 24 of the 32 cells here: nudge one a little, and logits[2,3] moves by up to "
    )


def test_a_followed_cell_is_told_at_its_own_box_and_on_the_way_to_others() -> None:
    code = "x = torch.tensor([1.0, 2.0])\ny = 3 * x\nz = y + 1\nk = x.round()"
    view = playground_view(code)

    def told(way: Literal["lineage", "reach"], name: str, box: str) -> str:
        return level(replace(at(view, box), follows=FollowedCell(way, name, (1,)))).sentence

    assert told("lineage", "y", "y").startswith("This is y[1] itself: go up to see what it is made of. ")
    assert told("reach", "y", "y").startswith("This is y[1] itself: go down to see what it feeds. ")
    assert told("lineage", "z", "y").startswith(
        "z[1] depends on 1 of the 2 cells here: nudge one a little, and z[1] moves by up to as much. "
    )
    assert told("reach", "x", "z").startswith(
        "x[1] feeds 1 of the 2 cells here: nudge it a little, and one of them moves by up to 3 times as much"
    )
    assert told("lineage", "z", "k").startswith("z[1] depends on none of the 2 cells here. ")


def test_much_from_outside_is_one_row() -> None:
    view = replace(at(View.opening(TWO_BLOCKS, 2), "block:2", "mlp"), backward=True)
    shown = level(view)
    assert [(one.label, one.sizes) for one in shown.rows[:2]] == [("29 from outside", ""), ("mlp", "(4, 8)")]
    assert shown.place == (1, 5)
    assert shown.reads(1) == ("29 from outside",)
    assert all(source < target for source, target in shown.arrows)


def test_a_page_has_the_level_as_a_table() -> None:
    view = replace(
        at(View.opening(TWO_BLOCKS, 2), "block:1", "mlp"), follows=FollowedCell("lineage", "logits", (2, 3))
    )
    frame = open_view(view).frame(view)
    page = picture(frame)
    assert "<caption>map › block:1 logits[2,3] depends on</caption>" in page
    assert '<tr class="now" aria-current="true"><th scope="row">mlp</th><td>(4, 8)</td><td>24/32</td>' in page
    assert "multiplications" not in page.partition("</table>")[0]
