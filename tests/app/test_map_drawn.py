"""How a level of the map is drawn: boxes, what reads what, and the way of a cell that is followed."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from llm_linalg.lessons.reader import FollowedCell, find
from tests.app.test_map import at, level
from tui.compose.view_runner import open_view
from tui.export.html_parts import picture
from tui.model.map_view import BoxRow, MapView
from tui.model.view import View
from tui.navigation.playground import playground_view
from tui.panes.map_pane import RAILS, map_rows, rails_of
from tui.text.glyphs import ASCII, UNICODE, Glyphs
from tui.text.rows import width_of


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
    view = at(View.opening(find("why"), 2), "block:1", "attention")
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
        at(View.opening(find("why"), 2), "block:1", "attention"),
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
    view = replace(at(View.opening(find("why"), 2), "block:2", "mlp"), backward=True)
    shown = level(view)
    assert [(one.label, one.sizes) for one in shown.rows[:2]] == [("29 from outside", ""), ("mlp", "(4, 8)")]
    assert shown.place == (1, 5)
    assert shown.reads(1) == ("29 from outside",)
    assert all(source < target for source, target in shown.arrows)


def test_a_page_has_the_level_as_a_table() -> None:
    view = replace(
        at(View.opening(find("why"), 2), "block:1", "mlp"), follows=FollowedCell("lineage", "logits", (2, 3))
    )
    frame = open_view(view).frame(view)
    page = picture(frame)
    assert "<caption>map › block:1 logits[2,3] depends on</caption>" in page
    assert '<tr class="now" aria-current="true"><th scope="row">mlp</th><td>(4, 8)</td><td>24/32</td>' in page
    assert "multiplications" not in page.partition("</table>")[0]
