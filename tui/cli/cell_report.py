"""Run a document's cells in order and report those that fail, or join them into one program."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
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
SCRIPT = ".py"
MARKDOWN = (".md", ".markdown")


def document_in(file: str) -> Lesson | None:
    """Return the notebook, script or Markdown that is no lesson in a file; None for anything else.

    Raises:
        UsageError: If there is no such file.
        LessonError: If it can't be read.
    """
    from tui.model.lesson_words import find_lesson

    if Path(file).suffix.lower() not in (NOTEBOOK, SCRIPT, *MARKDOWN):
        return None
    found = find_lesson(file)
    return found if found.document else None


def allow_reading(file: str | None) -> None:
    """Let programs read text and weights in a document's folder.

    Raises:
        UsageError: If there is no document.
    """
    from llm_linalg.language import readable_files

    if file is None or not Path(file).is_file():
        raise UsageError("--read is for a file, and text and weights beside it")
    readable_files.allow(Path(file).parent)


def run_cells(lesson: Lesson, seed: int, seconds: float | None = None) -> tuple[Trace, bool]:
    """Run a document's cells in order, each with the names of those above; report those that are not run.

    Returns:
        The trace, and whether every cell was run; of a notebook and of Markdown what the language refuses,
        and what rests on it, does not count.
    """
    from llm_linalg import LimitError, run
    from llm_linalg.language.readable_files import files_read
    from llm_linalg.recording.cell_state import summary

    last = next((stop for stop in reversed(lesson.stops) if stop.exercise is None), None)
    if last is None:
        return run("", seed=seed), True
    lines = last.program.count("\n") + 1
    # An empty cell at the end, since the error of the last one is raised.
    cells = (*lesson.cells(last), lines + 1)
    try:
        trace = run(f"{last.program}\n", seed=seed, seconds=seconds, cells=cells)
    except LimitError as exceeded:  # nothing is left of the budget for the cells below
        if exceeded.trace is None:
            raise
        trace = exceeded.trace
    trace.cells = trace.cells[:-1]
    errors = iter(trace.cell_errors)
    for cell in trace.cells:
        stop = lesson.stop(cell.number)
        error = None if cell.state == "run" else next(errors, None)
        if error is not None and cell.state == "failed":
            explain(_in_file(lesson, stop, cells, error), _where(lesson, stop))
            continue
        line = "" if _is_notebook(lesson) else f"line {stop.line + 1}: "
        if cell.state != "run":
            if error is not None and not _is_notebook(lesson):
                line = f"line {_in_file(lesson, stop, cells, error).line or stop.line + 1}: "
            rests = "refused" if cell.state == "refused" else f"rests on cell {cell.root}"
            say(f"{_where(lesson, stop)}{line}{rests}: {cell.reason}")
        elif cell.reason:
            say(f"{_where(lesson, stop)}{line}{cell.reason}")
    if any(cell.state != "run" for cell in trace.cells):
        say(f"{summary(trace.cells)}.")
    if files_read():
        say(f"It reads {', '.join(sorted(files_read()))}.")
    is_script = lesson.path is not None and lesson.path.suffix.lower() == SCRIPT
    wrong = [cell for cell in trace.cells if cell.state == "failed" or (is_script and cell.state != "run")]
    return trace, not wrong


def _in_file(lesson: Lesson, stop: Stop, cells: Sequence[int], error: ProgramError) -> ProgramError:
    """Return the error of a stop, its line counted in its notebook cell or file.

    It may stand in a function of a cell above, and what led there in another.
    """
    own = error.shift(_lines_above(lesson, cells, error.line or cells[stop.number - 1]))
    frames = [
        frame._replace(span=frame.span.shift(_lines_above(lesson, cells, frame.line)))
        for frame in error.frames
        if not frame.file
    ]
    own.frames = tuple(frames) or error.frames
    return own


def _lines_above(lesson: Lesson, cells: Sequence[int], line: int) -> int:
    """Return how many lines stand above a line in its cell or file, less those above it in the program."""
    number = min(max(bisect_right(cells, line), 1), len(lesson.stops))
    return 1 - cells[number - 1] + (0 if _is_notebook(lesson) else lesson.stop(number).line)


def _where(lesson: Lesson, stop: Stop) -> str:
    """Return the file of a document, and the number of a notebook's code cell."""
    name = lesson.path.name if lesson.path is not None else lesson.slug
    return clean(name, 60) + (f", code cell {stop.number}: " if _is_notebook(lesson) else ": ")


def _is_notebook(lesson: Lesson) -> bool:
    """Return whether its cells have no lines of a file, but numbers."""
    return lesson.path is not None and lesson.path.suffix.lower() == NOTEBOOK


def as_program(lesson: Lesson) -> str:
    """Return the cells of a document as one program; what the language refuses stands in comments."""
    return "\n".join(_program_of_cell(stop) for stop in lesson.stops)


def _program_of_cell(stop: Stop) -> str:
    """Return a cell's program with its refused statements, and its notebook's commands, in comments."""
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.language.notebook_source import NotebookSource
    from llm_linalg.language.source import Source

    lines = stop.code.split("\n")
    source = NotebookSource(stop.code, (1,))
    reasons: dict[int, str] = {}
    refused = dict.fromkeys(source.left_out, "")
    for statement in source.tree.body:
        first, end = statement.lineno, statement.end_lineno or statement.lineno
        if statement in source.unread:
            first, end = 1, len(lines)
        try:
            Source("\n".join(lines[first - 1 : end]))
        except ProgramError as error:
            reasons.setdefault(first, error.message)
            refused |= dict.fromkeys(range(first, end + 1), "")
    made: list[str] = []
    for number, line in enumerate(lines, 1):
        made += [f"# refused: {reasons[number]}"] if number in reasons else []
        made.append(f"# {line}" if number in refused else line)
    return "\n".join([*made, ""] if stop.code else [""])


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
