"""Runs programs of the tests in this process, as the course's own: no room is their subject."""

from __future__ import annotations

from functools import partial

from llm_linalg.api.run import run_text
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.stop import Stop

run = partial(run_text, own=True)


def whole_stops(lesson: Lesson) -> list[Stop]:
    """Returns the stops of a lesson that run all that the others do: no other program goes on with theirs."""
    programs = {stop.program: stop for stop in lesson.stops if stop.program}
    return [
        stop for own, stop in programs.items() if not any(other.startswith(f"{own}\n") for other in programs)
    ]
