"""Run a document's cells in order and report those that fail, or join them into one program."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean
from tui.files.output import explain, narrate, say
from tui.model.usage_error import UsageError

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.lessons.stop import Stop
    from llm_linalg.recording.cell_state import CellState

NOTEBOOK = ".ipynb"
SCRIPT = ".py"
MARKDOWN = (".md", ".markdown")
FAULTS = ("failed", "stopped")
"""How cells end that a notebook does not get away with."""


def document_in(file: str) -> Lesson | None:
    """Return the notebook, script or Markdown that is no lesson in a file; None for anything else.

    Raises:
        UsageError: If there is no such file.
        LessonError: If it can't be read.
    """
    from tui.model.lesson_words import find_lesson

    if Path(file).suffix.lower() not in (NOTEBOOK, SCRIPT, *MARKDOWN):
        return None
    lesson = find_lesson(file)
    return lesson if lesson.document else None


def readable_folder(file: str | None) -> Path:
    """Return the folder that programs may read: a document's, for `-` the current one.

    Raises:
        UsageError: If there is no document.
    """
    if file == "-":
        return Path.cwd()
    if file is None or not Path(file).is_file():
        raise UsageError("--read is for a file, and what lies beside it")
    return Path(file).resolve().parent


def run_cells(
    lesson: Lesson, seed: int, seconds: float | None = None, read: Path | None = None
) -> tuple[Trace, bool]:
    """Run a document's cells in order, each with the names of those above; report those that are not run.

    Returns:
        The trace, and whether every cell was run; of a notebook and of Markdown what rests on a cell that was
        not run does not count.
    """
    from llm_linalg import LimitError
    from llm_linalg.api.run import run, run_text
    from llm_linalg.lessons.documents import with_saved
    from llm_linalg.recording.cell_state import summary

    last = next((stop for stop in reversed(lesson.stops) if stop.exercise is None), None)
    if last is None:
        return run_text("", own=True, seed=seed), True
    program, cells = _program(lesson, last)
    try:
        trace = run(program, seed=seed, seconds=seconds, cells=cells, read=read)
    except LimitError as exceeded:  # nothing is left of the budget for the cells below
        if exceeded.trace is None:
            raise
        trace = exceeded.trace
    trace.cells = with_saved(lesson, trace.cells[:-1])
    _report(lesson, cells, trace)
    if not all(cell.is_whole for cell in trace.cells):
        say(f"{summary(trace.cells)}.")
    is_script = lesson.path is not None and lesson.path.suffix.lower() == SCRIPT
    wrong = [cell for cell in trace.cells if cell.state in FAULTS or (is_script and not cell.is_whole)]
    return trace, not wrong


def _program(lesson: Lesson, last: Stop) -> tuple[str, tuple[int, ...]]:
    """Return a document's program, and the lines at which its cells begin: those of its file, if it has any.

    An empty cell stands at the end, since the error of the last one is raised.
    """
    lines, starts = last.program.split("\n"), lesson.cells(last)
    if _is_notebook(lesson):
        return f"{last.program}\n", (*starts, len(lines) + 1)
    laid: list[str] = []
    cells: list[int] = []
    for stop, start, end in zip(lesson.stops, starts, [*starts[1:], len(lines) + 1], strict=False):
        own = lines[start - 1 : end - 1]
        laid += [""] * (stop.line - len(laid) if any(own) else 0)
        cells.append(len(laid) + 1)
        laid += own
    return "\n".join([*laid, ""]), (*cells, len(laid) + 1)


def _report(lesson: Lesson, cells: Sequence[int], trace: Trace) -> None:
    """Print of each cell that was not run, or may be different, why."""
    from llm_linalg.base.errors import MissingValueError

    own = iter([error for error in trace.cell_errors if not isinstance(error, MissingValueError)])
    resting = iter([error for error in trace.cell_errors if isinstance(error, MissingValueError)])
    for cell in trace.cells:
        stop = lesson.stop(cell.number)
        errors = {"rests": resting, "run": iter(()), "skipped": iter(())}.get(cell.state, own)
        error = next(errors, None)
        if error is not None and cell.state == "failed":
            explain(_in_file(lesson, stop, cells, error), _where(lesson, stop))
        elif cell.reason:
            at = cell.line if error is None else error.line
            say(f"{_where(lesson, stop)}{_line(lesson, stop, cells, at)}{_reason(cell)}")
        if cell.saved:
            narrate(stop.saved)


def _line(lesson: Lesson, stop: Stop, cells: Sequence[int], line: int | None) -> str:
    """Return where in its file a cell was not run: a notebook has no lines."""
    if _is_notebook(lesson):
        return ""
    at = stop.line + 1 if line is None else line + _lines_above(lesson, cells, line)
    return f"line {at}: "


def _reason(cell: CellState) -> str:
    """Return why a cell was not run, or what may be different in it."""
    if cell.state == "rests":
        return f"rests on cell {cell.root}: {cell.reason}"
    return cell.reason


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
    """Return the cells of a document as one program; commands, and what is no Python, stand in comments."""
    return "\n".join(_program_of_cell(stop) for stop in lesson.stops)


def _program_of_cell(stop: Stop) -> str:
    """Return a cell's program with its notebook's commands, or all of what is no Python, in comments."""
    from llm_linalg.capture.cell_program import CellProgram

    lines = stop.code.split("\n")
    source = CellProgram(stop.code)
    reasons: dict[int, str] = {}
    aside = {*source.left_out}
    if source.error is not None:
        reasons, aside = {1: source.error.message}, {*range(1, len(lines) + 1)}
    for statement, reason in source.commands.items():
        reasons[statement.lineno] = reason
        aside |= {*range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)}
    made: list[str] = []
    for number, line in enumerate(lines, 1):
        made += [f"# {reasons[number]}"] if number in reasons else []
        made.append(f"# {line}" if number in aside else line)
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
