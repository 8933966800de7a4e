"""Frames of a deck's stops are the stage's, and the command that a stage copies opens it there again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_linalg.lessons.deck import load
from tests.app.talks import DECK, deck_at, done, started
from tui.cli.main import main
from tui.headless import render
from tui.session.decks import view_at
from tui.session.presentation.state import Talk
from tui.session.reopening import reopening_command


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


def test_an_exercise_says_that_it_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exercise = "## Write it\n```exercise\nTwice `y`.\ncheck: (answer == 2 * y).all()\nanswer: 2 * y\n```\n"
    file = deck_at(tmp_path, f"{DECK}\n{exercise}")
    screen = printed(capsys, str(file), "--stop", "5", "--format", "screen")
    assert "An exercise: ↵ answer  H hint" in screen
    assert "An exercise" not in printed(capsys, str(file), "--stop", "2", "--format", "screen")


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


def test_the_command_says_no_more_than_it_needs(tmp_path: Path) -> None:
    text = DECK.replace('```python show="y"', '```python show="y" order="rows"')
    file = deck_at(tmp_path, text.replace("y = x + 1", "y = torch.ones(n, n) + 1"))
    there = f"llm-linalg present {file} --stop 2"
    session = started(file, 2)
    assert reopening_command(session) == there
    assert reopening_command(done(session, "stage.next")) == f"{there} --step 1"
    assert reopening_command(done(session, "control.up", "order")) == f"{there} --set n=3 --order columns"
