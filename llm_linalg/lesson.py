"""Lessons: a Markdown file as an immutable value, and the catalog of the built-in ones.

A lesson is TOML front matter between `+++` lines, prose, and programs in `python` fences.
Reading one imports no torch and runs nothing; `Lesson.run` runs a stop's program.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from contextlib import suppress
from functools import cache
from pathlib import Path

from llm_linalg import lesson_board, lesson_body, lesson_front
from llm_linalg.board import Board, BoardRow
from llm_linalg.controls import Control, Scalar, Value
from llm_linalg.lesson_controls import FrontError
from llm_linalg.lesson_info import BodyError, Info
from llm_linalg.lesson_stop import Asked
from llm_linalg.lesson_values import (
    PART_TITLES,
    Heading,
    Lesson,
    LessonError,
    Stop,
    UnknownNameError,
)
from llm_linalg.markdown import MOST_LINES, spans
from llm_linalg.spelling import unknown

__all__ = [
    "PART_TITLES",
    "Asked",
    "Board",
    "BoardRow",
    "Control",
    "Heading",
    "Lesson",
    "LessonError",
    "Scalar",
    "Stop",
    "UnknownNameError",
    "Value",
    "catalog",
    "find",
    "load",
    "parse",
    "problems",
    "shelf",
    "spans",
]

FOLDER = Path(__file__).with_name("lessons")
LONGEST_FILE = 256_000  # bytes
LONGEST_HEAD = 400  # bytes that hold a title and a place


def load(path: str | os.PathLike[str]) -> Lesson:
    """The lesson in a file.

    Raises:
        LessonError: With the file, the line (1 where none is to blame) and the reason.
    """
    place = Path(path)
    return linked(read(place))


def read(place: Path) -> Lesson:
    """The lesson in a file; its links are not followed.

    Raises:
        LessonError: With the file, the line and the reason.
    """
    return of_bytes(read_bytes(place, LONGEST_FILE + 1), place)


def of_bytes(data: bytes, path: str | os.PathLike[str]) -> Lesson:
    """The lesson that a file's bytes are.

    Raises:
        LessonError: With the file, the line and the reason.
    """
    return parse(text_of(data, path), path)


def text_of(data: bytes, path: str | os.PathLike[str]) -> str:
    """The text of a lesson's bytes.

    Raises:
        LessonError: If they are too many, or no UTF-8.
    """
    if len(data) > LONGEST_FILE:
        raise LessonError(str(path), 1, f"larger than {LONGEST_FILE} bytes: not a lesson")
    if data.count(b"\n") > MOST_LINES:
        raise LessonError(str(path), 1, f"longer than {MOST_LINES:,} lines: not a lesson")
    return decoded(data, path)


def read_bytes(place: Path, most: int) -> bytes:
    """The first bytes of a file.

    Raises:
        LessonError: If it can't be read.
    """
    try:
        if place.exists() and not place.is_file():
            raise LessonError(str(place), 1, "not a file")  # a pipe or a device may never end
        with place.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise LessonError(str(place), 1, (error.strerror or "cannot be read").lower()) from None
    except ValueError:
        raise LessonError(str(place), 1, "not a path") from None


def linked(lesson: Lesson) -> Lesson:
    """The lesson itself.

    Raises:
        LessonError: If one of its links leads nowhere.
    """
    dead = lesson.dead_link([other.slug for other in shelf()])
    if dead is not None:
        raise dead
    return lesson


def parse(text: str, path: str | os.PathLike[str]) -> Lesson:
    """The lesson that `text` is; its slug is the name of `path` without the suffix.

    Raises:
        LessonError: With the file, the line and the reason.
    """
    lesson, pieces = drafted(text, path)
    other = next((piece for piece in pieces if piece.stops), None)
    if other is not None:
        reason = "stops of other lessons stand in a deck: 'llm-linalg present' shows it"
        raise LessonError(str(path), other.place, reason)
    return lesson


def drafted(text: str, path: str | os.PathLike[str]) -> tuple[Lesson, list[lesson_body.Piece]]:
    """The lesson of a deck's own stops, and what stands in the file; the pieces' places are lines, from 1.

    Raises:
        LessonError: With the file, the line and the reason.
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
        front = lesson_front.read(inner)
    except FrontError as error:
        line = lesson_front.line_of(inner, error.keys) + 2 if error.keys else 1
        raise LessonError(name, line, error.reason) from None
    except (ValueError, RecursionError) as error:
        place, reason = lesson_front.toml_fault(error, inner)
        raise LessonError(name, place + 2, reason) from None
    first = closing + 2
    try:
        pieces = lesson_body.read(lines[closing + 1 :])
        stops = _stops([piece for piece in pieces if not piece.stops], first, front.title)
    except BodyError as error:
        raise LessonError(name, first + error.place, error.reason) from None
    lesson = Lesson(
        slug=Path(name).stem,
        title=front.title,
        part=front.part,
        order=front.order,
        seed=front.seed,
        controls=front.controls,
        stops=stops,
        path=Path(name),
        minutes=front.minutes,
        declared=front.declared,
        boxes=front.boxes,
    )
    return lesson, [piece.below(first) for piece in pieces]


def _stops(pieces: list[lesson_body.Piece], first: int, title: str) -> tuple[Stop, ...]:
    """The stops with their programs: a fence continues those above it that do not fail."""
    stops: list[Stop] = []
    above: list[str] = []
    for number, piece in enumerate(pieces, 1):
        info = piece.info or Info()
        slide = piece.info is None and piece.board is None
        program = [*above, piece.code] if piece.code else above
        text = "" if slide else "\n".join(program)
        stops.append(
            Stop(
                number=number,
                title=piece.title or title,
                prose=piece.prose,
                code=piece.code,
                program=text,
                show=info.show[0] if info.show else None,
                beside=info.show[1:],
                order=info.order,
                steps=info.steps,
                margin=info.margin,
                fails=info.fails,
                backward=info.backward,
                ranks=info.ranks,
                map=info.map,
                asked=info.asked,
                line=first + piece.place,
                board=lesson_board.read(piece.board, first, text) if piece.board else None,
                notes=piece.notes.text,
                minutes=piece.notes.minutes,
                expects=lesson_body.further(piece.expects, first),
                slide=slide,
            )
        )
        if not info.fails:
            above = program
    return tuple(stops)


def decoded(data: bytes, path: str | os.PathLike[str]) -> str:
    """The text of a file's bytes, without the mark that may stand in front.

    Raises:
        LessonError: With the line where it is no UTF-8.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LessonError(str(path), data.count(b"\n", 0, error.start) + 1, "not UTF-8 text") from None


@cache
def shelf() -> tuple[Lesson, ...]:
    """The built-in lessons in the order of the curriculum, read no further than their titles.

    What else is asked of one reads its file, and raises the LessonError of one that is broken.
    """
    listed: list[Lesson] = []
    for place in FOLDER.iterdir():
        if place.name.endswith(".md"):
            with suppress(LessonError):
                head = lesson_front.head(read_bytes(place, LONGEST_HEAD))
                listed.append(read(place) if head is None else Lesson.listed(place, *head))
    listed.sort(key=lambda lesson: (lesson.part, lesson.order, lesson.slug))
    return tuple(listed)


@cache
def _built_in() -> tuple[tuple[Lesson, ...], tuple[LessonError, ...]]:
    """The lessons of the package's folder, wholly read, and the errors of the files there that are none."""
    shelved = {lesson.slug: lesson for lesson in shelf()}
    whole: set[str] = set()
    broken: list[LessonError] = []
    for place in FOLDER.iterdir():
        if place.name.endswith(".md"):
            try:
                whole.add(linked(shelved.get(place.stem) or read(place)).slug)
            except LessonError as error:
                broken.append(error)
    return tuple(one for one in shelf() if one.slug in whole), tuple(sorted(broken, key=str))


def catalog() -> tuple[Lesson, ...]:
    """The built-in lessons, in the order of the curriculum; broken files are left out."""
    return _built_in()[0]


def problems() -> tuple[LessonError, ...]:
    """What is wrong with the built-in files that `catalog` left out."""
    return _built_in()[1]


def find(slug: str) -> Lesson:
    """The built-in lesson of that name.

    Raises:
        UnknownNameError: With the nearest spelling and the lessons that there are.
        LessonError: Where the file of that name is broken.
    """
    for lesson in shelf():
        if lesson.slug == slug:
            return linked(lesson)
    for problem in problems():
        if Path(problem.file).stem == slug:
            raise problem
    raise UnknownNameError(unknown("lesson", slug, [lesson.slug for lesson in catalog()]))
