"""Commands that go from stop to stop, and into the neighbouring lesson."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from llm_linalg.lessons.reader import catalog, read_entry
from tui.navigation.playground import is_playground
from tui.session.session import Session
from tui.text.prose import as_sentence

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.lessons.stop import Stop

Transition = Callable[[Session], Session]
Value = TypeVar("Value")


def by(act: Callable[[Session, Value], Session], value: Value) -> Transition:
    """Return the command that does something in one of several ways, such as by one stop forward."""
    return lambda session: act(session, value)


def stop_by(session: Session, direction: int) -> Session:
    """Go to the next stop or the one before; past the ends, to the neighbouring lesson."""
    view = session.view
    number = stop_beside(session, view.lesson, view.stop, direction)
    if number is not None:
        return session.with_undo(view.at_stop_number(number))
    if is_playground(view.lesson):
        return session.with_notice("The playground has one stop.")
    neighbour = session.neighbour(direction)
    if neighbour is None:
        return session.with_notice(the_end(session) if direction > 0 else "That is the first stop.")
    lesson = read_entry(neighbour)
    end = 0 if direction > 0 else len(lesson.stops) + 1
    number = stop_beside(session, lesson, end, direction) or 1
    opened = session.with_undo(session.opening(lesson, number))
    return opened.with_notice(_crossing(view.lesson, lesson, direction))


def the_end(session: Session) -> str:
    """Return what is said behind the last stop: of the course what is solved, and the ways on."""
    lesson = session.view.lesson
    if not lesson.is_own or lesson.document or lesson.external is not None:
        edit = "E edit, " if session.view.program else ""
        return f"The end. {edit}P practice, F4 the course."
    known = [session.learner.progress.of(lesson.slug) for lesson in catalog()]
    exercises = sum(lesson.exercises for lesson in catalog())
    solved = sum(len(one.solved) for one in known if one is not None)
    if solved >= exercises:
        return "The end, and every exercise is solved. P practice, E own code, F3 a model."
    return f"The end: {solved} of {exercises} exercises solved. W next, P practice, E own code, F3 more."


def stop_beside(session: Session, lesson: Lesson, number: int, direction: int) -> int | None:
    """Return the next stop of a lesson in a direction, by its number; None beyond the ends.

    Where stops marked "More" are left out, it is none of them.
    """
    left_out = session.learner.is_brief and not lesson.document
    numbers = range(number + direction, len(lesson.stops) + 1) if direction > 0 else range(number - 1, 0, -1)
    return next((one for one in numbers if not (left_out and is_more(lesson.stops[one - 1]))), None)


def is_more(stop: Stop) -> bool:
    """Return whether a stop is one that may be left out."""
    return stop.title.startswith("More: ")


def leave_out_more(session: Session) -> Session:
    """Leave out the stops marked "More", or take them in again."""
    brief = not session.learner.is_brief
    outcome = "left out from here on. V takes them in again." if brief else "taken in again."
    return session.with_learner(is_brief=brief).with_notice(f"Stops marked More are {outcome}")


def next_exercise(session: Session) -> Session:
    """Go to the next exercise that was not solved, in this lesson or behind it, else from the first on."""
    view, progress = session.view, session.learner.progress
    listed = [lesson for lesson in session.lessons if not is_playground(lesson)]
    here = next((k for k, lesson in enumerate(listed) if lesson.slug == view.lesson.slug), 0)
    for entry, after in (
        (view.lesson, view.stop),
        *((lesson, 0) for lesson in (*listed[here + 1 :], *listed[:here])),
        (view.lesson, 0),
    ):
        known = progress.of(entry.slug)
        if known is not None and len(known.solved) >= known.exercises > 0:
            continue
        lesson = read_entry(entry)
        numbers = [stop.number for stop in lesson.stops if stop.exercise is not None and stop.number > after]
        number = next((one for one in numbers if known is None or one not in known.solved), None)
        if number is None:
            continue
        if lesson.slug != view.lesson.slug:
            notice = f"An exercise of {as_sentence(lesson.title)} u leads back."
            return session.with_undo(session.opening(lesson, number)).with_notice(notice)
        if number != view.stop:
            return session.with_undo(view.at_stop_number(number))
        return session.with_notice("All others are solved.")
    return session.with_notice("Every exercise is solved. P asks new questions, without end.")


def _crossing(left: Lesson, opened: Lesson, direction: int) -> str:
    """Return what is said where a step from stop to stop leads into another lesson."""
    if direction < 0:
        return f"The lesson before: {as_sentence(opened.title)}"
    part = "" if left.part == opened.part or opened.place == opened.title else f" Part {opened.place} begins."
    return f"Next lesson: {as_sentence(opened.title)}{part}"
