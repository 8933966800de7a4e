"""Run a document's cells in order and report those that fail, or join them into one program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean
from tui.files.output import explain, say
from tui.model.usage_error import UsageError

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.lessons.reader import Lesson, Stop

NOTEBOOK = ".ipynb"
MARKDOWN = (".md", ".markdown")


def document_in(file: str) -> Lesson | None:
    """Return the notebook, or the Markdown that is no lesson, in a file; None for anything else.

    Raises:
        UsageError: If there is no such file.
        LessonError: If it can't be read.
    """
    from tui.model.lesson_words import find_lesson

    if Path(file).suffix.lower() not in (NOTEBOOK, *MARKDOWN):
        return None
    found = find_lesson(file)
    return found if found.document else None


def run_cells(lesson: Lesson, seed: int, seconds: float | None = None) -> tuple[Trace, bool]:
    """Run a document's cells in order, each with the names of those above; report those that fail.

    Returns:
        The trace, and whether every cell ran that the language has not refused.
    """
    from llm_linalg import run

    for stop in lesson.stops:
        if stop.refusal is not None:
            line = "" if _is_notebook(lesson) else f"line {stop.line + 1}: "
            say(f"{_where(lesson, stop)}{line}refused: {stop.refusal}")
    last = next((stop for stop in reversed(lesson.stops) if stop.refusal is None), None)
    if last is None:
        return run("", seed=seed), True
    lines = last.program.count("\n") + 1
    # An empty cell at the end, since the last one has to run.
    cells = (*lesson.cells(last), lines + 1)
    trace = run(f"{last.program}\n", seed=seed, seconds=seconds, cells=cells)
    for error in trace.cell_errors:
        explain(*_place_error(lesson, last, error))
    return trace, not trace.cell_errors


def _place_error(lesson: Lesson, last: Stop, error: ProgramError) -> tuple[ProgramError, str]:
    """Return an error, its line counted in its notebook cell or file, and the place before it."""
    pairs = zip(lesson.cells(last), lesson.numbers(last), strict=True)
    start, number = max((pair for pair in pairs if pair[0] <= (error.line or 1)), default=(1, 1))
    stop = lesson.stop(number)
    return error.shift(1 - start + (0 if _is_notebook(lesson) else stop.line)), _where(lesson, stop)


def _where(lesson: Lesson, stop: Stop) -> str:
    """Return the file of a document, and the number of a notebook's code cell."""
    name = lesson.path.name if lesson.path is not None else lesson.slug
    return clean(name, 60) + (f", code cell {stop.number}: " if _is_notebook(lesson) else ": ")


def _is_notebook(lesson: Lesson) -> bool:
    """Return whether its cells have no lines of a file, but numbers."""
    return lesson.path is not None and lesson.path.suffix.lower() == NOTEBOOK


def as_program(lesson: Lesson) -> str:
    """Return the cells of a document as one program; what the language refuses stands in comments."""
    return "\n".join(_parts(lesson))


def _parts(lesson: Lesson) -> Iterator[str]:
    for stop in lesson.stops:
        if stop.refusal is None:
            yield f"{stop.code}\n" if stop.code else ""
            continue
        yield f"# refused: {stop.refusal}"
        yield from (f"# {line}" for line in stop.code.split("\n"))
        yield ""


def program_of(file: Path, longest: int) -> str | None:
    """Return the cells of a notebook or of Markdown as one program; None for another file.

    Raises:
        UsageError: If it is too long, or there is no such file.
        LessonError: If it can't be read.
    """
    if file.suffix.lower() not in (NOTEBOOK, *MARKDOWN):
        return None
    lesson = document_in(str(file))
    if lesson is None:
        raise UsageError(f"{quote(str(file), 200)} is a lesson: open it, and E edits a stop's program")
    text = as_program(lesson)
    if len(text) > longest:
        raise UsageError(
            f"the cells of {quote(str(file), 200)} have {len(text):,} characters together; a program has "
            f"{longest:,} at most: 'llm-linalg open' shows them one by one"
        )
    return text
