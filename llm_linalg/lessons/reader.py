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
from llm_linalg.lessons.files import FOLDER, LONGEST_FILE, curriculum_files, read_bytes, text_of
from llm_linalg.lessons.lesson import Lesson, LessonError, LineError, UnknownNameError
from llm_linalg.lessons.stop import Stop

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
        other = ", not ---" if lines[0].rstrip() == "---" else ""
        raise LessonError(
            name, 1, f"a lesson begins with its front matter: TOML between two +++ lines{other}"
        )
    closing = next((k for k in range(1, len(lines)) if lines[k].rstrip() == "+++"), None)
    if closing is None:
        raise LessonError(name, 1, "the front matter is never closed: it needs a second +++ line")
    try:
        front = front_matter.read(lines[1:closing], Path(name))
        names = [control.name for control in front.controls]
        pieces = body.read("\n".join(lines[closing + 1 :]), closing + 2, front.title, names)
    except LineError as error:
        raise LessonError(name, error.line, error.reason) from None
    return replace(front, stops=tuple(piece for piece in pieces if isinstance(piece, Stop))), pieces


@cache
def shelf() -> tuple[Lesson, ...]:
    """Return the built-in lessons in the order of the curriculum, most of them without their stops.

    `read_entry` reads those. Broken files without title and place are left out.
    """
    listed: list[Lesson] = []
    for place in curriculum_files():
        with suppress(LessonError):
            head = front_matter.head(read_bytes(place, LONGEST_HEAD))
            listed.append(_opened(place) if head is None else Lesson(place.stem, *head, path=place))
    return tuple(sorted(listed, key=_place))


def read_entry(lesson: Lesson) -> Lesson:
    """Return the lesson of an entry of the shelf, read once; raise `LessonError` if it is broken."""
    return lesson if lesson.stops or lesson.path is None else _opened(lesson.path)


def is_built_in(lesson: Lesson) -> bool:
    """Return whether a lesson is one of the package's own, as returned by `find` and `catalog`."""
    return any(lesson is read_entry(entry) for entry in shelf() if entry.path == lesson.path)


_opened = cache(load)


def _place(lesson: Lesson) -> tuple[int, int, str]:
    """Return the place of a lesson in the curriculum."""
    return lesson.part, lesson.order, lesson.slug


@cache
def _built_in() -> tuple[tuple[Lesson, ...], tuple[LessonError, ...]]:
    """Return the lessons in the package's folder, and the errors of the broken files there."""
    whole: list[Lesson] = []
    broken: list[LessonError] = []
    for place in curriculum_files():
        try:
            whole.append(_opened(place))
        except LessonError as error:
            broken.append(error)
    return tuple(sorted(whole, key=_place)), tuple(broken)


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
    for place in curriculum_files():
        if place.stem == slug:
            return _opened(place)
    raise UnknownNameError(unknown("lesson", slug, [lesson.slug for lesson in catalog()], LISTING))
