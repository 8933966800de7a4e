"""The frame of a program that failed: the reason, the operands with clashing axes marked, the repairs."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.cells import Box, TensorSlice
from llm_linalg.base.errors import MissingValueError
from llm_linalg.base.text import NOTHING, CleanText, clean
from tui.compose.captions import writer
from tui.compose.format_cache import FormatCache
from tui.compose.frames import LONGEST_OUTPUT, empty_frame, file_lines, in_ascii
from tui.compose.highlights import Highlight
from tui.compose.panels import NAME, PanelStyle, make_panel, rest_of
from tui.compose.placement import Placement, plain_placement
from tui.model.frame import (
    Cell,
    CellMark,
    ErrorView,
    FormulaLine,
    Frame,
    Index,
    Number,
    Panel,
    RepairFacts,
    TermState,
)
from tui.navigation.playground import is_playground

if TYPE_CHECKING:
    from llm_linalg.base.errors import ProgramError, ShapeError
    from llm_linalg.lessons.reader import LessonError
    from llm_linalg.recording.record_node import Value
    from tui.model.view import View

ATTEMPTS = 6
MOST_PAIRS = 3  # products of a row with a column that are written out
UNKNOWN = "?"  # stands for a number of a tensor without values
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
    """Return the frame of a program that failed.

    Args:
        view: The view that it was run for.
        error: Why it failed.
        operands: The operands of a shape error; None where one has no values.
        good: The last good picture.
        fault: The place in the lesson's file, if the lesson is at fault.
        cache: The formats of numbers.
        ascii_only: Whether to draw in ASCII.
    """
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


@dataclass(frozen=True, slots=True, eq=False)
class ClashingTensor:
    """An operand of a call that torch refused, as a `PanelTensor`."""

    name: str
    value: Value
    axis_names: TensorLabels = ()

    @property
    def title(self) -> str:
        """Its name."""
        return self.name

    @property
    def title_of_cells(self) -> str:
        """Its name."""
        return self.name

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window."""
        from llm_linalg.api.tensor_view import numbers_in

        return numbers_in(self.value, matrix, rows, columns)


@dataclass(frozen=True, slots=True, eq=False)
class UnknownCells:
    """The cells of a tensor of which only the shape is known."""

    matrix: TensorSlice
    highlight: Highlight

    def width(self, decimals: int) -> int:  # noqa: ARG002 - as many for a question mark
        """Return the width of a question mark."""
        return len(UNKNOWN)

    def values(self, rows: range, columns: range) -> Sequence[Sequence[None]]:
        """Return None for every number."""
        return [[None for _ in columns] for _ in rows]

    def window(
        self,
        rows: range,
        columns: range,
        decimals: int = 4,  # noqa: ARG002
    ) -> tuple[tuple[Cell, ...], ...]:
        """Return a question mark for each cell."""
        return tuple(tuple(self._cell(self.matrix.cell(row, column)) for column in columns) for row in rows)

    def _cell(self, index: Index) -> Cell:
        return Cell(UNKNOWN, None, self.highlight.mark(index) | CellMark.PENDING)


def clash_panels(
    error: ShapeError, values: tuple[Value | None, ...], cache: FormatCache, ascii_only: bool
) -> tuple[Panel, ...]:
    """Return the operands side by side, the axes that clash marked along their first row or column."""
    from llm_linalg.ops import TABLE

    panels = []
    tensors = [value for value in values if value is not None]
    extent = max((cache.extent(value) for value in tensors), default=0.0)
    style = PanelStyle(cache, extent, ascii_only)
    sign = TABLE.operator(error.operation)
    for p, (operand, value) in enumerate(zip(error.operands, values, strict=True)):
        shape = operand.shape
        placement = plain_placement("operand", len(shape), sign if p else "")
        boxes = [
            Box(tuple(range(n if axis == clash.axis else min(n, 1)) for axis, n in enumerate(shape)))
            for clash in error.axes
            if clash.operand == p
        ]
        highlight = Highlight(tuple((CellMark.CLASH, box) for box in boxes), boxes[0] if boxes else ())
        at = rest_of((0,) * len(shape), placement)
        name = operand.name or operand.source
        if value is None:
            panels.append(unknown_panel(name, shape, placement, at, highlight))
        else:
            panels.append(make_panel(ClashingTensor(name, value), placement, at, highlight, style))
    return tuple(panels)


def _clash_formula(error: ShapeError) -> tuple[FormulaLine, ...]:
    """Return the products of the entries that can be paired, and the one that lacks its partner."""
    from llm_linalg.explain.formula import factors_text, signed
    from llm_linalg.explain.shape_errors import unpaired

    pairs, alone = unpaired(error)
    if alone == (None, None):
        return ()
    shown = pairs if len(pairs) <= MOST_PAIRS else [*pairs[: MOST_PAIRS - 1], pairs[-1]]
    text = writer([x for pair in [*shown, alone] for x in pair if x is not None], 2)
    pieces: list[tuple[str, TermState]] = []
    for k, pair in enumerate(shown):
        if k == MOST_PAIRS - 1 and len(shown) < len(pairs):
            pieces.append((f" + … {len(pairs) - len(shown)} more …", "plain"))
        product = factors_text(pair, text)
        pieces.append(("".join(signed(product)) if pieces else product, "done"))
    first, second = (UNKNOWN if x is None else text(x) for x in alone)
    left = f"{first}·({second})" if second.startswith("-") else f"{first}·{second}"
    return ((*pieces, (f" + [{left}]" if pieces else f"[{left}]", "error")),)


def unknown_panel(
    name: str, shape: tuple[int, ...], placement: Placement, at: Index, highlight: Highlight
) -> Panel:
    """Return the panel of a tensor of which only the shape is known."""
    return Panel(
        name=name,
        title=clean(name, NAME),
        role="operand",
        shape=shape,
        dtype="",
        row_axis=placement.row_axis,
        column_axis=placement.column_axis,
        at=at,
        cells=UnknownCells(placement.slice_at(at), highlight),
        sign=placement.sign,
        pending_glyph=UNKNOWN,
    )


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
