"""What a learner has seen and solved of the course, as values and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MOST_STOPS = 1000  # of a lesson
UNSEEN, BEGUN, DONE = range(3)
"""The stages of a lesson."""


class LessonProgress(NamedTuple):
    """What was seen and solved of a lesson.

    Attributes:
        seen: The stops whose picture was shown, from 1, in order.
        solved: The stops whose exercise was solved, in order.
        stops: How many stops the lesson had when one was last shown.
        exercises: How many of them are exercises.
        half: The stops whose exercise has an answer that is right as it stands, and not in general, in order.
    """

    seen: tuple[int, ...] = ()
    solved: tuple[int, ...] = ()
    stops: int = 0
    exercises: int = 0
    half: tuple[int, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether all of it was seen, and all of its exercises were solved."""
        return len(self.seen) >= self.stops > 0 and len(self.solved) >= self.exercises

    @property
    def is_lit(self) -> bool:
        """Whether its box on the map is wholly lit: all its exercises solved, or without any, all seen."""
        return len(self.solved) >= self.exercises if self.exercises else self.is_done

    def merged(self, other: LessonProgress) -> LessonProgress:
        """Return what either knows; the other one's counts, which are newer."""
        stops = range(1, other.stops + 1)
        solved = {*self.solved, *other.solved}
        kept = [
            tuple(sorted(one & {*stops}))
            for one in ({*self.seen, *other.seen}, solved, {*self.half, *other.half} - solved)
        ]
        return LessonProgress(kept[0], kept[1], other.stops, other.exercises, kept[2])


class CourseProgress(NamedTuple):
    """What was seen and solved of each lesson, by its slug."""

    lessons: tuple[tuple[str, LessonProgress], ...] = ()

    def of(self, slug: str) -> LessonProgress | None:
        """Return a lesson's; None of one that was never opened."""
        return next((progress for name, progress in self.lessons if name == slug), None)

    def stage(self, slug: str | None) -> int:
        """Return how far a lesson is: `UNSEEN`, `BEGUN` or `DONE`."""
        known = None if slug is None else self.of(slug)
        return UNSEEN if known is None else DONE if known.is_done else BEGUN

    def light(self, slug: str | None) -> int:
        """Return how far a lesson's box on the map is lit: `UNSEEN`, `BEGUN` or `DONE`."""
        known = None if slug is None else self.of(slug)
        return DONE if known is not None and known.is_lit else self.stage(slug)

    def with_lesson(self, slug: str, progress: LessonProgress) -> CourseProgress:
        """Return the progress with what was seen and solved of a lesson besides."""
        known = self.of(slug)
        if known is None:
            return CourseProgress((*self.lessons, (slug, progress)))
        more = known.merged(progress)
        if more == known:
            return self
        return CourseProgress(tuple((name, more if name == slug else old) for name, old in self.lessons))

    def merged(self, other: CourseProgress) -> CourseProgress:
        """Return what either knows."""
        both = self
        for slug, progress in other.lessons:
            both = both.with_lesson(slug, progress)
        return both

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            slug: {
                "seen": [*one.seen], "solved": [*one.solved], "stops": one.stops, "exercises": one.exercises,
                **({"half": [*one.half]} if one.half else {}),
            }
            for slug, one in self.lessons
        }  # fmt: skip


def progress_of_json(value: object, most: int) -> CourseProgress:
    """Return the progress that a JSON value stands for, of at most so many lessons.

    What is not as it should be is left out.
    """
    told = value.items() if isinstance(value, dict) else ()
    found = [(slug, _lesson(table)) for slug, table in told if isinstance(table, dict)]
    return CourseProgress(tuple((slug, one) for slug, one in found if one.stops)[-most:])


def _lesson(table: Mapping[str, object]) -> LessonProgress:
    stops, exercises = _count(table.get("stops")), _count(table.get("exercises"))
    seen, solved, half = (_stops(table.get(word)) for word in ("seen", "solved", "half"))
    told = LessonProgress(seen, solved, stops, exercises, half)
    return LessonProgress().merged(told)


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value <= MOST_STOPS else 0


def _stops(value: object) -> tuple[int, ...]:
    numbers: Iterable[object] = value if isinstance(value, list) else ()
    return tuple(number for number in numbers if type(number) is int and 0 < number <= MOST_STOPS)
