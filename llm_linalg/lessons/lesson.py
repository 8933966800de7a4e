"""Lessons, and entries of the shelf whose files have not been read yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.text import CleanText, clean
from llm_linalg.lessons.contents import (
    PART_TITLES,
    LessonContents,
    LessonError,
    UnknownNameError,
    place_of,
    title_of_part,
)
from llm_linalg.lessons.stop import Heading, Stop

if TYPE_CHECKING:
    from llm_linalg.lessons.external import ExternalProgram

__all__ = [
    "PART_TITLES", "Heading", "Lesson", "LessonError", "ListedLesson", "Stop", "UnknownNameError",
    "lesson_of",
]  # fmt: skip


class Lesson(LessonContents):
    """A lesson: the checked contents of its file."""

    __slots__ = ()

    def check(self, *, thorough: bool = False) -> tuple[LessonError, ...]:
        """Run every stop and return the lesson's problems, with file and line.

        For authors and tests. Imports torch.

        Args:
            thorough: Whether to run it with each control at its ends as well.
        """
        from llm_linalg.lessons.check import problems

        return tuple(problems(self, thorough=thorough))


class ListedLesson(NamedTuple):
    """An entry of the shelf: a lesson of which only title and place have been read.

    Attributes:
        path: Its file; `llm_linalg.lessons.reader.read_entry` reads it.
        title: Its title.
        part: The part of the curriculum that it belongs to.
        order: Its position within the part.
    """

    path: Path
    title: CleanText
    part: int
    order: int

    @property
    def slug(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def part_title(self) -> CleanText:
        """The title of its part; a lesson beyond the parts is its own."""
        return title_of_part(self.part, self.title)

    @property
    def place(self) -> CleanText:
        """Its place in the curriculum, as the part's number and title."""
        return place_of(self.part, self.title)


def lesson_of(given: ExternalProgram, title: str, path: Path | None = None, seed: int = 0) -> Lesson:
    """Return a lesson of one stop that shows an external program."""
    name = clean(clean(title, 60) or "trace")
    stop = Stop(number=1, title=name)
    return Lesson(slug=f"trace:{name}", title=name, seed=seed, stops=(stop,), path=path, external=given)
