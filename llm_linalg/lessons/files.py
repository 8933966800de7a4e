"""Read lesson files as bytes and text, within limits."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from pathlib import Path

from llm_linalg.base import file_io, syntax
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.markdown import MOST_LINES

FOLDER = Path(__file__).with_name("curriculum")
"""The folder of the built-in lessons."""
LONGEST_FILE = 256_000  # bytes


def curriculum_files() -> list[Path]:
    """Return the files of the built-in lessons."""
    return sorted(place for place in FOLDER.iterdir() if place.name.endswith(".md"))


def text_of(data: bytes, path: str | os.PathLike[str]) -> str:
    """Return the text of a lesson file; raise `LessonError` if it is too long, or not UTF-8."""
    if len(data) > LONGEST_FILE:
        raise LessonError(str(path), 1, f"larger than {LONGEST_FILE} bytes: not a lesson")
    if data.count(b"\n") > MOST_LINES:
        raise LessonError(str(path), 1, f"longer than {MOST_LINES:,} lines: not a lesson")
    return decode(data, path)


def read_bytes(place: Path, most: int) -> bytes:
    """Return at most `most` bytes from the start of a file; raise `LessonError` if it can't be read."""
    try:
        return file_io.read_bytes(place, most)
    except OSError as error:
        raise LessonError(str(place), 1, (error.strerror or "cannot be read").lower()) from None
    except ValueError as error:
        raise LessonError(str(place), 1, str(error) if place.exists() else "not a path") from None


def decode(data: bytes, path: str | os.PathLike[str]) -> str:
    """Return bytes as text, without a byte order mark; raise `LessonError` at a line that is not UTF-8.

    A Python file may name another encoding.
    """
    try:
        if Path(path).suffix.lower() == ".py":
            return syntax.decode(data)
        data = data.removeprefix(BOM_UTF8)
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"not {error.encoding.upper()} text"
        raise LessonError(str(path), data.count(b"\n", 0, error.start) + 1, reason) from None
