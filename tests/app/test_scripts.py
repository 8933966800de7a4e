"""Scripts: read, played, recorded; what was done in the app, played back, ends in the same picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.reader import catalog
from tests.app.driving import Driver, opened
from tests.app.talks import deck_at, done, started
from tests.app.test_command_laws import kept, pictures
from tui.app import Explorer, Options
from tui.session.script.playback import ScriptShot, last_session, opening_session, play_script
from tui.session.script.saving import Tape
from tui.session.script.script_reader import PACE, ScriptError, parse_script
from tui.session.script.script_recorder import words_of
from tui.session.script.tokens import acts, line_of

WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.lists(WORD, min_size=1, max_size=4).map(tuple), min_size=1, max_size=4))
def test_a_line_is_read_as_it_was_written(said: list[tuple[str, ...]]) -> None:
    line = line_of(said)
    assert line.isprintable()
    assert acts(line) == said


def test_what_follows_a_mark_is_a_comment() -> None:
    assert acts('set n 5; cell "Y" 0 1 # why') == [("set", "n", "5"), ("cell", "Y", "0", "1")]
    assert acts("  # nothing") == []
    assert acts("lesson a#b") == [("lesson", "a#b")]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", 1, "begins with a line such as: lesson matmul"),
        ("# only this\n\n", 1, "begins with a line such as: lesson matmul"),
        ("next\n", 1, "begins with a lesson"),
        ("\nlesson matmul\n\nnxt\n", 4, 'unknown word "nxt": did you mean "next"?'),
        ('lesson matmul\nset n "5\n', 2, "double quotes"),
        ("lesson matmul\nnext; hop\n", 2, "unknown word"),
    ],
)
def test_what_is_no_script_says_where(text: str, place: int, said: str) -> None:
    with pytest.raises(ScriptError, match=said) as caught:
        parse_script(text, "demo.steps")
    assert str(caught.value).startswith(f"demo.steps:{place}: ")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("set q 4", "unknown control"),
        ("set n 99", "n"),
        ("cell 9 9", "no such cell"),
        ("order sideways", "unknown order"),
        ("stop 99", "stops 1 to"),
        ("lesson nope", "unknown lesson"),
        ("lesson matmul --stop 99", "there is no stop 99"),
        ("lesson matmul --step x", "unknown step"),
        ("wait long", "not a number of seconds"),
        ("wait -1", "not a number of seconds"),
        ("speed 0", "steps a second"),
        ("speed", "such as speed 8"),
        ("play x", "a whole number"),
        ("next 0x2", "a whole number"),
        ("step --5", "a whole number"),
        ("seed -", "a whole number"),
        ("into the cell", "nothing may follow"),
        ("node nowhere", "unknown node"),
        ("pick q", "unknown control"),
        ("look nice", "unknown look"),
        ("example nope", "unknown example"),
        ("choose 1", "no board"),
        ("write x", "only the playground"),
    ],
)
def test_what_cannot_be_done_says_where(line: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said) as caught:
        last_session(parse_script(f"lesson matmul\n{line}\n", "demo.steps"))
    assert caught.value.line == 2


def shots(text: str) -> list[ScriptShot]:
    return list(play_script(parse_script(text, "demo.steps")))


def steps(text: str) -> list[int]:
    return [shot.session.view.step for shot in shots(text)]


def test_a_line_is_a_picture_and_playing_is_one_a_step() -> None:
    assert steps("lesson matmul\nnext\nnext 3\nback 2\n") == [0, 1, 4, 2]
    assert steps("lesson matmul\nplay 3\nrewind 1\nplay\n") == [0, 1, 2, 3, 2, *range(1, 13)]
    assert steps("lesson matmul\nlast\nplay 2\n") == [0, 12, 0, 1, 2]
    assert steps("lesson matmul\nplay 0\nquit\nnext\n") == [0, 0]
    operations = shots("lesson matmul\nout\nplay 1\nplay 2\nrewind 1\n")
    assert [shot.session.view.path for shot in operations] == [(), ("Y",), ("x",), ("W",), ("x",)]


def test_a_picture_stands_for_as_long_as_the_script_says() -> None:
    made = shots("lesson matmul\nwait 2\nspeed 8\nplay 2\nwait 0.5\nnext; wait 3\n")
    assert [shot.seconds for shot in made] == [PACE + 2, PACE, 1 / 8, 1 / 8 + PACE + 0.5, PACE + 3]
    assert [shot.line for shot in made] == [1, 3, 4, 4, 6]


def test_acts_of_one_line_happen_at_once() -> None:
    apart = last_session(parse_script("lesson matmul\nlast\nset m 1\nset m 3\n", "x"))
    at_once = last_session(parse_script("lesson matmul\nlast\nset m 1; set m 3\n", "x"))
    assert apart.view.step == 4  # one row of Y has four cells, and the step stays there
    assert at_once.view.step == 12


async def test_playing_is_recorded_up_to_where_it_was_stopped() -> None:
    async with opened("matmul") as driver:
        screen = driver.app.explorer
        await screen.perform("play")
        for _ in range(3):
            screen._beat()
        await screen.perform("faster")
        screen._beat()
        await screen.perform("into")
        assert screen.recording.recorder.text(driver.session) == (
            "lesson matmul\nplay 3\nspeed 8\nplay 4\ninto\n"
        )


async def test_typing_is_recorded_as_what_was_written() -> None:
    async with opened("matmul") as driver:
        screen = driver.app.explorer
        await screen.perform("play.take")
        await driver.settle()
        for text in ("a = torch.ones(2)", "a = torch.ones(2)\nb", "a = torch.ones(2)\nb = 3 * a"):
            screen.do(f"write:1:{text}")
            await driver.settle()
        screen.do("write:2:a = torch.ones(2)\nb = (")
        await driver.settle()
        text, done = screen.recording.recorder.text(driver.session), driver.session
    assert text.count("write ") == 2  # the last one that ran, whose picture stays, and the last one
    assert text.splitlines()[1] == "take"
    assert pictures(last_session(parse_script(text, "x"))) == pictures(done)


@asynccontextmanager
async def played(text: str) -> AsyncIterator[Driver]:
    script = parse_script(text, "demo.steps")
    options = Options(tape=Tape(script=script, tempo=100))
    app = Explorer(opening_session(script).view, catalog(), options)
    async with app.run_test(size=(80, 24)) as pilot:
        yield Driver(app, pilot)


async def until(driver: Driver, done: Callable[[], bool]) -> None:
    while not done():
        await driver.pilot.pause()


SCRIPT = "lesson matmul; seed 2\nwait 2\nset m 4; set n 2\nstop 2\nplay 3\ncell 0 0\nundo\n"


async def test_the_app_plays_a_script_as_it_is_played_without_a_screen() -> None:
    async with played(SCRIPT) as driver:
        await until(driver, lambda: "over" in driver.session.notice)
        await driver.settle()
        assert pictures(driver.session) == pictures(last_session(parse_script(SCRIPT, "x")))
        assert kept(driver.session) == kept(last_session(parse_script(SCRIPT, "x")))
        text = driver.app.explorer.recording.recorder.text(driver.session)
    assert text == SCRIPT


@pytest.mark.parametrize(("key", "step"), [("space", 0), ("right", 1)])
async def test_any_key_takes_over(key: str, step: int) -> None:
    async with played("lesson matmul\nwait 3600\nwait 3600\nwait 3600\nwait 3600\nlast\n") as driver:
        driver.app.explorer.script_player.tempo = 1.0  # type: ignore[union-attr]
        await driver.settle()
        await driver.press(key)
        assert driver.view.step == step
        assert not driver.session.player.playing
        assert driver.app.explorer.script_player is None


async def test_a_line_that_cannot_be_done_is_said_on_the_screen() -> None:
    async with played("lesson matmul\nnext\nrow 3\nnext\n") as driver:
        await until(driver, lambda: driver.session.notice != "")
        assert driver.session.notice == "demo.steps:3: there is no board here"
        await driver.press("right")
        assert driver.view.step == 2


async def test_a_key_saves_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened("matmul") as driver:
        await driver.press("right", "right", "v", "R")
        assert "Saved as matmul.steps" in driver.session.notice
        await driver.press("R")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["matmul-2.steps", "matmul.steps"]
    assert (tmp_path / "matmul.steps").read_text() == "lesson matmul\nnext 2\nlook plane\n"


def test_a_step_on_stage_is_written_as_the_step_that_was_reached(tmp_path: Path) -> None:
    after = done(started(deck_at(tmp_path), 2), "forward")
    assert words_of(after, "back", done(after, "back")) == ("step", "0")
