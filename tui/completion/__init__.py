"""Completion of the command line in bash, zsh and fish: what there is to say, from the parsers' own tables.

The scripts are whole: completing starts no Python. They know the built-in lessons; a lesson's file is
completed as a file, and its controls are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Literal

from llm_linalg.lesson_values import Lesson
from tui.model.flags import Choice, Parser

Takes = Literal["nothing", "words", "files", "controls", "anything"]

LESSONS = ("lesson", "files", "what", "deck")  # what the parsers call a word that may be a slug
PROGRAM = "llm-linalg"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: its spellings, what it takes, and what it is."""

    names: tuple[str, ...]
    takes: Takes
    words: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A command; the app itself has no name.

    Attributes:
        name: the first word of the command line.
        says: what it does.
        flags: those it has.
        lessons: whether it takes a lesson's slug.
        files: whether it takes a file.
        words: other words that it takes.
    """

    name: str
    says: str
    flags: tuple[Flag, ...]
    lessons: bool = False
    files: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """All that is completed.

    Attributes:
        entries: the app first.
        slugs: of each lesson its title.
        controls: of each lesson its controls, each with the values that can be listed.
    """

    entries: tuple[Entry, ...]
    slugs: Mapping[str, str]
    controls: Mapping[str, Mapping[str, tuple[str, ...]]]


def table(parsers: Mapping[str, Parser], lessons: Sequence[Lesson]) -> Table:
    """What is completed, of the parsers by the names of their commands and of the lessons there are."""
    return Table(
        tuple(_entry(name, parser) for name, parser in parsers.items()),
        {lesson.slug: lesson.title for lesson in lessons},
        {
            lesson.slug: {
                control.name: tuple(map(control.show, control.choices)) for control in lesson.controls
            }
            for lesson in lessons
            if lesson.controls
        },
    )


def _entry(name: str, parser: Parser) -> Entry:
    flags: list[Flag] = []
    words: tuple[str, ...] = ()
    dests: list[str] = []
    for action in parser.actions:
        known = tuple(action.type.known) if isinstance(action.type, Choice) else ()
        if not action.option_strings:
            dests.append(action.dest)
            words += known
            continue
        takes: Takes = "anything"
        if action.nargs == 0:
            takes = "nothing"
        elif known:
            takes = "words"
        elif action.dest == "set":
            takes = "controls"
        elif action.metavar == "FILE":
            takes = "files"
        flags.append(Flag(tuple(action.option_strings), takes, known, _plain(action.help or "")))
    lessons = any(dest in LESSONS for dest in dests) and name != "open"
    return Entry(
        name, _plain(parser.description or ""), tuple(flags), lessons, bool(dests) and not words, words
    )


def quoted(words: Iterable[str]) -> str:
    """Words as a shell's list, each in quotes if it needs them."""
    return " ".join(map(quote, words))


def _plain(text: str) -> str:
    """A text for a shell's list: without quotes, and without what a shell reads as more than text."""
    kept = text.replace("'", "’").replace('"', "").replace("`", "").replace("\\", "").replace("$", "")
    return kept.replace("[", "(").replace("]", ")").replace(":", ",").rstrip(".")
