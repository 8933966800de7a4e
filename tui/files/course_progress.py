"""What a learner has seen and solved of the course, as values and as JSON.

Stops are counted. Their titles are kept beside, and find them again in another version of the course.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson

NUMBERED = Path(__file__).with_name("numbered_stops.txt")
LONGEST_TITLE = 300  # characters
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

    def moved(self, was: Sequence[str], now: Sequence[str], exercises: Sequence[int]) -> LessonProgress:
        """Return it for another version of the lesson, in which a stop of the same title is the same stop.

        What was solved stays solved, where that was all and there are as many exercises. Without the titles
        that there were, numbers count as long as there are as many stops.
        """
        was = was or (now if self.stops == len(now) else ())
        place = {title: number for number, title in enumerate(now, 1)}
        seen, solved, half = (
            {place[was[number - 1]] for number in numbers if number <= len(was) and was[number - 1] in place}
            for numbers in (self.seen, self.solved, self.half)
        )
        if len(self.solved) >= self.exercises == len(exercises):
            solved = {*exercises}
        kept = [tuple(sorted(one)) for one in (seen | solved, solved, half - solved)]
        return LessonProgress(kept[0], kept[1], len(now), len(exercises), kept[2])


class CourseProgress(NamedTuple):
    """What was seen and solved of the course.

    Attributes:
        lessons: What of each lesson, by its slug.
        titles: The titles of the stops of each lesson, as it was then.
    """

    lessons: tuple[tuple[str, LessonProgress], ...] = ()
    titles: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def of(self, slug: str) -> LessonProgress | None:
        """Return a lesson's; None of one that was never opened."""
        return next((progress for name, progress in self.lessons if name == slug), None)

    @property
    def seen_stops(self) -> frozenset[tuple[str, str]]:
        """The stops that were seen: pairs of a lesson's slug and a stop's title."""
        seen = dict(self.lessons)
        return frozenset(
            (slug, titles[number - 1])
            for slug, titles in self.titles
            for number in seen[slug].seen
            if number <= len(titles)
        )

    def stage(self, slug: str | None) -> int:
        """Return how far a lesson is: `UNSEEN`, `BEGUN` or `DONE`."""
        known = None if slug is None else self.of(slug)
        return UNSEEN if known is None else DONE if known.is_done else BEGUN

    def light(self, slug: str | None) -> int:
        """Return how far a lesson's box on the map is lit: `UNSEEN`, `BEGUN` or `DONE`."""
        known = None if slug is None else self.of(slug)
        return DONE if known is not None and known.is_lit else self.stage(slug)

    def with_lesson(self, slug: str, progress: LessonProgress, titles: Sequence[str] = ()) -> CourseProgress:
        """Return the progress with what was seen and solved of a lesson besides, whose stops have titles."""
        known, named = dict(self.lessons), dict(self.titles)
        named |= {slug: tuple(titles)} if titles else {}
        known[slug] = known[slug].merged(progress) if slug in known else progress
        more = CourseProgress(tuple(known.items()), tuple(named.items()))
        return self if more == self else more

    def in_course(self, lessons: Iterable[Lesson]) -> CourseProgress:
        """Return the progress as it is in these lessons, whatever their versions were when it was made."""
        there, named = {lesson.slug: lesson for lesson in lessons}, dict(self.titles)
        moved = CourseProgress()
        for slug, one in self.lessons:
            lesson = there.get(slug)
            if lesson is None:
                moved = moved.with_lesson(slug, one, named.get(slug, ()))
                continue
            now = [str(stop.title) for stop in lesson.stops]
            exercises = [stop.number for stop in lesson.stops if stop.exercise is not None]
            was = named.get(slug) or numbered_stops().get(slug, ())
            was = was if len(was) == one.stops else ()
            moved = moved.with_lesson(slug, one.moved(was, now, exercises), now)
        return moved

    def merged(self, other: CourseProgress) -> CourseProgress:
        """Return what either knows."""
        both = self
        titles = dict(other.titles)
        for slug, progress in other.lessons:
            both = both.with_lesson(slug, progress, titles.get(slug, ()))
        return both

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        named = dict(self.titles)
        return {
            slug: {
                "seen": [*one.seen], "solved": [*one.solved], "stops": one.stops, "exercises": one.exercises,
                **({"half": [*one.half]} if one.half else {}),
                **({"titles": [*named[slug]]} if slug in named else {}),
            }
            for slug, one in self.lessons
        }  # fmt: skip


def progress_of_json(value: object, most: int) -> CourseProgress:
    """Return the progress that a JSON value stands for, of at most so many lessons.

    What is not as it should be is left out.
    """
    tables = value.items() if isinstance(value, dict) else ()
    lessons = [
        (slug, _lesson(table), table.get("titles")) for slug, table in tables if isinstance(table, dict)
    ]
    kept = [(slug, one, titles) for slug, one, titles in lessons if one.stops][-most:]
    named = [(slug, _titles(titles, one.stops)) for slug, one, titles in kept]
    return CourseProgress(
        tuple((slug, one) for slug, one, _ in kept), tuple((slug, titles) for slug, titles in named if titles)
    )


@cache
def numbered_stops() -> Mapping[str, tuple[str, ...]]:
    """Return the titles of the stops of each lesson, as they were while numbers alone were kept."""
    lines = NUMBERED.read_text(encoding="utf-8").splitlines()
    return {slug: tuple(titles) for slug, *titles in (line.split("\t") for line in lines if line[:1] != "#")}


def _titles(value: object, count: int) -> tuple[str, ...]:
    """Return the titles of so many stops that a JSON value is; none for anything else."""
    titles = value if isinstance(value, list) and len(value) == count else []
    whole = all(isinstance(title, str) and len(title) <= LONGEST_TITLE for title in titles)
    return tuple(titles) if whole else ()


def _lesson(table: Mapping[str, object]) -> LessonProgress:
    stops, exercises = _count(table.get("stops")), _count(table.get("exercises"))
    seen, solved, half = (_stops(table.get(word)) for word in ("seen", "solved", "half"))
    counted = LessonProgress(seen, solved, stops, exercises, half)
    return LessonProgress().merged(counted)


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value <= MOST_STOPS else 0


def _stops(value: object) -> tuple[int, ...]:
    numbers: Iterable[object] = value if isinstance(value, list) else ()
    return tuple(number for number in numbers if type(number) is int and 0 < number <= MOST_STOPS)
