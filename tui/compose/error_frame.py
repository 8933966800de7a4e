"""The frame of a program that failed: the reason, the operands with clashing axes marked, the repairs."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.errors import MissingValueError
from llm_linalg.base.text import NOTHING, CleanText, clean
from tui.compose.captions import writer
from tui.compose.format_cache import FormatCache
from tui.compose.frames import LONGEST_OUTPUT, empty_frame, file_lines, in_ascii
from tui.compose.plain_panel import UNKNOWN, clash_along, plain_panel, plain_style
from tui.model.frame import (
    ErrorView,
    FormulaLine,
    Frame,
    Panel,
    RepairFacts,
    TermState,
)
from tui.navigation.playground import is_playground

if TYPE_CHECKING:
    from llm_linalg.base.errors import ProgramError, ShapeError
    from llm_linalg.lessons.lesson import LessonError
    from llm_linalg.recording.record_node import Value
    from tui.model.view import View

ATTEMPTS = 6
MOST_PAIRS = 3  # products of a row with a column that are written out
MOST_FRAMES = 8
UNRUN = "unrun"
NOT_LOCKED = "This is not run: nothing on this machine would lock it in."
ASKS = "↵ asks whether it may run with your rights."
RUNS = "↵ or ^r runs it with your rights, and no other key does."


def error_frame(
    view: View,
    error: ProgramError,
    operands: tuple[Value | None, ...],
    good: Frame | None,
    fault: LessonError | None,
    cache: FormatCache,
    ascii_only: bool,
) -> Frame:
    """Return the frame of a program that failed; `fault` is the place of a lesson that is at fault."""
    from llm_linalg.base.errors import ShapeError

    base = empty_frame(view)
    file = error.frames[-1].file if error.frames else ""
    if is_unlocked(error):
        sentence = clean(f"{NOT_LOCKED} {RUNS if is_playground(view.lesson) else ASKS}")
        unrun = replace(error_view(error, good), kind=UNRUN, sentence=sentence)
        return replace(base, error=unrun)
    if view.lesson.document:  # the line is marked, and its number is that of another text
        error = without_line(error)
    return replace(
        base,
        listing=base.listing._replace(
            code=file_lines(file, error.line) if file else base.listing.code,
            line=error.line,
            printed=NOTHING
            if error.trace is None
            else clean(error.trace.printed, LONGEST_OUTPUT, lines=True),
        ),
        stage=base.stage._replace(
            panels=clash_panels(error, operands, cache, ascii_only) if isinstance(error, ShapeError) else (),
            arrangement="row",
        ),
        captions=base.captions._replace(
            formula=_clash_formula(error) if isinstance(error, ShapeError) else (), sentence=error.message
        ),
        error=error_view(error, good, fault),
    )


def failure_frame(view: View, failure: Exception, *, ascii_only: bool = False) -> Frame:
    """Return the picture of a failure of ours to draw a view."""
    from llm_linalg.base.errors import InternalError

    error = InternalError.of(failure, "this can't be drawn")
    empty = empty_frame(view)
    captions = empty.captions._replace(sentence=error.message)
    frame = replace(empty, captions=captions, error=error_view(error))
    return in_ascii(frame) if ascii_only else frame


def clash_panels(
    error: ShapeError, values: tuple[Value | None, ...], cache: FormatCache, ascii_only: bool
) -> tuple[Panel, ...]:
    """Return the operands side by side, the axes that clash marked along their first row or column."""
    from llm_linalg.ops import TABLE

    style = plain_style(values, cache, ascii_only)
    sign = TABLE.operator(error.operation)
    return tuple(
        plain_panel(
            operand.name or operand.source,
            operand.shape if value is None else value,
            style,
            clash_along((clash.axis for clash in error.axes if clash.operand == p), operand.shape),
            sign=sign if p else "",
        )
        for p, (operand, value) in enumerate(zip(error.operands, values, strict=True))
    )


def _clash_formula(error: ShapeError) -> tuple[FormulaLine, ...]:
    """Return the products of the entries that can be paired, and the one that lacks its partner."""
    from llm_linalg.explain.formula import factors_text, sum_pieces
    from llm_linalg.explain.shape_errors import unpaired

    pairs, alone = unpaired(error)
    if alone == (None, None):
        return ()
    shown = pairs if len(pairs) <= MOST_PAIRS else [*pairs[: MOST_PAIRS - 1], pairs[-1]]
    text = writer([x for pair in [*shown, alone] for x in pair if x is not None], 2)
    items: list[tuple[str, TermState] | int] = [(factors_text(pair, text), "done") for pair in shown]
    if len(shown) < len(pairs):
        items.insert(MOST_PAIRS - 1, len(pairs) - len(shown))
    first, second = (UNKNOWN if x is None else text(x) for x in alone)
    left = f"{first}·({second})" if second.startswith("-") else f"{first}·{second}"
    return (tuple(sum_pieces([*items, (f"[{left}]", "error")], "plain", brackets=False)),)


def error_view(error: ProgramError, good: Frame | None = None, fault: LessonError | None = None) -> ErrorView:
    """Return why the program failed.

    Where the lesson itself is at fault, the sentence begins with the place in its file.
    """
    from llm_linalg.base.errors import ShapeError

    shaped = error if isinstance(error, ShapeError) else None
    repairs = () if shaped is None else shaped.repairs
    return ErrorView(
        kind=_kind(error, fault),
        sentence=_sentence(error.message, fault),
        line=error.line,
        column=error.column,
        caret=clean(error.caret, None, lines=True),
        detail=NOTHING if shaped is None else shaped.detail,
        repairs=tuple(
            RepairFacts(clean(str(repair), 200), repair.shape, clean(repair.why, 200)) for repair in repairs
        ),
        cause=error,
        good=good,
        frames=tuple(clean(str(frame)) for frame in error.frames[-MOST_FRAMES:]),
    )


def without_line(error: ProgramError) -> ProgramError:
    """Return an error whose sentence does not say at which line a program stopped."""
    other = copy(error)
    other.message = clean(error.message.replace(f" at line {error.line}:", ":"), None)
    return other


def is_halted(error: ProgramError | None) -> bool:
    """Return whether a run was stopped from outside."""
    from llm_linalg.base.errors import HaltedError

    return isinstance(error, HaltedError)


def is_unlocked(error: ProgramError | None) -> bool:
    """Return whether a program was not run, as nothing would lock it in and nobody trusts it."""
    return error is not None and error.lacks_lock


def repair_count(error: ProgramError) -> int:
    """Return the number of repairs."""
    return len(getattr(error, "repairs", ()))


def apply_repair(error: ProgramError, view: View, number: int) -> View:
    """Return the view with repair `number` (from 1) applied. Raises IndexError."""
    from llm_linalg.base.errors import ShapeError

    if not isinstance(error, ShapeError) or not 1 <= number <= repair_count(error):
        raise IndexError(number)
    return view.with_program(error.apply_repair(error.repairs[number - 1]))


def _kind(error: ProgramError, fault: LessonError | None) -> str:
    if fault is not None and error.line is None:
        return "LessonError"
    return "rests" if isinstance(error, MissingValueError) else type(error).__name__


def _sentence(message: CleanText, fault: LessonError | None) -> CleanText:
    if fault is not None:
        return clean(f"{clean(Path(fault.file).name, 40)}:{fault.line}: {message}", None)
    return message
