"""Read lessons, Markdown files, as immutable values; list the built-in ones.

A lesson consists of TOML front matter between `+++` lines, prose, and programs in `python` fences. Reading
one imports no torch and runs nothing; `Lesson.run` runs a stop's program.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from llm_linalg.base.spelling import unknown
from llm_linalg.lessons import body, front_matter
from llm_linalg.lessons.control import Control, Value
from llm_linalg.lessons.controls import FrontError
from llm_linalg.lessons.files import FOLDER, LONGEST_FILE, curriculum_files, read_bytes, text_of
from llm_linalg.lessons.lesson import (
    PART_TITLES,
    Lesson,
    LessonError,
    LineError,
    ListedLesson,
    UnknownNameError,
)
from llm_linalg.lessons.markdown import spans
from llm_linalg.lessons.stop import Board, BoardRow, FollowedCell, Stop

__all__ = [
    "PART_TITLES",
    "Board",
    "BoardRow",
    "Control",
    "FollowedCell",
    "Lesson",
    "LessonError",
    "ListedLesson",
    "Stop",
    "UnknownNameError",
    "Value",
    "catalog",
    "find",
    "is_built_in",
    "load",
    "parse",
    "problems",
    "read_entry",
    "shelf",
    "spans",
]

LISTING = "'llm-linalg lessons' lists those there are"
LONGEST_HEAD = 400  # bytes that contain title, part and order


def load(path: str | os.PathLike[str]) -> Lesson:
    """Return the lesson in a file.

    Raises:
        LessonError: If it is broken, with the file, the line (1 if none is to blame) and the reason.
    """
    place = Path(path)
    lesson = parse(text_of(read_bytes(place, LONGEST_FILE + 1), place), place)
    return replace(lesson, is_own=True) if place.parent == FOLDER else lesson


def parse(text: str, path: str | os.PathLike[str]) -> Lesson:
    """Return the lesson in a text; its slug is the name of `path` without the suffix.

    Raises:
        LessonError: If it is broken, with the file, the line and the reason.
    """
    lesson, pieces = parse_deck_file(text, path)
    other = next((piece for piece in pieces if isinstance(piece, body.StopsFence)), None)
    if other is not None:
        reason = "stops of other lessons stand in a deck: 'llm-linalg present' shows it"
        raise LessonError(str(path), other.line, reason)
    return lesson


def parse_deck_file(text: str, path: str | os.PathLike[str]) -> tuple[Lesson, list[Stop | body.StopsFence]]:
    """Return a deck file's own stops as a lesson, and these with the fences of others between them.

    Raises:
        LessonError: If it is broken, with the file, the line and the reason.
    """
    name = str(path)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "+++":
        raise LessonError(name, 1, "a lesson begins with its front matter: TOML between two +++ lines")
    closing = next((k for k in range(1, len(lines)) if lines[k].rstrip() == "+++"), None)
    if closing is None:
        raise LessonError(name, 1, "the front matter is never closed: it needs a second +++ line")
    inner = lines[1:closing]
    try:
        front = front_matter.read(inner)
    except FrontError as error:
        line = front_matter.line_of(inner, error.keys) + 2 if error.keys else 1
        raise LessonError(name, line, error.reason) from None
    except (ValueError, RecursionError) as error:
        place, reason = front_matter.toml_fault(error, inner)
        raise LessonError(name, place + 2, reason) from None
    names = [control.name for control in front.controls]
    try:
        pieces = body.read("\n".join(lines[closing + 1 :]), closing + 2, front.title, names)
    except LineError as error:
        raise LessonError(name, error.line, error.reason) from None
    lesson = Lesson(
        slug=Path(name).stem,
        title=front.title,
        part=front.part,
        order=front.order,
        seed=front.seed,
        controls=front.controls,
        stops=tuple(piece for piece in pieces if isinstance(piece, Stop)),
        path=Path(name),
        minutes=front.minutes,
        axis_declarations=front.axis_declarations,
        boxes=front.boxes,
        colours=front.colours,
    )
    return lesson, pieces


@cache
def shelf() -> tuple[Lesson | ListedLesson, ...]:
    """Return the built-in lessons in the order of the curriculum, most of them as unread entries.

    `read_entry` reads those. Broken files without title and place are left out.
    """
    listed: list[Lesson | ListedLesson] = []
    for place in curriculum_files():
        with suppress(LessonError):
            head = front_matter.head(read_bytes(place, LONGEST_HEAD))
            listed.append(load(place) if head is None else ListedLesson(place, *head))
    listed.sort(key=lambda lesson: (lesson.part, lesson.order, lesson.slug))
    return tuple(listed)


def read_entry(lesson: Lesson | ListedLesson) -> Lesson:
    """Return the lesson of an entry of the shelf; each file is read once.

    Raises:
        LessonError: If the file is broken.
    """
    return lesson if isinstance(lesson, Lesson) else _opened(lesson.path)


def is_built_in(lesson: Lesson) -> bool:
    """Return whether a lesson is one of the package's own, as returned by `find` and `catalog`."""
    return any(lesson is read_entry(entry) for entry in shelf() if entry.path == lesson.path)


_opened = cache(load)


@cache
def _built_in() -> tuple[tuple[Lesson, ...], tuple[LessonError, ...]]:
    """Return the lessons in the package's folder, and the errors of the broken files there."""
    shelved = {lesson.slug: lesson for lesson in shelf()}
    whole: dict[str, Lesson] = {}
    broken: list[LessonError] = []
    for place in curriculum_files():
        try:
            whole[place.stem] = read_entry(shelved[place.stem]) if place.stem in shelved else load(place)
        except LessonError as error:
            broken.append(error)
    return tuple(whole[one.slug] for one in shelf() if one.slug in whole), tuple(sorted(broken, key=str))


def catalog() -> tuple[Lesson, ...]:
    """Return the built-in lessons, in the order of the curriculum; broken files are left out."""
    return _built_in()[0]


def problems() -> tuple[LessonError, ...]:
    """Return the errors of the built-in files that `catalog` leaves out."""
    return _built_in()[1]


def find(slug: str) -> Lesson:
    """Return the built-in lesson of a name.

    Raises:
        UnknownNameError: If there is none, with the nearest spelling and the lessons that there are.
        LessonError: If the file of that name is broken.
    """
    for lesson in shelf():
        if lesson.slug == slug:
            return read_entry(lesson)
    for problem in problems():
        if Path(problem.file).stem == slug:
            raise problem
    raise UnknownNameError(unknown("lesson", slug, [lesson.slug for lesson in catalog()], LISTING))
