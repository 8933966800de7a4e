"""Keys and what they do: motion, depths, orders, controls, undo, looks, sharing."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.app.driving import lesson, opened
from tests.terminal.evil import ALL, EVIL, HIDDEN, LINE
from tui.app import Options
from tui.model.view_words import arguments, command, shell_line
from tui.navigation.playground import PLAYGROUND, playground_view
from tui.session.session import EditorState


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


async def test_speed_changes_make_another_timer() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("space")
        slow = d.app.explorer.play_timer._timer
        await d.pilot.press("plus")
        fast = d.app.explorer.play_timer._timer
        assert slow is not fast
        assert d.session.player.speed == 8
        await d.pilot.press("space", "minus", "minus", "minus")
        assert d.session.player.speed == 1
        await d.settle()
        assert "1/s" in d.screen


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


async def test_seeds_change_the_numbers() -> None:
    async with opened("matmul") as d:
        before = d.rows
        await d.press("s")
        assert d.view.seed == 1
        assert "seed 1" in d.screen
        assert "1.5410" not in d.screen
        await d.press("S")
        assert d.rows[:-1] == before[:-1]
        await d.press("S")
        assert d.view.seed == 0


async def test_a_lesson_has_a_key_of_its_own() -> None:
    front = '[controls.kind]\nchoices = ["a", "b"]\ndefault = "a"\nkey = "k"\n'
    mine = lesson('Text.\n\n```python\nx = torch.ones(2) if kind == "a" else torch.zeros(2)\n```\n', front)
    async with opened(mine) as d:
        await d.press("k")
        assert dict(d.view.controls)["kind"] == "b"
        assert " k kind" in d.rows[-1]


async def test_stops_follow_each_other_and_lead_on_to_the_next_lesson() -> None:
    async with opened("matmul") as d:
        last = len(d.view.lesson.stops)
        await d.press("full_stop")
        assert d.view.stop == 2
        await d.press("comma")
        assert d.view.stop == 1
        await d.press("comma")
        assert d.view.lesson.slug == "columns"
        assert d.view.stop == len(d.view.lesson.stops)
        await d.press("full_stop")
        assert (d.view.lesson.slug, d.view.stop) == ("matmul", 1)
        for _ in range(last):
            await d.press("full_stop")
        assert d.view.lesson.slug == "shapes"


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


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_the_scales_of_heat_give_way_to_the_controls(ascii_only: bool) -> None:
    async with opened("sampling", (80, 30), options=Options(ascii_only=ascii_only)) as d:
        while not d.has(look="heat"):
            await d.press("v")
        for columns, told in ((80, ""), (97, "ids is 1, X 0.529"), (120, "table is 0.853, ids 1, X 0.529")):
            await d.pilot.resize_terminal(columns, 30)
            await d.settle()
            controls = next(text for text in d.rows if "top_k" in text)
            _, whole, scales = controls.partition("top_k 4  top_p 0.9")
            assert whole
            assert scales.strip() == (f"at {'+-' if ascii_only else '±'}4 {told}" if told else "")


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
        shown = d.session.current
        assert shown is not None
        assert shown.trace is not None
        assert shown.trace["X"].shape[0] == 4
        assert f"--set text={text}" in command(d.view)
        await d.press("u")
        assert dict(d.view.controls)["text"].count(",") == 2
        # On the selected control the same is more; less takes a word away.
        await d.press("tab", "right_square_bracket")
        assert d.session.selection.control == "text"
        assert dict(d.view.controls)["text"] == text
        await d.press("left_square_bracket", "left_square_bracket")
        assert dict(d.view.controls)["text"] == "the,cat"


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


def test_a_command_is_one_line_that_a_shell_reads_back() -> None:
    for program in (PROGRAM, "a\n'b'\x1b[0m\n", "x = 'ä'\n\\'"):
        view = playground_view(program)
        line = command(view)
        assert line.isprintable()
        told = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True, text=True
        )
        assert told.stdout.split("\0")[:-1] == ["llm-linalg", *arguments(view)]


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


async def test_the_text_view_has_the_whole_program_and_prose() -> None:
    async with opened("matmul") as d:
        await d.press("p")
        assert "Row by column" in d.screen
        assert "Y = x @ W" in d.screen
        await d.press("q")
        assert d.app.is_running
        assert len(d.app.screen_stack) == 1


async def test_a_link_is_opened_by_its_number_or_a_click() -> None:
    async with opened("summary", stop=2) as d:
        assert "vector²" in d.screen
        await d.press("1")  # answers what is asked: from now on digits open links
        await d.press("2")
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


async def test_keys_can_be_moved() -> None:
    async with opened("matmul") as d:
        d.app.set_keymap({"forward": "z"})
        await d.press("z")
        assert d.view.step == 1
