"""What a lesson is: one that has been read, or an entry of the shelf that has not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean
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


@dataclass(frozen=True, slots=True)
class Lesson(LessonContents):
    """A lesson: what stands in its file, checked."""

    def check(self, *, thorough: bool = False) -> tuple[LessonError, ...]:
        """Runs every stop and holds it against what the lesson says; what is wrong, with file and line.

        For authors and tests. Imports torch.

        Args:
            thorough: Also with each control at its ends.
        """
        from llm_linalg.lessons.check import problems

        return tuple(problems(self, thorough=thorough))


@dataclass(frozen=True, slots=True)
class ListedLesson:
    """An entry of the shelf: of its file no more has been read than the title and the place.

    Attributes:
        path: Its file; `llm_linalg.lessons.reader.opened` reads it.
        part: The part of the curriculum that it stands in.
        order: Its place within the part.
    """

    path: Path
    title: str
    part: int
    order: int

    @property
    def slug(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def part_title(self) -> str:
        """The title of its part; a lesson that is beyond the parts is one of its own."""
        return title_of_part(self.part, self.title)

    @property
    def place(self) -> str:
        """Where it stands: the part's number and title."""
        return place_of(self.part, self.title)


def lesson_of(
    given: ExternalProgram, title: str, path: Path | None = None, prose: str = "", seed: int = 0
) -> Lesson:
    """The lesson in whose place something given stands: one stop, without a program of its own."""
    name = clean(title, 60) or "trace"
    stop = Stop(number=1, title=name, prose=clean(prose, 4000, lines=True))
    return Lesson(slug=f"trace:{name}", title=name, seed=seed, stops=(stop,), path=path, external=given)
