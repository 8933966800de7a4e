"""Commands that go from stop to stop, and into the neighbouring lesson."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from llm_linalg.lessons.reader import read_entry
from tui.navigation.playground import is_playground
from tui.session.session import Session
from tui.text.prose import as_sentence

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson

Transition = Callable[[Session], Session]
Value = TypeVar("Value")


def by(act: Callable[[Session, Value], Session], value: Value) -> Transition:
    """Return the command that does something in one of several ways, such as by one stop forward."""
    return lambda session: act(session, value)


def stop_by(session: Session, direction: int) -> Session:
    """Go to the next stop or the one before; past the ends, to the neighbouring lesson."""
    view = session.view
    number = view.stop + direction
    if 1 <= number <= len(view.lesson.stops):
        return session.with_undo(view.at_stop_number(number))
    if is_playground(view.lesson):
        return session.with_notice("The playground has one stop.")
    neighbour = session.neighbour(direction)
    if neighbour is None:
        return session.with_notice("That is the last stop." if direction > 0 else "That is the first stop.")
    lesson = read_entry(neighbour)
    opened = session.with_undo(session.opening(lesson, 1 if direction > 0 else len(lesson.stops)))
    return opened.with_notice(_crossing(view.lesson, lesson, direction))


def _crossing(left: Lesson, opened: Lesson, direction: int) -> str:
    """Return what is said where a step from stop to stop leads into another lesson."""
    if direction < 0:
        return f"The lesson before: {as_sentence(opened.title)}"
    part = "" if left.part == opened.part or opened.place == opened.title else f" Part {opened.place} begins."
    return f"Next lesson: {as_sentence(opened.title)}{part}"
