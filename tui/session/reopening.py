"""The command that opens again what is seen: in the app, or on a stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_linalg.base.text import CleanText
from llm_linalg.lessons.lesson import LessonError
from tui.model.usage_error import UsageError
from tui.model.view_words import arguments, explicit_flags, picture_parser, shell_line, start_view, view_of
from tui.session.decks import deck_word, flags_at

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import DeckStop
    from tui.model.view import View
    from tui.session.session import Session

Flags = Sequence[tuple[str, ...]]


def reopening_command(session: Session) -> CleanText:
    """Return the shell line that reopens exactly what is seen."""
    return shell_line(["llm-linalg", *reopening_words(session)])


def reopening_words(session: Session) -> list[str]:
    """Return the arguments of `reopening_command`, unquoted."""
    talk, view = session.talk, session.reopening_view
    if talk is None:
        return arguments(view)
    words = ["present", deck_word(talk.deck), "--stop", str(talk.number)]
    return [*words, *(word for flag in _flags_beside(talk.stop, view) for word in flag)]


def _flags_beside(stop: DeckStop, view: View) -> Flags:
    """Return the fewest flags that, beside those of the deck, name a view of one of its stops."""
    flags: Flags = explicit_flags(view)
    if _named(stop, flags) != view:  # the deck shows what no flag takes back: all is said that can be
        return flags
    for flag in (*flags, *flags):  # twice: a flag may be needed beside another alone, which is left out later
        fewer = [other for other in flags if other != flag]
        if len(fewer) < len(flags) and _named(stop, fewer) == view:
            flags = fewer
    return flags


def _named(stop: DeckStop, typed: Flags) -> View | None:
    """Return the view that flags name at a stop of a deck; None if they name none."""
    try:
        flags = flags_at(stop, [word for flag in typed for word in flag], picture_parser("a stop"))
        return start_view(view_of(flags, stop.lesson), flags)
    except (UsageError, LessonError):
        return None
