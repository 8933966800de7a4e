"""Decks as the command line opens them: the view of each stop, and pictures of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_linalg.lessons.deck import load, of_lesson
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import catalog
from tests.common import file_at
from tui.cli.main import main
from tui.model.view import View
from tui.session.decks import check_views, deck_word, find_deck, view_at

DECK = """\
+++
title = "A talk"
+++
Words.

```stops
matmul
triangular --stop 2 --set kind=tril --seed 4 --order rows --step 2
```
"""


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return file_at(tmp_path, "talk.md", DECK)


def test_a_stop_opens_as_its_lesson_does_unless_the_deck_says_more(talk: Path) -> None:
    deck = load(talk)
    *others, rehearsed = [view_at(stop) for stop in deck.stops]
    assert others == [View.opening(stop.lesson, stop.stop) for stop in deck.stops[:-1]]
    assert dict(rehearsed.controls)["kind"] == "tril"
    assert (rehearsed.stop, rehearsed.seed, rehearsed.order, rehearsed.step) == (2, 4, "rows", 2)


def test_each_lesson_is_a_deck_that_opens() -> None:
    for lesson in catalog():
        deck = check_views(of_lesson(lesson))
        assert deck.stops
        assert deck_word(deck) == deck_word(find_deck(lesson.slug)) == lesson.slug


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--set kin=tril", 'unknown control of triangular "kin"'),
        ("--set kind=up", "kind"),
        ("--sed 4", 'unknown option "--sed"'),
        ("--seed x", '"x" is not a whole number'),
        ("--step all", "one step at a time"),
        ("--theme dark", 'unknown option "--theme"'),
        ("more", 'one too many: "more"'),
    ],
)
def test_words_that_are_no_view_are_said_with_file_and_line(talk: Path, words: str, said: str) -> None:
    talk.write_text(DECK.replace("--set kind=tril --seed 4 --order rows --step 2", words), encoding="utf-8")
    with pytest.raises(LessonError) as info:
        check_views(load(talk))
    assert (info.value.file, info.value.line) == (str(talk), 8)
    assert said in info.value.reason


def test_a_word_names_a_deck(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(talk.parent.parent)
    for word in (str(talk), str(talk.parent), talk.parent.name):
        assert len(find_deck(word).stops) == len(load(talk).stops)
    assert find_deck("matmul").title == "Matrix × matrix"


def frames(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    assert main(["frame", *words, "--format", "json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.slow
def test_a_frame_of_a_decks_stop(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = str(len(load(talk).stops))
    (frame,) = frames(capsys, str(talk), "--stop", last)
    assert (frame["lesson"], frame["stop"], frame["seed"], frame["step"]) == ("triangular", 2, 4, 2)
    (other,) = frames(capsys, str(talk.parent), "--stop", last, "--step", "1", "--set", "kind=triu")
    assert (other["seed"], other["step"]) == (4, 1)
    assert isinstance(other["controls"], dict)
    assert other["controls"]["kind"] == "triu"
    (words,) = frames(capsys, str(talk))
    assert (words["lesson"], words["node"]) == ("talk", None)
