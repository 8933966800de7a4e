"""What the sidebar lists in place of the lessons: a document's headings and cells. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llm_linalg.text import clean

if TYPE_CHECKING:
    from llm_linalg.lesson import Lesson
    from tui.session import Session

REFUSED = "✗"
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of an outline.

    Attributes:
        command: what opens it, as in `tui.commands`; also what it is known by.
        text: its label.
        level: how deep it stands, from 0.
        heading: whether others stand below it.
        here: whether it is what is open.
    """

    command: str
    text: str
    level: int = 0
    heading: bool = False
    here: bool = False


def outline(session: Session) -> tuple[Entry, ...]:
    """The entries of what is open; none of a lesson, whose sidebar lists the lessons."""
    lesson = session.view.lesson
    return _document(session, lesson) if lesson.document else ()


def pointed(session: Session, entries: tuple[Entry, ...]) -> int:
    """The place of the entry that is chosen, or else open."""
    for k, entry in enumerate(entries):
        if entry.command == session.chosen:
            return k
    return next((k for k, entry in enumerate(entries) if entry.here and not entry.heading), 0)


def choose(session: Session, direction: int) -> Session:
    """The session with the next entry chosen, or the one before."""
    entries = outline(session)
    if not entries:
        return session
    place = max(0, min(len(entries) - 1, pointed(session, entries) + direction))
    return replace(session, chosen=entries[place].command, notice="")


def _document(session: Session, lesson: Lesson) -> tuple[Entry, ...]:
    """All headings, and the cells below the one that is chosen or open: the others are folded."""
    number = session.view.stop
    failed = _failed(session, lesson)
    least = min((heading.level for heading in lesson.outline), default=1)
    starts = [heading.stop for heading in lesson.outline]
    ends = [*starts[1:], len(lesson.stops) + 1]
    chosen = session.chosen or f"stop:{number}"
    entries = _cells(lesson, range(1, min([*starts, len(lesson.stops) + 1])), 0, number, failed)
    for place, (heading, end) in enumerate(zip(lesson.outline, ends, strict=True)):
        command = f"stop:{heading.stop}:{place}"
        level = heading.level - least
        below = range(heading.stop, end)
        here = number in below
        entries.append(Entry(command, heading.title, level, heading=True, here=here))
        shown = chosen == command or any(chosen == f"stop:{stop}" for stop in below)
        if shown or (here and session.chosen is None):
            entries += _cells(lesson, below, level + 1, number, failed)
    return tuple(entries)


def _cells(lesson: Lesson, stops: range, level: int, number: int, failed: set[int]) -> list[Entry]:
    entries = []
    for stop in (lesson.stops[k - 1] for k in stops):
        first = next((line.strip() for line in stop.code.split("\n") if line.strip()), "text")
        refused = f"{REFUSED} " if stop.refused is not None or stop.number in failed else ""
        text = f"{stop.number} {refused}{clean(first, LONGEST)}"
        entries.append(Entry(f"stop:{stop.number}", text, level, here=stop.number == number))
    return entries


def _failed(session: Session, lesson: Lesson) -> set[int]:
    """The stops whose cells failed when the program of the one that is open was run."""
    run = session.opened
    if run is None or run.view.lesson is not lesson:
        return set()
    errors = [*(run.trace.refused if run.trace is not None else ()), *([run.error] if run.error else ())]
    stop = run.view.at_stop
    starts, numbers = lesson.cells(stop), lesson.numbers(stop)
    found = set()
    for error in errors:
        at = [number for start, number in zip(starts, numbers, strict=True) if start <= (error.line or 0)]
        found.update(at[-1:])
    return found
