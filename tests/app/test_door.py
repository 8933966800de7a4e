"""The door: shown at a plain start until a way was taken, with bars that a traced program computed."""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import catalog, find, shelf
from tests.app.driving import opened
from tests.common import file_at, known
from tui.app import Options
from tui.cli import launch
from tui.cli.main import main
from tui.cli.parser import app_parser
from tui.cli.settings import resolve
from tui.compose.view_runner import open_view
from tui.files.state_file import State, StateFile
from tui.model.view import View
from tui.model.view_words import VIEW
from tui.navigation.playground import PLAYGROUND, is_playground
from tui.plain_prompt import PlainPrompt
from tui.session.commands import run
from tui.session.door import WAYS, at_door
from tui.session.script.running import ensure_run
from tui.session.session import Session

FIRST = catalog()[0]
LESSONS = [*shelf(), PLAYGROUND]


async def test_the_bars_are_those_that_torch_computes() -> None:
    trace = known(open_view(View.opening(FIRST)).trace)
    chances = trace["next_word"].value.tolist()
    async with opened(FIRST, options=Options(door=True)) as d:
        shown = re.findall(r"(\w+) +(━*) (\d\.\d\d)", d.screen)
        assert [float(number) for _, _, number in shown] == [round(p, 2) for p in chances]
        longest = max(shown, key=lambda bar: len(bar[1]))
        assert longest[0] == "dog"
        assert "the cat saw the ___" in d.screen
        assert all(f"{way.key}  {way.text}" in d.screen for way in WAYS)


async def test_the_nouns_are_swapped_at_the_door_and_the_bars_follow() -> None:
    async with opened(FIRST, options=Options(door=True)) as d:
        await d.press("t")
        assert d.session.door
        assert "the dog saw the ___" in d.screen
        assert re.search(r"cat +━+ 0\.98", d.screen)


async def test_enter_begins() -> None:
    async with opened(FIRST, options=Options(door=True)) as d:
        await d.press("enter")
        assert not d.session.door
        assert d.session.view.lesson.slug == "vector"


async def test_before_torch_is_there_the_door_stands_and_takes_a_key() -> None:
    async with opened(FIRST, options=Options(door=True, ascii_only=True)) as d:
        assert d.screen.isascii()
        for key, top in (("question_mark", "Keys that work now"), ("ctrl+p", "")):
            await d.press(key)
            assert len(d.app.screen_stack) > 1
            assert top in d.screen
            await d.press("escape")
        assert d.session.door
        await d.press("escape")
        assert "which way?" in d.screen
        await d.press("q")
        assert d.app.return_code == 0


def test_each_way_leads_where_it_says_and_the_door_can_be_gone_back_to() -> None:
    door = at_door(Session.start(View.opening(find("matvec")), LESSONS))
    arrow, level, code = (run(door, f"door.{way.name}") for way in WAYS)
    assert (arrow.view.lesson.slug, arrow.view.stop) == ("vector", 1)
    assert (level.view.lesson.slug, level.view.depth) == (FIRST.slug, "map")
    assert is_playground(code.view.lesson)
    assert code.editor.is_open
    for way, session in zip(WAYS, (arrow, level, code), strict=True):
        assert (session.door, session.learner.way) == (False, way.name)
        assert run(session, "start").door
    assert run(door, "door.leave").view.lesson.slug == "matvec"
    assert not run(door, "open:matvec").door
    assert not run(door, f"open:{FIRST.slug}").door


@pytest.mark.parametrize(
    ("words", "way", "shown"),
    [
        ([], None, True),
        ([], "map", False),
        (["matvec"], None, False),
        (["--seed", "3"], None, False),
        (["--play"], None, False),
    ],
)
def test_only_a_plain_start_shows_it_until_a_way_was_taken(
    words: list[str], way: str | None, shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    state_file = StateFile(tmp_path)
    state_file.update(lambda state: state._replace(way=way, place=("matmul",)))
    settings = resolve(argparse.Namespace(), {}, state_file)
    flags = app_parser().read(words)
    monkeypatch.setattr("sys.stdin", Terminal())
    assert launch.asks_at_door(flags, settings, state_file, None) == shown
    assert not launch.asks_at_door(flags, settings, state_file, FIRST)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert not launch.asks_at_door(flags, settings, state_file, None)


async def test_the_way_is_kept_at_once(tmp_path: Path) -> None:
    state_file = StateFile(tmp_path)
    async with opened(FIRST, options=Options(door=True, state_file=state_file)) as d:
        assert state_file.load() == State()
        await d.press("2")
        await d.app.workers.wait_for_complete()
        assert state_file.load().way == "map"
        assert d.has(depth="map")


def test_plainly_it_is_text_and_a_number_takes_a_way() -> None:
    said: list[str] = []
    prompt = PlainPrompt(View.opening(FIRST), LESSONS, said.append, width=80, ascii_only=False)
    prompt.session = ensure_run(at_door(prompt.session))
    prompt.show()
    text = "".join(said)
    assert "the cat saw the ___\n" in text
    assert re.search(r"dog 0\.\d\d\n", text)
    assert all(f"{way.key}  {way.text}\n" in text for way in WAYS)
    said.clear()
    assert prompt.hear("2")
    assert "map: all" in "".join(said)
    assert prompt.session.learner.way == "map"
    assert prompt.session.learner.progress.stage(FIRST.slug)


def test_start_is_the_door_whatever_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    lines = file_at(tmp_path, "lines", "1\n")
    with lines.open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert main(["start", "--plain"]) == 0
    out = capsys.readouterr().out
    assert out.index("the cat saw the ___") < out.index("A word as an arrow")
    assert [*tmp_path.iterdir()] == [lines]  # a script leaves nothing behind


def test_start_takes_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--help"]) == 0
    told = capsys.readouterr().out
    assert not [name for name in VIEW if f"--{name}" in told]
    assert "--play" not in told
    assert main(["start", "--seed", "3"]) == 2
    assert "--seed is a picture's" in capsys.readouterr().err
