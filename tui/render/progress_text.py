"""The progress through the course as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.files.course_progress import CourseProgress, LessonProgress
from tui.session.stop_commands import is_more
from tui.text.glyphs import Glyphs

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.lessons.stop import Stop


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


class NextStop(NamedTuple):
    """A stop that is to be gone to."""

    lesson: Lesson
    stop: Stop

    @property
    def words(self) -> str:
        """The lesson, the stop's number, and its title."""
        return f"{self.lesson.title}, stop {self.stop.number}: {self.stop.title}"


def next_stop(
    lessons: Sequence[Lesson], progress: CourseProgress, *, solving: bool, brief: bool
) -> NextStop | None:
    """Return the first stop that was not seen, or the first exercise that was not solved.

    The first lesson that was begun comes first, and those before it last. In `brief` stops marked "More" are
    passed over.
    """
    begun = next((k for k, lesson in enumerate(lessons) if progress.of(lesson.slug)), 0)
    for lesson in (*lessons[begun:], *lessons[:begun]):
        known = progress.of(lesson.slug) or LessonProgress()
        done = known.solved if solving else known.seen
        for stop in lesson.stops:
            is_due = stop.exercise is not None if solving else not (brief and is_more(stop))
            if is_due and stop.number not in done:
                return NextStop(lesson, stop)
    return None


def next_lines(
    lessons: Sequence[Lesson], progress: CourseProgress, *, brief: bool, nearest: NextStop | None = None
) -> Iterator[str]:
    """Yield what to do next, with commands of a shell; in the app the exercise is the one `nearest`."""
    on = next_stop(lessons, progress, solving=False, brief=brief)
    exercise = nearest or next_stop(lessons, progress, solving=True, brief=brief)
    for says, there in (("Go on with", on), ("Solve", exercise)):
        if there is not None:
            how = f"llm-linalg {there.lesson.slug} --stop {there.stop.number}"
            how = ". W goes there." if there is nearest else f"   {how}" if nearest is None else ""
            yield f"{says} {there.words}{how}"
    if on is None and exercise is None:
        yield "You have seen the whole course, and solved every exercise. Well done!"


def progress_lines(
    lessons: Sequence[Lesson], progress: CourseProgress, glyphs: Glyphs, notes: Iterable[str] = ()
) -> Iterator[str]:
    """Yield a line for all of the course, what else is `said`, and a line for each part and each lesson."""
    counted = [(lesson, counts(lesson, progress)) for lesson in lessons]
    total = LessonCounts(*(sum(column) for column in zip(*(own for _, own in counted), strict=True)))
    yield f"{total.seen} of {total.stops} stops seen, {total.solved} of {total.exercises} exercises solved"
    yield from map(glyphs.text, notes)
    width = max(len(lesson.title) for lesson in lessons)
    part = None
    for lesson, own in counted:
        if lesson.part != part:
            part = lesson.part
            yield f"{part} {lesson.part_title}"
        mark = glyphs.stages[progress.stage(lesson.slug)]
        half = "½" * bool((progress.of(lesson.slug) or LessonProgress()).half)
        count = half if half and not own.solved else f"{own.solved}{half}"
        solved = f"  {count}/{own.exercises} solved" if own.exercises else ""
        yield glyphs.text(f"  {mark} {lesson.title:<{width}}  {own.seen:>2}/{own.stops:<2} seen{solved}")
