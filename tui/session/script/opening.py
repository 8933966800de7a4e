"""The beginning of a script, a picture of a lesson or a deck, and the paths in it: relative to its folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tui.model.flags import Parser, whole_number
from tui.model.lesson_words import is_path
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import add_read_flag, picture_parser, start_view, view_of
from tui.navigation.playground import PLAYGROUND
from tui.session.decks import check_stop_number, check_views, find_deck
from tui.session.presentation.state import Talk
from tui.session.script.tokens import Words
from tui.session.session import Session

FIRST = ("lesson", "deck")
"""The words that a script begins with."""


def first_session(words: Words) -> Session:
    """Return the session with which a script's first act begins. Raises UsageError or LessonError."""
    from llm_linalg.lessons.reader import catalog

    word, *rest = words
    if word == "lesson":
        return Session.start(opening_view(rest), [*catalog(), PLAYGROUND])
    talk = open_deck(rest)
    return Session.start(talk.first_view(talk.number), talk.deck.lessons).with_presentation(talk)


def lesson_parser() -> Parser:
    """Return a parser of what may follow `lesson`: a slug or a path, and the flags that name a picture."""
    parser = picture_parser("lesson")
    parser.add_argument("lesson")
    add_read_flag(parser)
    return parser


def opening_view(rest: Sequence[str]) -> View:
    """Return the view that `lesson` and what follows it name. Raises UsageError or LessonError."""
    flags = lesson_parser().read(rest)
    view = view_of(flags, PLAYGROUND if flags.lesson == PLAYGROUND.slug else None)
    return start_view(view, flags)


def open_deck(rest: Sequence[str]) -> Talk:
    """Return the talk that `deck` and what follows it name. Raises UsageError or LessonError."""
    if not rest:
        raise UsageError("which deck? its path, such as deck talk.md")
    parser = Parser(prog="deck", add_help=False)
    parser.add_argument("deck")
    parser.add_argument("--stop", type=whole_number)
    flags = parser.read(rest)
    deck = check_views(find_deck(flags.deck))
    return Talk(deck, check_stop_number(deck, flags.stop) or 1)


def resolve_path(words: Words, folder: Path) -> Words:
    """Return an act as it is carried out, with the file that it opens as seen from the working directory."""
    if not _opens_file(words, folder) or os.path.isabs(words[1]):  # noqa: PTH117 - a text stays a text
        return words
    return (words[0], os.path.normpath(folder / words[1]), *words[2:])


def relative_path(words: Words, folder: Path) -> Words:
    """Return an act as it stands in a script of that folder."""
    if not _opens_file(words, Path()) or os.path.isabs(words[1]):  # noqa: PTH117
        return words
    return (words[0], os.path.relpath(words[1], folder), *words[2:])


def _opens_file(words: Words, folder: Path) -> bool:
    """Return whether an act opens a file, and not a built-in lesson."""
    from llm_linalg.lessons.documents import is_document

    if len(words) < 2 or words[0] not in FIRST:
        return False
    return is_path(words[1]) or is_document(words[1]) or (words[0] == "deck" and (folder / words[1]).is_dir())
