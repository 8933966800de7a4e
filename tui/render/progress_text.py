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
    """Return how far a lesson is; what was seen of it and is no more doesn't count."""
    known = (progress.of(lesson.slug) or LessonProgress()).as_of(lesson)
    return LessonCounts(len(known.seen), known.stops, len(known.solved), known.exercises)


def progress_lines(lessons: Sequence[Lesson], progress: CourseProgress, glyphs: Glyphs) -> Iterator[str]:
    """Yield a line for all of the course, what to do next, and a line for each part and each lesson."""
    progress = progress.as_of(lessons)
    found = [(lesson, counts(lesson, progress)) for lesson in lessons]
    total = LessonCounts(*(sum(column) for column in zip(*(told for _, told in found), strict=True)))
    yield f"{total.seen} of {total.stops} stops seen, {total.solved} of {total.exercises} exercises solved"
    yield glyphs.text(f"Next: {what_is_next(lessons, progress)}")
    width = max(len(lesson.title) for lesson in lessons)
    part = None
    for lesson, told in found:
        if lesson.part != part:
            part = lesson.part
            yield from ("", f"{part} {lesson.part_title}")
        mark = glyphs.stages[progress.stage(lesson.slug)]
        solved = f"  {told.solved}/{told.exercises} solved" if told.exercises else ""
        yield glyphs.text(f"  {mark} {lesson.title:<{width}}  {told.seen:>2}/{told.stops:<2} seen{solved}")


def what_is_next(lessons: Sequence[Lesson], progress: CourseProgress) -> str:
    """Return what to do next: the first stop that was not seen, then the first exercise that is unsolved."""
    unsolved = ""
    for lesson in lessons:
        known = progress.of(lesson.slug) or LessonProgress()
        for stop in lesson.stops:
            place = f"{lesson.title}, stop {stop.number}"
            if stop.title not in known.seen:
                return f"{place}: {stop.title}"
            if stop.exercise is not None and stop.title not in known.solved:
                unsolved = unsolved or f"the exercise of {place} (G leads there)"
    return unsolved or "all is seen and solved. P asks new questions, and E opens code of your own."
