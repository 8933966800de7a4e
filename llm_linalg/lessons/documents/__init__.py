"""Read documents that are not lessons as if they were: notebooks, Python files, Markdown, saved traces.

Each code cell is a stop whose program continues the cells above it. The text between is its prose, and the
headings are the outline. A trace is one stop without a program. Reading runs nothing, and imports torch for a
trace alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from llm_linalg.base.constants import MOST_TRACE_BYTES
from llm_linalg.base.spelling import unknown
from llm_linalg.lessons import files
from llm_linalg.lessons import reader as lesson
from llm_linalg.lessons.documents import markdown_file, notebook, python_file
from llm_linalg.lessons.documents.code_cells import DocumentCell, lesson_of_cells
from llm_linalg.lessons.documents.named_files import files_named
from llm_linalg.lessons.documents.saved_output import with_saved
from llm_linalg.lessons.lesson import Lesson, LessonError, LineError, lesson_of

__all__ = ["files_named", "is_document", "is_trace", "parse", "read", "with_saved"]

LONGEST_FILE = 64_000_000  # bytes; a notebook's outputs may contain large pictures
READERS: dict[str, tuple[Callable[[str], list[DocumentCell]], int]] = {
    ".ipynb": (notebook.read, LONGEST_FILE),
    ".py": (python_file.read, 300_000),
    ".md": (markdown_file.read, 2_000_000),
    ".markdown": (markdown_file.read, 2_000_000),
}
"""By a suffix, how its files are read, and how many bytes they may have; text is parsed as a whole."""
TRACE = ".trace"
SUFFIXES = (*READERS, TRACE)


def is_document(path: str | os.PathLike[str]) -> bool:
    """Return whether `read` reads files with this suffix."""
    return Path(path).suffix.lower() in SUFFIXES


def is_trace(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a trace that was saved, by its suffix."""
    return Path(path).suffix.lower() == TRACE


def read(path: str | os.PathLike[str]) -> Lesson:
    """Return the document in a file, as a lesson.

    Raises:
        LessonError: If it can't be read, with the file, the line (1 if none is to blame) and the reason.
    """
    place = Path(path)
    most = MOST_TRACE_BYTES if is_trace(place) else LONGEST_FILE
    return parse(files.read_bytes(place, most + 1), place)


def parse(data: bytes, path: str | os.PathLike[str]) -> Lesson:
    """Return the document in a file's bytes, as a lesson; the suffix of `path` is the format.

    Raises:
        LessonError: If it can't be read, with the file, the line and the reason.
    """
    name = str(path)
    suffix = Path(name).suffix
    if is_trace(name):
        return _lesson_of_trace(data, Path(name))
    if suffix.lower() not in READERS:
        raise LessonError(name, 1, unknown("kind of file", suffix or "no suffix", SUFFIXES))
    read_cells, most = READERS[suffix.lower()]
    if len(data) > most:
        large = f"{most // 1_000_000} MB" if most >= 1_000_000 else f"{most // 1_000} KB"
        raise LessonError(name, 1, f"larger than {large}")
    text = files.decode(data, name).replace("\r\n", "\n")
    if read_cells is markdown_file.read and markdown_file.is_lesson(text):
        return lesson.parse(files.text_of(data, name), name)
    try:
        return lesson_of_cells(read_cells(text), Path(name))
    except LineError as error:
        raise LessonError(name, error.line, error.reason) from None


def _lesson_of_trace(data: bytes, path: Path) -> Lesson:
    from llm_linalg.api.trace import parse_trace
    from llm_linalg.base.errors import FormatError
    from llm_linalg.lessons.external import of_trace

    try:
        trace = parse_trace(data, path.name)
    except FormatError as error:
        raise LessonError(str(path), 1, str(error)) from None
    return lesson_of(of_trace(trace, ("open", str(path))), path.stem, path, trace.seed)
