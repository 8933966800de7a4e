"""The door: one sentence, the bars over its next word, and three ways into the course."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tui.model.view import END
from tui.navigation.playground import PLAYGROUND, is_playground
from tui.session.control_commands import open_lesson, undo_or_redo
from tui.session.session import Session
from tui.session.stop_commands import Transition

if TYPE_CHECKING:
    from tui.model.frame import Frame

BACK = "back"
"""The way of somebody who goes on where they were."""
FIRST_ARROW = "vector"
"""The lesson that draws a word as an arrow."""
OWN_CODE = "Type a program. Of your own: llm-linalg open FILE.ipynb, or trace FILE.py:NAME"


class Way(NamedTuple):
    """A way from the door: the key, what it says, and where it leads."""

    key: str
    name: str
    text: str
    go: Transition


def _to_arrow(session: Session) -> Session:
    return open_lesson(session, FIRST_ARROW)


def _to_map(session: Session) -> Session:
    """Open the map of the first lesson, where it has one."""
    lesson = session.view.lesson
    number = next((stop.number for stop in lesson.stops if stop.map is not None), 1)
    return session.with_undo(session.view.at_stop_number(number))


def _to_own_code(session: Session) -> Session:
    return open_lesson(session, PLAYGROUND.slug).with_notice(OWN_CODE)


WAYS = (
    Way("1", "arrow", "New here? Begin with a word as an arrow", _to_arrow),
    Way("2", "map", "I know matrices: the transformer's map", _to_map),
    Way("3", "code", "I have code of my own", _to_own_code),
)


def at_door(session: Session) -> Session:
    """Stand at the door; the first lesson's first picture, if any, is run for its bars."""
    first = next((lesson for lesson in session.lessons if lesson.slug != PLAYGROUND.slug), None)
    opened = session if first is None else open_lesson(session, first.slug)
    return replace(opened, door=True, notice="")


def bars_frame(session: Session, *, ascii_only: bool = False) -> Frame | None:
    """Return the picture of the first lesson's result, all of it computed; None while that is not run."""
    run = session.current
    return None if run is None else run.frame(replace(session.view, step=END), ascii_only=ascii_only)


def take(session: Session, way: Way) -> Session:
    """Return the command that takes a way, which is remembered: a plain start shows the door no more."""
    there = way.go(session)
    editor = there.editor._replace(is_open=is_playground(there.view.lesson))
    return replace(there, door=False, editor=editor).with_learner(way=way.name)


def leave(session: Session) -> Session:
    """Go back to where one came from, or was last; at the first start there is nothing behind the door."""
    if not session.history.past:
        return session.with_notice(f"{', '.join(way.key for way in WAYS)}: which way?")
    return replace(undo_or_redo(session, "undo"), door=False).with_learner(way=session.learner.way or BACK)
