"""Decks as the app opens them: a deck by its word on the command line, a stop's view."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.spelling import quote
from tui.model.flags import Parser
from tui.model.lesson_words import existing_path, find_lesson, is_path, lesson_word
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import picture_parser, start_view, view_of

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck, DeckStop


def find_deck(word: str, *, whole: bool = True) -> Deck:
    """Return the deck in a file or a folder, or of a lesson's slug; `whole` is as for `deck.load`.

    Raises:
        UsageError: If there is none.
        LessonError: If it is broken.
    """
    from llm_linalg.lessons.deck import load, of_lesson
    from llm_linalg.lessons.documents import is_document, is_trace

    if not word.strip():
        raise UsageError("no lesson is named: 'llm-linalg lessons' lists them")
    if (is_path(word) or is_document(word) or Path(word).is_dir()) and not is_trace(word):
        return load(existing_path(word), whole=whole)
    return of_lesson(find_lesson(word))


def read_deck(path: Path) -> Deck:
    """Return the deck in a file or a folder, every stop of which has a view and a program that can be read.

    Raises:
        LessonError: As for a file that was saved in the middle of a sentence.
    """
    from llm_linalg.lessons.deck import load

    deck = check_views(load(path))
    for error in filter(None, (lesson.unreadable_program() for lesson in deck.lessons)):
        raise error
    return deck


def deck_word(deck: Deck) -> str:
    """Return what names a deck on the command line: a built-in lesson's slug, else its path."""
    first = deck.stops[0].lesson
    return lesson_word(first) if deck.path is None or deck.path == first.path else str(deck.path)


def flags_of(stop: DeckStop) -> argparse.Namespace:
    """Return the flags that the words of a deck's line are.

    Raises:
        LessonError: With the deck's file and line, for a word that is none.
    """
    from llm_linalg.lessons.lesson import LessonError

    try:
        flags = picture_parser("a line of stops").read(stop.words)
    except UsageError as error:
        raise LessonError(stop.file, stop.line, str(error)) from None
    flags.stop = stop.stop
    return flags


def view_at(stop: DeckStop) -> View:
    """Return the view that a deck's stop opens with, as it was rehearsed.

    Whether its node, order and step exist is known once the program has run: `compose.view_check`.

    Raises:
        LessonError: With the deck's file and line, for a word or a control that is none.
    """
    from llm_linalg.lessons.lesson import LessonError

    flags = flags_of(stop)
    try:
        return start_view(view_of(flags, stop.lesson), flags)
    except UsageError as error:
        raise LessonError(stop.file, stop.line, str(error)) from None


class Opening(NamedTuple):
    """What the flags of a command name.

    Attributes:
        view: The view.
        flags: The flags, the deck's own first.
        deck: The deck that it is a stop of; None for a lesson.
        number: Its number in the deck, from 1.
    """

    view: View
    flags: argparse.Namespace
    deck: Deck | None = None
    number: int = 1


def opening_of(flags: argparse.Namespace, parser: Parser) -> Opening:
    """Return the view that the flags name of a lesson or a deck.

    Args:
        flags: As `parser` read them.
        parser: It takes the words of a view, and the lesson's name.

    Raises:
        UsageError: For a lesson, stop or control that is not there.
        LessonError: If the lesson or the deck is broken.
    """
    if flags.lesson is None or not (is_path(flags.lesson) or Path(flags.lesson).exists()):
        return Opening(view_of(flags), flags)
    deck = find_deck(flags.lesson)
    opens_at = 1 if deck.is_talk or not deck.stops else deck.stops[0].lesson.opens_at
    number = opens_at if flags.stop is None else flags.stop
    if not 1 <= number <= len(deck.stops):
        raise UsageError(f"{quote(deck.title)} has stops 1 to {len(deck.stops)}: there is no stop {number}")
    stop = deck.stops[number - 1]
    both = flags_at(stop, flags.words, parser)
    return Opening(view_of(both, stop.lesson), both, deck if deck.is_talk else None, number)


def flags_at(stop: DeckStop, words: Sequence[str], parser: Parser) -> argparse.Namespace:
    """Return a deck's own flags of a stop with those of `words`, of which the last counts: what is typed.

    Raises:
        UsageError: For a word that is none.
        LessonError: For one of the deck's, with file and line.
    """
    flags_of(stop)
    both = parser.read([*stop.words, *words])
    both.stop = stop.stop
    return both


def check_stop_number(deck: Deck, stop: int | None) -> int | None:
    """Return the number of a stop if the deck has it.

    Raises:
        UsageError: For a stop that is not there.
    """
    most = len(deck.stops)
    if stop is not None and not 1 <= stop <= most:
        name = "the deck" if deck.is_talk else deck.stops[0].lesson.slug
        raise UsageError(f"{name} has stops 1 to {most}: there is no stop {stop}")
    return stop


def check_views(deck: Deck) -> Deck:
    """Return the deck if every stop of it has a view.

    Raises:
        LessonError: For the first that has none.
    """
    for stop in deck.stops:
        view_at(stop)
    return deck
