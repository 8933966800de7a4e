"""The progress through the course as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.files.course_progress import CourseProgress, LessonProgress
from tui.text.glyphs import Glyphs

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson


class LessonCounts(NamedTuple):
    """How many stops of a lesson were seen, of how many, and how many exercises were solved."""

    seen: int
    stops: int
    solved: int
    exercises: int

    def as_json(self) -> dict[str, int]:
        """Return the counts by their names."""
        return {
            "seen": self.seen, "stops": self.stops, "solved": self.solved, "exercises": self.exercises
        }  # fmt: skip


def counts(lesson: Lesson, progress: CourseProgress) -> LessonCounts:
    """Return how far a lesson is; what was seen of it before it had fewer stops counts no more."""
    now = LessonProgress((), (), len(lesson.stops), lesson.exercises)
    known = (progress.of(lesson.slug) or LessonProgress()).merged(now)
    return LessonCounts(len(known.seen), known.stops, len(known.solved), known.exercises)


def progress_lines(lessons: Sequence[Lesson], progress: CourseProgress, glyphs: Glyphs) -> Iterator[str]:
    """Yield a line for each part and each lesson, and one for all of the course."""
    found = [(lesson, counts(lesson, progress)) for lesson in lessons]
    total = LessonCounts(*(sum(column) for column in zip(*(told for _, told in found), strict=True)))
    yield f"{total.seen} of {total.stops} stops seen, {total.solved} of {total.exercises} exercises solved"
    width = max(len(lesson.title) for lesson in lessons)
    part = None
    for lesson, told in found:
        if lesson.part != part:
            part = lesson.part
            yield from ("", f"{part} {lesson.part_title}")
        mark = glyphs.stages[progress.stage(lesson.slug)]
        half = "½" * bool((progress.of(lesson.slug) or LessonProgress()).half)
        count = half if half and not told.solved else f"{told.solved}{half}"
        solved = f"  {count}/{told.exercises} solved" if told.exercises else ""
        yield glyphs.text(f"  {mark} {lesson.title:<{width}}  {told.seen:>2}/{told.stops:<2} seen{solved}")
