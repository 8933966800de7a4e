"""Commands that go from stop to stop, and into the neighbouring lesson."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from llm_linalg.lessons.reader import read_entry
from tui.files.course_progress import LessonProgress
from tui.model.view import View
from tui.navigation.playground import is_playground
from tui.session.session import Session
from tui.text.prose import as_sentence

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson

Transition = Callable[[Session], Session]
Value = TypeVar("Value")
LAST = "That is the last stop. F3 shows what is open, and P asks new questions."
MORE = "More:"  # how the title of a stop begins that may be left out


def by(act: Callable[[Session, Value], Session], value: Value) -> Transition:
    """Return the command that does something in one of several ways, such as by one stop forward."""
    return lambda session: act(session, value)


def stop_by(session: Session, direction: int) -> Session:
    """Go to the next stop or the one before; past the ends, to the neighbouring lesson."""
    view = session.view
    number = view.stop + direction
    if 1 <= number <= len(view.lesson.stops):
        return session.with_undo(view.at_stop_number(number))
    return _into_neighbour(session, direction)


def past_more(session: Session) -> Session:
    """Go to the next stop that isn't marked as More; past the last one, to the next lesson."""
    view = session.view
    following = view.lesson.stops[view.stop :]
    there = next((stop.number for stop in following if not stop.title.startswith(MORE)), None)
    return _into_neighbour(session, 1) if there is None else session.with_undo(view.at_stop_number(there))


def to_unsolved(session: Session) -> Session:
    """Go to the next exercise of the course that is not solved; after the last one, to the first."""
    view, known = session.view, session.with_progress().learner.progress
    course = [read_entry(lesson) for lesson in session.lessons if not is_playground(lesson)]
    places = [(lesson, stop) for lesson in course for stop in lesson.stops if stop.exercise is not None]
    unsolved = [
        (lesson, stop)
        for lesson, stop in places
        if stop.title not in (known.of(lesson.slug) or LessonProgress()).solved
    ]
    if not unsolved:
        return session.with_notice("Every exercise of the course is solved.")
    here = next((k for k, lesson in enumerate(course) if lesson.slug == view.lesson.slug), -1), view.stop
    later = ((lesson, stop) for lesson, stop in unsolved if (course.index(lesson), stop.number) > here)
    lesson, stop = next(later, unsolved[0])
    if lesson.slug == view.lesson.slug:
        return session.with_undo(view.at_stop_number(stop.number))
    opened = session.with_undo(View.opening(lesson, stop.number))  # as it is asked, whatever was set there
    return opened.with_notice(f"Not solved yet: {as_sentence(lesson.title)}")


def _into_neighbour(session: Session, direction: int) -> Session:
    """Go to the lesson after this one, or to the end of the one before."""
    view = session.view
    if is_playground(view.lesson):
        return session.with_notice("The playground has one stop.")
    neighbour = session.neighbour(direction)
    if neighbour is None:
        return session.with_notice(LAST if direction > 0 else "That is the first stop.")
    lesson = read_entry(neighbour)
    opened = session.with_undo(session.opening(lesson, 1 if direction > 0 else len(lesson.stops)))
    return opened.with_notice(_crossing(view.lesson, lesson, direction))


def _crossing(left: Lesson, opened: Lesson, direction: int) -> str:
    """Return what is said where a step from stop to stop leads into another lesson."""
    if direction < 0:
        return f"The lesson before: {as_sentence(opened.title)}"
    part = "" if left.part == opened.part or opened.place == opened.title else f" Part {opened.place} begins."
    return f"Next lesson: {as_sentence(opened.title)}{part}"
