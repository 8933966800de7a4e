"""The map as a table, and the way to the first number that is not finite."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import trace
from llm_linalg.analysis.summary import summary
from llm_linalg.base.text import clean
from llm_linalg.lessons.external import of_function
from llm_linalg.lessons.lesson import Lesson, lesson_of
from llm_linalg.lessons.reader import find
from tests.app.driving import opened
from tests.common import known
from tests.engine.test_summary import Model
from tests.two_blocks import TWO_BLOCKS
from tui.compose import key_budget
from tui.compose.view_runner import open_view
from tui.export.html_parts import picture
from tui.model.map_table import COLUMNS, TABLES, MapTable, TableRow, cell_text, count_text, facts_of
from tui.model.view import View
from tui.navigation import steps as player
from tui.navigation.playground import playground_view
from tui.panes.map_table_pane import table_rows
from tui.render.json_text import frame_object
from tui.render.plain import to_plain
from tui.text.glyphs import ASCII, UNICODE
from tui.text.rows import width_of

IDS = torch.arange(6).reshape(1, 6)
UNSEEN = {"seconds"}  # never the same twice


def model() -> Lesson:
    torch.manual_seed(0)
    return lesson_of(of_function(Model(), (IDS,), ("trace", "m.py:Model")), "Model")


def at(view: View, *box: str, look: str = "sizes", sort: str = "") -> View:
    return replace(view, depth="map", box=box, look=look, sort=sort)  # type: ignore[arg-type]


def table(view: View) -> MapTable:
    return known(known(open_view(view).frame(view).stage.map).table)


# What is told.


def test_rows_are_those_of_the_summary_and_alike_layers_are_one() -> None:
    view = View.opening(model())
    shown = table(at(view, "blocks", "1"))
    assert [(row.label, row.boxes, row.opens) for row in shown.rows] == [("0…2 ×3", ("0", "1", "2"), True)]
    assert shown.row == 0
    torch.manual_seed(0)
    rows = {row.path: facts_of(row) for row in summary(trace(Model(), IDS))}
    whole, layers = rows["blocks"], shown.rows[0].facts
    assert {name: layers[name] for name in layers if name not in UNSEEN} == {
        name: whole[name] for name in whole if name not in UNSEEN
    }
    assert shown.sentence.startswith("3 that are alike count together; ↵ goes into 1. params: ")
    inside = table(at(view, "blocks", "1", "mlp"))
    told = {str(row.label): row.facts for row in inside.rows}
    assert told["mlp"]["bytes"] == rows["blocks.1.mlp"]["bytes"]
    assert told["mlp"]["zeros"] == rows["blocks.1.mlp"]["zeros"]


def test_multiplications_that_no_rule_counts_are_a_question_that_is_explained() -> None:
    def solved(x: Tensor) -> Tensor:
        return torch.mm(torch.linalg.inv(x), x)

    lesson = lesson_of(of_function(solved, (torch.eye(3),), ("trace", "m.py:solved")), "solved")
    shown = table(at(View.opening(lesson), "matmul_2"))
    assert [cell_text(row.facts, "products") for row in shown.rows] == ["", "?", "27"]
    assert "? mults: no rule counts them." in shown.sentence


def test_what_comes_in_has_values_and_costs_nothing() -> None:
    ids = next(row for row in table(at(View.opening(model()), "ids")).rows if row.label == "ids")
    assert (ids.shape, ids.dtype) == ("1×6", "i64")
    assert (ids.facts["max_abs"], ids.facts["zeros"], ids.facts["parameters"]) == (5.0, 0.166667, 0)
    assert [cell_text(ids.facts, name) for name in TABLES["sizes"]] == ["", "", "", ""]


@pytest.mark.parametrize("sort", COLUMNS)
def test_any_column_sorts(sort: str) -> None:
    shown = table(at(View.opening(model()), "blocks", "1", "mlp", "0", look="values", sort=sort))
    sizes = [row.facts[sort] for row in shown.rows]
    assert sizes == sorted(sizes, reverse=sort != "min_abs")
    assert "0" in shown.rows[shown.row].boxes


def test_steps_go_from_row_to_row_as_they_are_sorted() -> None:
    view = at(View.opening(model()), "blocks", "0", "norm", sort="products")
    run = open_view(view)
    labels = [row.label for row in known(known(run.frame(view).stage.map).table).rows]
    view, seen = player.goto(view, run.navigation(view), 1), []
    for _ in labels:
        frame = run.frame(view)
        seen.append((frame.place.step, view.box[-1]))
        view = player.forward(view, run.navigation(view))
    assert [step for step, _ in seen] == [*range(1, len(labels) + 1)]
    assert seen[0][1] == "mlp"


@pytest.mark.parametrize("box", ["0", "1", "2"])
def test_beyond_the_ends_of_a_table_no_step_changes_which_box_of_a_row_is_meant(box: str) -> None:
    view = at(View.opening(model()), "blocks", box)
    navigation = open_view(view).navigation(view)
    assert player.forward(view, navigation) == view == player.goto(view, navigation, 1)


def test_in_words_in_json_and_on_a_page() -> None:
    view = at(View.opening(TWO_BLOCKS, 2), "block:2", look="values", sort="max_abs")
    frame = open_view(view).frame(view)
    text = to_plain(frame)
    assert "> block:1…2 ×2; shape 4×8; float32; max |x| 3.14" in text
    assert "share of zeros." in " ".join(text.split())
    first = at(view, "tokens")
    assert open_view(first).frame(first).captions.prose == ""
    record = json.loads(json.dumps(frame_object(frame)))
    rows = record["map"]["table"]["rows"]
    assert (record["look"], record["map"]["table"]["sort"], record["map"]["box"]) == (
        "values", "max_abs", "block:2",
    )  # fmt: skip
    assert next(row for row in rows if row["boxes"] == ["block:1", "block:2"])["nan"] == 0
    page = picture(frame)
    assert '<tr class="now" aria-current="true"><th scope="row">block:1…2 ×2</th><td>4×8</td>' in page


def test_what_is_stopped_is_not_known() -> None:
    view = at(View.opening(model()), "blocks")
    run = open_view(replace(view, look="numbers"))
    run.tables.find(view, lambda: True)
    shown = known(known(run.frame(view).stage.map).table)
    assert [cell_text(shown.rows[1].facts, name) for name in ("bytes", "seconds", "nan")] == ["?", "?", "?"]
    assert shown.sentence.startswith("? was not computed")


# How it is drawn.

LABELS = st.text("abc.é漢", min_size=1, max_size=30).map(clean)


def drawn_row(label: str, number: int) -> TableRow:
    facts: dict[str, object] = dict.fromkeys(COLUMNS, number)
    return TableRow(
        clean(label), (label,), bool(number % 2), facts | {"shape": (number, 4), "dtype": "float32"}
    )


@given(st.lists(LABELS, min_size=1, max_size=20), st.data())
def test_at_any_size_it_fits_and_the_row_is_there(labels: list[str], data: st.DataObject) -> None:
    rows = tuple(drawn_row(label, 10 ** (k % 17)) for k, label in enumerate(labels))
    place = data.draw(st.integers(0, len(rows) - 1))
    width, height = data.draw(st.sampled_from([(60, 12), (24, 3), (40, 6), (120, 40)]))
    for look in ("sizes", "values"):
        shown = MapTable(look, rows, place, data.draw(st.sampled_from(["", *COLUMNS])), clean("box"))
        for glyphs in (UNICODE, ASCII):
            lines = table_rows(shown, width, height, glyphs)
            assert len(lines) <= height
            assert all(width_of(line) <= width for line in lines)
            assert sum(span.text.startswith(glyphs.pointer) for line in lines for span in line) == 1


@pytest.mark.parametrize("power", range(1, 18))
def test_a_count_has_three_digits_at_most_and_is_right_to_half_of_the_last(power: int) -> None:
    for parts in (1, 1998, 1999, 2000):
        number = max(1, 10**power * parts // 2000)
        digits, unit = known(re.fullmatch(r"(\d{1,3}|\d{1,2}\.\d)([kMGTP]?)", count_text(number))).groups()
        one = 1000 ** (" kMGTP".index(unit) if unit else 0)
        assert abs(float(digits) * one - number) <= 0.501 * one / (10 if "." in digits else 1)


# Keys.


@pytest.mark.slow
async def test_the_selected_box_stays_selected_through_the_tables() -> None:
    async with opened(model()) as d:
        await d.press("M", "escape", "up")
        assert d.has(box=("blocks",))
        await d.press("enter", "down", "v")
        assert d.has(look="sizes", box=("blocks", "1"))
        assert "▸ 0…2 ×3 ›" in d.screen
        assert "kept B" in d.screen
        await d.press("v")
        assert "max |x|" in d.screen
        assert d.has(look="values", box=("blocks", "1"))
        await d.press("v")
        assert d.has(look="numbers", box=("blocks", "1"))
        await d.press("v", "enter")
        assert d.has(box=("blocks", "1", "norm"), depth="map")


@pytest.mark.slow
async def test_a_key_sorts_by_the_next_column_and_at_last_by_none() -> None:
    async with opened(model()) as d:
        await d.press("M", "v")
        seen = []
        for _ in range(5):
            await d.press("o")
            seen.append(d.view.sort)
        assert seen == [*TABLES["sizes"], ""]
        await d.press("o", "v")
        assert "by params" in d.screen


def test_a_long_trace_is_summed_up_by_its_run_and_not_at_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View.opening(model())
    run, asked = open_view(view), at(view, "blocks")
    monkeypatch.setattr(key_budget, "AT_A_KEY_CELLS", 1)
    assert not run.serves(asked)
    again = open_view(asked)
    assert again.serves(asked)
    assert again.frame(asked).stage.look == "sizes"


# The first number that is not finite.


class Divides(nn.Module):
    """Divides by what is 0 in one place."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns NaN where x is 0."""
        y = x / x
        return y * 2


def divides() -> Lesson:
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 5.0]])
    return lesson_of(of_function(nn.Sequential(nn.Identity(), Divides()), (x,)), "divides")


async def test_the_first_that_is_not_finite_is_told_and_one_key_leads_there() -> None:
    async with opened(divides()) as d:
        assert "! leads to the first NaN: y in 1, test_map_table.py:" in d.screen
        await d.press("M")
        assert "! NaN" in d.screen
        await d.press("exclamation_mark")
        assert d.has(depth="cells", cursor=("y", (1, 1)))
        assert "NaN begins here: y[1,1] = 0 / 0 = nan" in d.screen
        await d.press("backspace")
        assert d.has(depth="map", cursor=None)


async def test_a_weight_that_is_not_finite_is_the_first() -> None:
    """Of a checkpoint that was damaged: what is made from it has no beginning of its own."""
    last = nn.Linear(4, 2)
    with torch.no_grad():
        last.bias[1] = float("nan")
    net = nn.Sequential(nn.Linear(3, 4), last)
    async with opened(lesson_of(of_function(net, (torch.ones(2, 3),)), "damaged")) as d:
        assert "! leads to the first NaN: " in d.screen
        await d.press("exclamation_mark")
        assert known(d.view.cursor)[1] == (1,)
        assert "1.bias[1] = nan" in d.screen


class Root(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        r = torch.sqrt(x)
        return torch.where(x > 0, r, x * 0)


def test_the_first_gradient_that_is_not_finite_is_found_where_the_numbers_are() -> None:
    net = nn.Sequential(nn.Identity(), Root())
    view = View.opening(lesson_of(of_function(net, (torch.tensor([4.0, 0.0, 1.0]),)), "root"))
    assert open_view(view).first_not_finite is None
    first = known(open_view(replace(view, backward=True)).first_not_finite)
    assert (first.op, known(first.forward_node).op, first.scope) == ("div", "sqrt", "1")


async def test_it_is_told_once() -> None:
    async with opened(divides()) as d:
        await d.press("M")
        before = d.session.last_run
        await d.press("s")
        assert d.session.last_run is not before
        assert "leads to" not in d.screen


def test_a_lesson_shows_its_own_and_the_playground_tells() -> None:
    code = "x = torch.zeros(2)\ny = x / x"
    assert known(open_view(playground_view(code)).first_not_finite).name == "y"
    view = replace(View.opening(find("matmul")), code=code)
    assert open_view(view).first_not_finite is None
    assert open_view(playground_view("x = torch.ones(2) / 2")).first_not_finite is None
