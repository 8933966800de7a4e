"""Decks: what a file or a folder shows, in which order, with which notes, and the line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_linalg.lessons import deck as decks
from llm_linalg.lessons.deck import lesson_of, load, of_lesson
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import catalog, find, parse

DECK = """\
+++
title = "A talk"
minutes = 20
[controls.n]
range = [1, 4]
default = 2
+++
## Welcome
Only words.

```notes minutes=1.5
Say hello.

- wait for the door
```

## A program
It runs.

```python show="y"
x = torch.ones(n)
y = 2 * x
```

```notes
Twice.
```

## From elsewhere
These are known.

```stops
matmul:2-3
triangular --stop 2 --set kind=tril
llm-linalg own.md
```
```notes minutes=4
Four stops of others.
```

## Goes on
```python
z = y + 1
```
"""
OWN = '+++\ntitle = "Own"\n+++\nFirst.\n\n```python\na = torch.ones(2)\n```\n```notes\nMine.\n```\n'


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    (tmp_path / "own.md").write_text(OWN, encoding="utf-8")
    file = tmp_path / "talk.md"
    file.write_text(DECK, encoding="utf-8")
    return file


def test_stops_stand_as_in_the_file(deck: Path) -> None:
    read = load(deck)
    assert (read.title, read.target_minutes, read.path) == ("A talk", 20.0, deck)
    assert [(stop.lesson.slug, stop.stop) for stop in read.stops] == [
        ("talk", 1), ("talk", 2), ("talk", 3), ("matmul", 2), ("matmul", 3), ("triangular", 2), ("own", 1),
        ("talk", 4),
    ]  # fmt: skip
    assert [lesson.slug for lesson in read.lessons] == ["talk", "matmul", "triangular", "own"]
    assert read.stops[3].lesson is find("matmul")
    assert read.stops[5].words == ("--set", "kind=tril")
    assert {stop.title for stop in read.stops[3:7]} == {"From elsewhere"}
    assert read.sources == {file: file.read_bytes() for file in (deck, deck.parent / "own.md")}
    assert [stop.at.slide for stop in read.stops][:2] == [True, False]
    assert [lesson_of(data, file).stops for file, data in read.sources.items()] == [
        lesson.stops for lesson in (read.lessons[0], read.lessons[-1])
    ]


def test_a_file_that_is_named_twice_is_read_once(deck: Path) -> None:
    deck.write_text(DECK.replace("matmul:2-3", "own.md:1"), encoding="utf-8")
    first, _, second = load(deck).stops[3:6]
    assert first.lesson is second.lesson


def test_a_program_goes_on_across_what_is_shown_between(deck: Path) -> None:
    last = load(deck).stops[-1].at
    assert last.program.split("\n") == ["x = torch.ones(n)", "y = 2 * x", "z = y + 1"]


def test_notes_belong_to_the_stop_they_stand_in_or_under(deck: Path) -> None:
    read = load(deck)
    said = [stop.notes for stop in read.stops]
    assert said[:3] == ["Say hello.\n\n- wait for the door", "Twice.", ""]
    assert said[3:7] == ["Four stops of others."] * 4
    assert [stop.minutes for stop in read.stops] == [1.5, None, None, 1.0, 1.0, 1.0, 1.0, None]
    assert read.minutes == 20.0
    assert all("Twice" not in stop.at.prose for stop in read.stops)


def test_minutes_add_up_where_nothing_is_planned(deck: Path) -> None:
    deck.write_text(DECK.replace("minutes = 20\n", ""), encoding="utf-8")
    assert load(deck).minutes == 5.5
    assert of_lesson(find("matmul")).minutes is None


def test_a_lesson_is_a_deck_with_its_own_notes(tmp_path: Path) -> None:
    own = parse(OWN, tmp_path / "own.md")
    (only,) = of_lesson(own).stops
    assert (only.title, only.notes, only.lesson) == ("Own", "Mine.", own)
    for lesson in catalog():
        assert [stop.at for stop in of_lesson(lesson).stops] == list(lesson.stops)


def test_a_folder_is_read_in_the_order_of_names(deck: Path) -> None:
    for name in ("README.md", "_draft.md", ".hidden.md", "notes.txt"):
        (deck.parent / name).write_text("no lesson", encoding="utf-8")
    (deck.parent / "a.md").write_text('+++\ntitle = "A"\nminutes = 2\n+++\nBegin.\n', encoding="utf-8")
    read = load(deck.parent)
    assert [stop.lesson.slug for stop in read.stops][:2] == ["a", "own"]
    assert read.title == deck.parent.name
    assert read.minutes == 22.0
    assert {file.name for file in read.sources} == {"a.md", "own.md", "talk.md"}


def test_other_files_are_decks_of_their_cells(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text("# %%\nx = torch.ones(2)\n# %%\ny = x + 1\n", encoding="utf-8")
    assert len(load(file).stops) == 2
    plain = tmp_path / "plain.md"
    plain.write_text("# T\n\n```python\nx = 1\n```\n", encoding="utf-8")
    assert len(load(plain).stops) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("matmull", 'unknown lesson "matmull": did you mean "matmul"'),
        ("matmul:99", "matmul has stops 1 to"),
        ("matmul:3-2", "it runs backwards"),
        ("matmul:2-3 --seed 1", "what follows it belongs to one stop"),
        ("matmul --stop x", '"x" is not the number of a stop'),
        ("matmul 'open", "no closing quotation"),
        ("llm-linalg", "a line names a lesson"),
        ("none.md", "none.md:1: no such file or directory"),
        ("bad.md", "bad.md:5: nothing stands below the heading"),
        ("talk.md", "talk.md:9: stops of other lessons stand in a deck"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "bad.md").write_text('+++\ntitle = "B"\n+++\nText.\n## Empty\n', encoding="utf-8")
    file = tmp_path / "talk.md"
    head = '+++\ntitle = "T"\n+++\nWords.\n\n## Others\nHere.\n\n```stops\nmatmul:1\n'
    file.write_text(f"{head}{line}\n```\n", encoding="utf-8")
    with pytest.raises(LessonError) as info:
        load(file)
    assert (info.value.file, info.value.line) == (str(file), 11)
    assert said in info.value.reason


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("Text.\n```notes minutes=x\na\n```\n", 5, "behind notes may stand minutes=2"),
        ("Text.\n```note\na\n```\n", 5, "this fence says notes"),
        ("Text.\n```notes minutes=1\n```\n```notes minutes=1\n```\n", 7, "has its minutes already"),
        ("Text.\n```stops\n\n```\n", 5, "a stops fence names lessons"),
        ("Text.\n```stops matmul\n```\n", 5, "nothing stands behind stops"),
        ("## Head\n```notes\na\n```\n", 4, "nothing stands below the heading"),
    ],
)
def test_a_fence_that_is_wrong_is_said_in_its_line(tmp_path: Path, body: str, line: int, said: str) -> None:
    file = tmp_path / "talk.md"
    file.write_text(f'+++\ntitle = "T"\n+++\n{body}', encoding="utf-8")
    with pytest.raises(LessonError) as info:
        load(file)
    assert (info.value.line, said in info.value.reason) == (line, True), info.value


def test_minutes_of_a_deck_are_checked(tmp_path: Path) -> None:
    for value in ("0", '"x"', "601", "true"):
        with pytest.raises(LessonError, match="minutes is a number"):
            parse(f'+++\ntitle = "T"\nminutes = {value}\n+++\nText.\n', "x.md")


def test_an_empty_folder_and_a_missing_file_are_said(tmp_path: Path) -> None:
    for place, said in ((tmp_path, "no lesson is in it"), (tmp_path / "x.md", "no such file")):
        with pytest.raises(LessonError, match=said):
            load(place)


def test_a_deck_too_long_is_refused_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decks, "MOST_STOPS", 20)
    file = tmp_path / "a.md"
    lines = ["matmul"] * 30 + ["there is no such lesson"]  # which is not looked for any more
    file.write_text("\n".join(['+++\ntitle = "T"\n+++\n```stops', *lines, "```\n"]), encoding="utf-8")
    with pytest.raises(LessonError, match="the deck has more than 20 stops"):
        load(file)
    for name in "bcd":
        (tmp_path / f"{name}.md").write_text(
            f'+++\ntitle = "{name}"\n+++\n' + "## One\n\nWords.\n\n" * 8, encoding="utf-8"
        )
    file.unlink()
    with pytest.raises(LessonError, match="the deck has more than 20 stops"):
        load(tmp_path)
    monkeypatch.setattr(decks, "MOST_STOPS", 24)
    assert len(load(tmp_path).stops) == 24
    monkeypatch.setattr(decks, "MOST_BYTES", 150)
    with pytest.raises(LessonError, match="the deck's files have more than 0 MB"):
        load(tmp_path)
