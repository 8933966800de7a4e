"""The words that name lessons: a built-in lesson's slug, the path of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from tui.model.usage_error import UsageError

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson


def find_lesson(word: str) -> Lesson:
    """Return the lesson of a slug or a path.

    Raises:
        UsageError: If there is none.
        LessonError: If the file is broken.
    """
    from llm_linalg.lessons.lesson import UnknownNameError
    from llm_linalg.lessons.reader import find

    if "." in word or is_path(word):
        from llm_linalg.lessons.documents import is_document, read

        if is_document(word) or is_path(word):
            existing_path(word)
            return read(word)
    try:
        return find(word)
    except UnknownNameError as error:
        raise UsageError(str(error)) from None


def is_path(word: str) -> bool:
    """Return whether a word looks like a path."""
    return "/" in word or "\\" in word


def existing_path(word: str) -> Path:
    """Return the path of a word. Raises UsageError if nothing is there."""
    try:
        exists = Path(word).exists()
    except (OSError, ValueError):
        exists = False
    if not exists and word.endswith((".py", ".ipynb", ".trace")):
        raise UsageError(f"no file {quote(word, 200)}")
    if not exists:
        raise UsageError(f"no lesson file {quote(word, 200)}; 'llm-linalg lessons' lists the built-in ones")
    return Path(word)


def first_lesson() -> Lesson:
    """Return the lesson with which the curriculum begins."""
    from llm_linalg.lessons.reader import read_entry, shelf

    lessons = shelf()
    if not lessons:
        raise UsageError("there are no lessons in this installation")
    return read_entry(lessons[0])


def lesson_word(lesson: Lesson) -> str:
    """Return the slug of a built-in lesson, the path of another."""
    from llm_linalg.lessons.reader import is_built_in

    return lesson.slug if is_built_in(lesson) or lesson.path is None else str(lesson.path)
