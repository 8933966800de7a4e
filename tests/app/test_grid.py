"""The mask workbench: cells that are turned over, sums beside the rows, and why a row is NaN."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg.lessons.check import problems
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import catalog, find, parse
from tests.app.driving import opened
from tests.app.lessons import shell_split
from tests.common import known
from tui.cli.parser import app_parser
from tui.compose.mask_editing import flip_entry, mask_entry
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.model.view import View
from tui.model.view_words import command, view_of
from tui.plain_prompt import PlainPrompt
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.session.commands import run
from tui.session.contexts import Context
from tui.session.script.running import ensure_run
from tui.session.session import Session
from tui.widgets.matrix import Matrix

KINDS = ["tril", "triu", "band", "custom"]


def session(stop: int = 1, **controls: str) -> Session:
    view = View.opening(find("causal"), stop)
    for name, text in controls.items():
        view = view.set(name, text)
    return ensure_run(Session.start(view, catalog()))


def on(state: Session, name: str, *index: int) -> Session:
    return replace(state, view=replace(state.view, cursor=(name, index)))


def allowed(state: Session) -> torch.Tensor:
    return known(known(state.current).trace)["allowed"].value


@pytest.mark.parametrize("kind", KINDS)
@given(cells=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5))
@settings(max_examples=4, deadline=None)
def test_cells_are_turned_over_from_whatever_mask_there_is(kind: str, cells: list[tuple[int, int]]) -> None:
    state = session(mask=kind)
    wanted = allowed(state).clone()
    first = state.view
    for i, j in cells:
        wanted[i, j] = 1 - wanted[i, j]
        state = ensure_run(run(on(state, "allowed", i, j), "cell.turn"))
        assert torch.equal(allowed(state), wanted)
        assert dict(state.view.controls)["mask"] == "custom"
        assert state.view.cursor == ("allowed", (i, j))
    assert view_of(app_parser().read(shell_split(command(state.view))[1:])) == state.view
    for _ in cells:
        state = ensure_run(run(state, "undo"))
    assert replace(state.view, cursor=None) == first


def test_the_scores_and_the_weights_stand_for_the_mask_too_but_nothing_of_another_shape() -> None:
    state = on(session(3), "P", 0, 2)
    assert Context.MASK_CURSOR in state.contexts
    after = ensure_run(run(state, "cell.turn"))
    assert allowed(after)[0].tolist() == [1, 0, 1, 0]
    assert Context.MASK_CURSOR not in on(session(4), "sums", 0, 0).contexts
    assert Context.MASK_CURSOR not in session(3).contexts
    plain = on(ensure_run(Session.start(View.opening(find("matmul")), catalog())), "Y", 0, 0)
    assert run(plain, "cell.turn") == plain
    assert mask_entry(known(plain.current), plain.view) is None


def test_a_control_that_another_sets_is_in_the_command_even_at_its_default() -> None:
    view = View.opening(find("causal")).set("custom", "1000/0100/0010/0001").set("mask", "tril")
    again = view_of(app_parser().read(shell_split(command(view))[1:]))
    assert again.controls == view.controls
    band = View.opening(find("causal")).set("mask", "band").set("offset", "0")
    assert view_of(app_parser().read(shell_split(command(band))[1:])) == band


@pytest.mark.slow
async def test_the_key_and_a_second_click_turn_the_cell_under_the_cursor() -> None:
    async with opened("causal") as d:
        await d.press("dollar_sign", "c", "up", "space")
        assert dict(d.view.controls)["custom"] == "1000/1100/0110/1111"
        assert dict(d.view.controls)["mask"] == "custom"
        assert "space 0 or 1" in d.rows[-1]
        await d.press("u")
        assert dict(d.view.controls)["mask"] == "tril"
        grid = next(m for m in d.app.screen.query(Matrix) if m.panel and m.panel.name == "allowed")
        for expected in ("tril", "custom"):
            await d.pilot.click(grid, offset=(known(grid.slot).cell * 3 + 1, 0))
            await d.settle()
            assert dict(d.view.controls)["mask"] == expected
        assert dict(d.view.controls)["custom"] == "1001/1100/1110/1111"


def test_the_session_of_lines_has_a_word_for_it() -> None:
    texts: list[str] = []
    plain = PlainPrompt(View.opening(find("causal")), catalog(), texts.append)
    assert plain.hear("turn 0 3")
    assert dict(plain.session.view.controls)["custom"] == "1001/1100/1110/1111"
    assert plain.hear("turn allowed 0 3")
    assert dict(plain.session.view.controls)["custom"] == "1000/1100/1110/1111"
    assert plain.missed == 0
    assert plain.hear("set custom 0000/1100/1110/1111")
    assert plain.hear("lesson matmul")
    assert plain.hear("turn 0 0")
    assert plain.missed == 1


@pytest.mark.parametrize(("stop", "name"), [(1, "allowed"), (3, "P")])
@pytest.mark.parametrize("order", ["rows", "cells"])
def test_the_sums_beside_the_rows_are_torchs_and_come_with_the_row(stop: int, name: str, order: str) -> None:
    opening = replace(View.opening(find("causal"), stop), order=order)
    run_ = open_view(opening)
    sums = known(run_.trace)[name].value.sum(-1)
    steps = run_.navigation(opening).length(order)
    for step in range(steps + 1):
        frame = run_.frame(replace(opening, step=step))
        panel = frame.stage.panels[-1]
        assert (panel.role, panel.name) == ("margin", f"{name}.sum(-1)")
        done = step * 4 // steps
        values = [row[0] for row in panel.cells.values(range(4), range(1))]
        assert values[:done] == sums[:done].tolist()
        assert values[done:] == [None] * (4 - done)
        assert f"{name}.sum(-1)" in to_plain(frame)


def test_sums_stand_only_beside_the_node_that_the_stop_shows() -> None:
    view = replace(View.opening(find("causal"), 3), path=("cut_off",))
    assert all(panel.role != "margin" for panel in open_view(view).frame(view).stage.panels)


def masked_whole() -> tuple[Run, View]:
    view = View.opening(find("causal"), 3).set("place", "before").set("custom", "0000/1100/1110/1111")
    return open_view(view), view


def test_a_row_masked_whole_says_why_it_is_nan() -> None:
    run_, view = masked_whole()
    frame = run_.frame(replace(view, step=1))
    why = "All 4 cells of cut_off that it reads are -inf: below[0,0] = -inf - (-inf) = nan"
    assert frame.captions.sentence.startswith(why)
    assert json.loads(to_json(frame))["margin"] == {"name": "P.sum(-1)", "values": ["nan", None, None, None]}
    assert why not in run_.frame(replace(view, step=2)).captions.sentence
    asked = run_.frame(replace(view, step=4, cursor=("P", (0, 2))))
    assert asked.cursor is not None
    assert asked.cursor.nan_reason == why.replace("[0,0]", "[0,2]")
    assert asked.cursor.nan_reason in asked.cursor.lines


LESSON = """\
+++
title = "Own"
[controls.own]
default = [[1, 0], [1, 1]]
edits = "M"
+++
Hi.

```python show="M"
M = torch.tensor(own)
```
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "[[1, 0], [1, 1]]",
            "[[1, 0], [1]]",
            "own takes rows of 0 and 1, all of one length, at most 16 by 16",
        ),
        ("[[1, 0], [1, 1]]", "[[1, 2], [1, 1]]", "own takes rows of 0 and 1"),
        ("[[1, 0], [1, 1]]", "[1, 2]", "edits belongs to a grid"),
        ('edits = "M"', "step = 2", "rows of 0 and 1 have no step"),
        ('show="M"', 'show="M" margin="sun"', 'unknown margin "sun": did you mean "sum"?'),
    ],
)
def test_what_is_no_grid_is_said_with_its_line(old: str, new: str, said: str) -> None:
    assert problems(parse(LESSON, "own.md")) == ()
    with pytest.raises(LessonError, match=said.replace("?", "[?]")):
        parse(LESSON.replace(old, new), "own.md")


@pytest.mark.parametrize("text", ["10", "1a/11", "101/111", "10/11/11", "", "10/1"])
def test_a_text_that_is_no_grid_is_refused_with_what_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match="own takes 2 rows of 2 digits 0 and 1, such as 10/11, not"):
        parse(LESSON, "own.md").control("own").parse(text)


def test_more_and_less_fill_a_grid() -> None:
    control = parse(LESSON, "own.md").control("own")
    assert control.move(control.default, 1) == ((1, 1), (1, 1))
    assert control.move(control.default, -1) == ((0, 0), (0, 0))


BATCH = (
    LESSON.partition("Hi.")[0]
    + """\
## One
```python show="Y"
M = torch.tensor(own)
Y = torch.ones(2, 2, 2) * M
```
"""
)


def test_a_cell_of_a_batch_stands_for_the_entry_at_its_last_axes() -> None:
    view = View.opening(replace(parse(BATCH, "grid.md"), is_own=True))
    view = replace(view, cursor=("Y", (0, 1, 0)))
    made = known(ensure_run(Session.start(view, [view.lesson])).current)
    assert dict(flip_entry(made, view).controls)["own"] == "10/01"
