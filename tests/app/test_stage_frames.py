"""Frames of a deck's stops are the stage's, and the command that a stage copies opens it there again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from llm_linalg.lessons.deck import load
from tests.app.talks import DECK, deck_at, done, started
from tui.cli.main import main
from tui.cli.present_command import parser
from tui.headless import render
from tui.model.view_words import start_view, view_of
from tui.session.decks import flags_at, view_at
from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import Talk
from tui.session.reopening import reopening_command
from tui.session.session import Session

REHEARSED = "triangular --stop 2 --set kind=tril --order rows --step 2 --cursor 'mask[1,0]'"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["frame", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("number", [1, 3])
def test_a_screen_of_a_deck_is_the_stage(
    tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = deck_at(tmp_path)
    deck = load(file)
    screen = printed(capsys, str(file), "--stop", str(number), "--format", "screen")
    assert f" {number}/4 " in screen.split("\n", 1)[0] + " "
    assert "│" not in screen  # no sidebar
    assert "help" not in screen
    view = view_at(deck.stops[number - 1])
    assert screen == render(view, (80, 24), "screen", talk=Talk(deck, number))


def test_a_lesson_alone_is_the_app(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = deck_at(tmp_path, '+++\ntitle = "Own"\n+++\n## One\n```python\nx = torch.ones(2)\n```\n')
    assert not load(file).is_talk
    assert "q quit" in printed(capsys, str(file), "--format", "screen")


def test_text_and_json_count_the_decks_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(deck_at(tmp_path))
    text = printed(capsys, file, "--stop", "3").splitlines()
    assert text[:3] == ["A talk", "stop 3 of 4: From elsewhere", "Matrix × matrix › Row by column"]
    made = json.loads(printed(capsys, file, "--stop", "3", "--format", "json"))
    assert (made["lesson"], made["stop"]) == ("matmul", 1)
    assert made["deck"] == {"title": "A talk", "stop": 3, "stops": 4, "heading": "From elsewhere"}


def reopened(session: Session) -> Session:
    """The session of a stage that the command of another one opens."""
    program, command, *words = shlex.split(reopening_command(session))
    assert (program, command) == ("llm-linalg", "present")
    flags = parser().read(words)
    talk = Talk(load(Path(flags.deck)), flags.stop)
    named = flags_at(talk.stop, flags.words, parser())
    view = start_view(view_of(named, talk.stop.lesson), named)
    return Session.start(view, talk.deck.lessons).with_presentation(talk)


@pytest.mark.parametrize(
    "commands",
    [
        (),
        ("stage.next", "stage.next"),
        ("set:kind:0",),
        ("set:kind:0", "seed.up", "stage.next"),
        ("stage.back", "stage.back"),
        ("order",),
        ("into",),
        ("map",),
        ("look",),
        ("out",),
        ("stage.next", "cursor.right"),
    ],
)
@pytest.mark.parametrize("number", [2, 3])
def test_the_command_of_a_stage_opens_it_there_again(
    tmp_path: Path, number: int, commands: tuple[str, ...]
) -> None:
    file = deck_at(tmp_path, DECK.replace("matmul --set n=2 --set m=1 --step 1", REHEARSED))
    session = started(file, number)
    if number == 2:
        commands = tuple(one for one in commands if not one.startswith("set:"))
    session = done(session, *commands)
    again = reopened(session)
    assert require_talk(again).number == require_talk(session).number
    assert view_key(again) == view_key(session)
    if not commands:
        assert reopening_command(session) == f"llm-linalg present {file} --stop {number}"


def test_the_command_says_no_more_than_it_needs(tmp_path: Path) -> None:
    text = DECK.replace('```python show="y"', '```python show="y" order="rows"')
    file = deck_at(tmp_path, text.replace("y = x + 1", "y = torch.ones(n, n) + 1"))
    there = f"llm-linalg present {file} --stop 2"
    session = started(file, 2)
    assert reopening_command(session) == there
    assert reopening_command(done(session, "stage.next")) == f"{there} --step 1"
    assert reopening_command(done(session, "control.up", "order")) == f"{there} --set n=3 --order columns"


def view_key(session: Session) -> dict[str, object]:
    """What is seen, without the lesson, which was read anew."""
    view = session.view
    return {
        name: getattr(view, name)
        for name in view.__dataclass_fields__
        if name not in {"lesson", "return_path"}
    }
