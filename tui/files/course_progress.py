"""What a learner has seen and solved of the course, as values and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson

MOST_STOPS = 1000  # of a lesson
LONGEST_TITLE = 200  # characters of a stop's title
NUMBER = "#"  # before a stop's number, where its title is not known
UNSEEN, BEGUN, DONE = range(3)
"""The stages of a lesson."""


class LessonProgress(NamedTuple):
    """What was seen and solved of a lesson.

    A stop is known by its title, so that what was seen stays what was seen when a lesson gets a stop more.

    Attributes:
        seen: The titles of the stops whose picture was shown.
        solved: Those of the stops whose exercise was solved.
        stops: How many stops the lesson had when one was last shown.
        exercises: How many of them are exercises.
    """

    seen: tuple[str, ...] = ()
    solved: tuple[str, ...] = ()
    stops: int = 0
    exercises: int = 0

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
        seen, solved = {*self.seen, *other.seen}, {*self.solved, *other.solved}
        return LessonProgress(tuple(sorted(seen)), tuple(sorted(solved)), other.stops, other.exercises)

    def as_of(self, lesson: Lesson) -> LessonProgress:
        """Return what of it the lesson has today.

        An older state numbered the stops: a number counts while there are as many. Where all exercises were
        solved, and there are as many, they still are.
        """
        titles = [stop.title for stop in lesson.stops]
        asked = [stop.title for stop in lesson.stops if stop.exercise is not None]
        numbered = titles if self.stops == len(titles) else []
        names = {f"{NUMBER}{n}": title for n, title in enumerate(numbered, 1)}
        seen, solved = ({names.get(one, one) for one in known} for known in (self.seen, self.solved))
        if len(self.solved) >= self.exercises == len(asked):
            solved |= {*asked}
        return LessonProgress(
            tuple(sorted(seen & {*titles})), tuple(sorted(solved & {*asked})), len(titles), len(asked)
        )


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

    def as_of(self, lessons: Iterable[Lesson]) -> CourseProgress:
        """Return what of it these lessons have today; that of others stays as it is."""
        now = {lesson.slug: lesson for lesson in lessons}
        return CourseProgress(
            tuple((slug, one.as_of(now[slug]) if slug in now else one) for slug, one in self.lessons)
        )

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
                "seen": [*one.seen], "solved": [*one.solved], "stops": one.stops, "exercises": one.exercises
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
    told = LessonProgress(_stops(table.get("seen")), _stops(table.get("solved")), stops, exercises)
    return LessonProgress().merged(told)


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value <= MOST_STOPS else 0


def _stops(value: object) -> tuple[str, ...]:
    """Return titles; the number of a stop, as an older state has it, behind a sign of its own."""
    told: Iterable[object] = value[:MOST_STOPS] if isinstance(value, list) else ()
    named = (f"{NUMBER}{one}" if type(one) is int and 0 < one <= MOST_STOPS else one for one in told)
    return tuple(one for one in named if isinstance(one, str) and 0 < len(one) <= LONGEST_TITLE)
