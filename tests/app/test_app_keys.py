"""Keys and the mouse, and what they do: motion, controls, undo, looks, sharing, the cell cursor."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.app.driving import Driver, lesson, opened
from tests.app.lessons import opened as program
from tests.common import known
from tests.terminal.evil import ALL, EVIL, HIDDEN, LINE
from tui.model.view import END
from tui.model.view_words import command, shell_line
from tui.navigation import steps
from tui.navigation.playground import PLAYGROUND
from tui.panes.text_pane import about_cell
from tui.panes.transport import Bar
from tui.session.session import EditorState
from tui.widgets.matrix import Matrix


async def test_steps_go_forward_back_first_and_last() -> None:
    async with opened("matmul") as d:
        assert d.view.step == 0
        await d.press("right", "right", "right")
        assert d.view.step == 3
        assert "Y[0,2] = 1.5410·(-0.7193) + [-0.2934·(-0.8567)]" in d.screen
        assert "3/12" in d.screen
        await d.press("left")
        assert d.view.step == 2
        await d.press("dollar_sign")
        assert d.view.step == 12
        await d.press("right")
        assert d.view.step == 12
        await d.press("0")
        assert d.view.step == 0
        await d.press("left")
        assert d.view.step == 0


@pytest.mark.slow
async def test_goto_takes_a_number() -> None:
    async with opened("matmul") as d:
        await d.press("g", "1", "x", "3", "backspace", "1")
        assert "go to step: 11_" in d.screen
        await d.press("enter")
        assert d.view.step == 11
        await d.press("g", "9", "escape")
        assert d.view.step == 11
        await d.press("g", "9", "9", "9", "enter")
        assert d.view.step == 12
        await d.press("g")
        assert "0 to 12" in d.screen
        await d.press("escape", "escape", "g")
        assert d.view.depth == "operations"
        assert "1 to 3" in d.screen


async def test_playing_is_a_timer_that_is_there_only_while_it_plays() -> None:
    async with opened("matmul") as d:
        assert not d.ticks()
        await d.pilot.press("space")
        assert d.ticks()
        await d.pilot.press("space")
        assert not d.ticks()
        await d.pilot.press("space", "question_mark")
        await d.pilot.pause()
        assert not d.ticks(), "nothing plays under the help"


@pytest.mark.slow
async def test_at_every_depth_playing_backwards_from_the_first_step_begins_at_the_last() -> None:
    async with opened("matmul") as d:
        for keys in ((), ("escape",), ("M",)):
            await d.press(*keys, "0")
            first, count = steps.position(d.view, known(d.session.navigation))
            await d.pilot.press("less_than_sign")
            step, _ = steps.position(d.view, known(d.session.navigation))
            assert first < count - 1 <= step  # it may have gone on by one since
            await d.pilot.press("less_than_sign")


@pytest.mark.slow
async def test_controls_move_shapes_at_once_and_undo_brings_them_back() -> None:
    async with opened("matmul") as d:
        await d.press("right_square_bracket")
        assert dict(d.view.controls)["m"] == "4"
        assert "(4, 2) @ (2, 4) → (4, 4)" in d.screen
        await d.press("tab", "left_square_bracket")
        assert dict(d.view.controls)["k"] == "1"
        assert "(4, 1) @ (1, 4) → (4, 4)" in d.screen
        await d.press("u")
        assert "(4, 2) @ (2, 4) → (4, 4)" in d.screen
        await d.press("u")
        assert "(3, 2) @ (2, 4) → (3, 4)" in d.screen
        await d.press("U", "ctrl+r")
        assert "(4, 1) @ (1, 4) → (4, 4)" in d.screen


async def test_a_lesson_has_a_key_of_its_own() -> None:
    front = '[controls.kind]\nchoices = ["a", "b"]\ndefault = "a"\nkey = "k"\n'
    mine = lesson('Text.\n\n```python\nx = torch.ones(2) if kind == "a" else torch.zeros(2)\n```\n', front)
    async with opened(mine) as d:
        await d.press("k")
        assert dict(d.view.controls)["kind"] == "b"
        assert " k kind" in d.rows[-1]


async def test_looks_go_round_and_name_their_range() -> None:
    async with opened("matmul") as d:
        await d.press("right", "right", "v")
        assert d.has(look="plane")
        await d.press("v")
        assert "yᵢⱼ = xᵢ₁·w₁ⱼ + xᵢ₂·w₂ⱼ" in d.screen
        await d.press("v")
        assert d.has(look="heat")
        assert "at ±4 x is 2.18, W 1.1, Y 1.98" in d.screen
        assert "0.8380" not in d.rows[8]
        await d.press("v")
        assert "0.8380" in d.screen
        assert "at full colour x is 2.18, W 1.1, Y 1.98" in d.screen
        await d.press("v")
        assert d.has(look="numbers")
        assert "colours" not in d.screen


@pytest.mark.slow
async def test_a_key_appends_what_the_program_says_and_it_runs_again() -> None:
    async with opened("sampling") as d:
        await d.press("a")
        assert "a later stop makes it" in d.screen
        for _ in range(6):
            await d.press("full_stop")
        assert "a append" in d.screen
        await d.press("a", "a")
        (said, text) = d.rows[-1], dict(d.view.controls)["text"]
        assert text.startswith("the,cat,")
        assert text.count(",") == 3
        assert said.strip() == f"Appended: {text.rpartition(',')[2]}."
        shown = known(d.session.current)
        assert known(shown.trace)["X"].shape[0] == 4
        assert f"--set text={text}" in command(d.view)
        await d.press("u")
        assert dict(d.view.controls)["text"].count(",") == 2
        # On the selected control the same is more; less takes a word away.
        await d.press("tab", "right_square_bracket")
        assert d.session.selection.control == "text"
        assert dict(d.view.controls)["text"] == text
        await d.press("left_square_bracket", "left_square_bracket")
        assert dict(d.view.controls)["text"] == "the,cat"


@pytest.mark.slow
async def test_keys_that_append_wait_for_the_run_before() -> None:
    async with opened("sampling") as d:
        for _ in range(6):
            await d.press("full_stop")
        for _ in range(3):
            await d.pilot.press("a")
        await d.settle()
        assert dict(d.view.controls)["text"].count(",") == 4


async def test_copying_says_so_and_changes_no_layout() -> None:
    async with opened("matmul") as d:
        await d.press("right_square_bracket", "right")
        before = d.rows[:-1]
        await d.press("Y")
        assert d.app.clipboard == command(d.view)
        assert "llm-linalg matmul --set m=4 --step 1" in d.rows[-1]
        assert d.rows[:-1] == before
        await d.press("y")
        assert "import torch" in d.app.clipboard
        assert "Y = x @ W" in d.app.clipboard
        await d.press("right")
        assert "space play" in d.rows[-1]


PROGRAM = "x = torch.ones(2, 3)  # it's\ty\\n\ny = x @ x.T\n"


async def test_a_long_command_is_shown_whole_and_kept_for_the_end() -> None:
    async with opened(PLAYGROUND) as d:
        there = replace(d.session, view=d.view.with_program(PROGRAM), editor=EditorState())
        d.app.explorer.update_session(there)
        await d.settle()
        await d.press("Y")
        assert d.app.copied == d.app.clipboard == command(d.view)
        shown = "".join(row.strip() for row in d.rows[2:8])
        assert "".join(d.app.clipboard.split()) in "".join(shown.split())
        assert "it is printed when you" in d.screen


def test_no_word_of_a_command_acts_where_it_is_pasted() -> None:
    words = [*EVIL, ALL, LINE, "no\udcffUTF-8", "a b", "it's", ""]
    line = shell_line(words)
    assert HIDDEN.findall(line) == []
    told = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    assert told.split(b"\0")[:-1] == [word.encode("utf-8", "surrogateescape") for word in words]


async def test_the_help_lists_what_works_now_and_closes() -> None:
    async with opened("triangular") as d:
        await d.press("question_mark")
        assert "Keys that work now" in d.screen
        assert "Play or pause" in d.screen
        assert "Move the cell cursor left" not in d.screen
        await d.press("end")
        assert "opaque  torch doesn't tell" in d.screen
        await d.press("home")
        assert "Start with these four" in d.screen
        await d.press("escape")
        assert "Keys that work now" not in d.screen


@pytest.mark.slow
async def test_a_link_is_opened_by_a_key_of_its_own_or_a_click() -> None:
    async with opened("summary", (110, 24), stop=2) as d:
        assert "lesson¹" in d.rows[-1]
        await d.press("1", "2")  # answer what is asked, and answer it again
        assert d.view.lesson.slug == "summary"
        assert known(d.view.guess).answer == "2"
        assert "vector²" in d.screen
        await d.press("asterisk")
        assert "Open: 1 Scalar   2 Vector   3 Matrix   4 3-D tensor" in d.rows[-1]
        await d.press("T", "1")  # another key: it is offered no more
        assert (d.view.lesson.slug, known(d.view.guess).answer) == ("summary", "1")
        await d.press("asterisk", "2")
        assert d.view.lesson.slug == "vector"
        assert "u leads back to Six results." in d.rows[-1]
        await d.press("u")
        assert (d.view.lesson.slug, d.view.stop) == ("summary", 2)
        row = next(y for y, text in enumerate(d.rows) if "matrix³" in text)
        await d.pilot.click(offset=(d.rows[row].index("matrix³") + 2, row))
        await d.settle()
        assert d.view.lesson.slug == "matrix"


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quitting(key: str) -> None:
    async with opened("matmul") as d:
        await d.pilot.press(key)
        assert d.app.return_code == 0


def matrix(d: Driver, name: str) -> Matrix:
    return next(m for m in d.app.explorer.query(Matrix) if m.display and m.panel and m.panel.name == name)


@pytest.mark.slow
async def test_the_cursor_moves_by_arrows_and_says_what_a_cell_is() -> None:
    async with opened("matmul") as d:
        await d.press("dollar_sign", "c")
        assert d.view.cursor is not None
        assert d.view.cursor[0] == "Y"
        await d.press("left", "left", "left", "up", "up", "up", "right", "down")
        assert d.view.cursor == ("Y", (1, 1))
        assert "Y[1,1] = -1.7224" in d.screen
        assert "y₂₂ counting from 1" in d.screen
        assert "made from x[1, :], W[:, 1]" in d.screen
        assert ">-1.7224<" in d.screen
        assert "(-2.1788   0.5684)" in d.screen
        await d.press("up", "up", "up", "left", "left", "left")
        assert d.view.cursor == ("Y", (0, 0))
        await d.press("escape")
        assert d.view.cursor is None


async def test_a_click_puts_the_cursor_on_the_cell() -> None:
    async with opened("matmul") as d:
        grid = matrix(d, "W")
        await d.pilot.click(grid, offset=(known(grid.slot).cell * 2 + 1, 1))
        await d.settle()
        assert d.view.cursor == ("W", (1, 2))


@pytest.mark.slow
async def test_clicks_on_the_sidebar_the_title_and_the_controls() -> None:
    async with opened("matmul") as d:
        row = next(y for y, text in enumerate(d.rows) if "nn.Linear" in text)
        await d.pilot.click(offset=(6, row))
        await d.settle()
        assert d.view.lesson.slug == "linear"
        for words in ("all parts", "4 Learning"):
            row = next(y for y, text in enumerate(d.rows) if words in text)
            await d.pilot.click(offset=(6, row))
            await d.settle()
        await d.settle()
        assert d.view.lesson.part == 4
        controls = d.rows[-3]
        await d.pilot.click(offset=(controls.rindex("]"), 21))
        await d.settle()
        name = d.session.selection.control
        assert dict(d.view.controls)[name or ""] != ""
        assert d.session.history.past[-1].controls != d.view.controls
        await d.pilot.click(offset=(77, 0))
        await d.settle()
        assert "Keys that work now" in d.screen


async def test_the_bar_scrubs() -> None:
    async with opened("matmul") as d:
        bar = d.app.explorer.query_one(Bar)
        await d.pilot.mouse_down(bar, offset=(bar.size.width // 2, 0))
        await d.pilot.mouse_up(bar, offset=(bar.size.width // 2, 0))
        await d.settle()
        assert d.view.step == 6
        await d.pilot.mouse_down(bar, offset=(bar.size.width // 2, 0))
        await d.pilot.hover(bar, offset=(bar.size.width - 1, 0))
        await d.pilot.mouse_up(bar, offset=(bar.size.width - 1, 0))
        await d.settle()
        assert d.view.step == 12


def test_what_has_no_room_beside_a_cell_is_left_out_whole() -> None:
    view, run = program("total = torch.ones(2, 2).sum(0)")
    shown = known(run.frame(replace(view, step=END, cursor=("total", (1,)))).cursor)
    lines = ["".join(span.text for span in about_cell(shown, width)[0]) for width in (80, 40, 30)]
    assert lines == [
        "total[1] = 2.0   total₂ counting from 1   by rule",
        "total[1] = 2.0   total₂ counting from 1",
        "total[1] = 2.0   by rule",
    ]
