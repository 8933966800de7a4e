"""The picture of a program that failed.

Why, the operands with their clashing axes marked, and the repairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.cells import Box
from llm_linalg.ops import TABLE
from llm_linalg.text import clean
from tui.frame import ErrorView, Frame, Mark, Number, Panel, RepairFacts
from tui.stage.format_cache import FormatCache
from tui.stage.highlights import Highlight
from tui.stage.panels import PanelStyle, make_panel, rest_of, tensor_reader
from tui.stage.placement import plain_spot

if TYPE_CHECKING:
    from llm_linalg.errors import ProgramError, ShapeError
    from llm_linalg.lesson import LessonError
    from llm_linalg.node import Value
    from tui.view import View

ATTEMPTS = 6
MOST_FRAMES = 8
PATIENCE = RepairFacts("have patience", None, "it may take some seconds; ^g stops it")


@dataclass(frozen=True, slots=True)
class Unknown:
    """The numbers of a tensor that isn't there: only its shape is known."""

    def width(self, decimals: int) -> int:
        """One glyph a cell."""
        return 1 + 0 * decimals

    def text(self, value: Number, decimals: int) -> str:
        """Never asked for a number; says so."""
        return f"{value}"[: self.width(decimals)]


def clash_panels(
    error: ShapeError, values: tuple[Value | None, ...], store: FormatCache, ascii_only: bool
) -> tuple[Panel, ...]:
    """The operands side by side; the axes that clash are marked along their first row or column."""
    panels = []
    tensors = [value for value in values if value is not None]
    look = PanelStyle(store, max((store.extent(value) for value in tensors), default=0.0), ascii_only)
    sign = TABLE.operator(error.operation)
    for p, (operand, value) in enumerate(zip(error.operands, values, strict=True)):
        spot = plain_spot("operand", len(operand.shape), sign if p else "")
        axes = [mismatch.axis for mismatch in error.axes if mismatch.operand == p]
        boxes = [
            Box(tuple(range(n if axis == clashing else min(n, 1)) for axis, n in enumerate(operand.shape)))
            for clashing in axes
        ]
        lit = Highlight(tuple((Mark.CLASH, box) for box in boxes), boxes[0] if boxes else ())
        at = rest_of((0,) * len(operand.shape), spot)
        name = operand.name or operand.source
        if value is None:
            panels.append(_unknown(name, operand.shape, spot.sign, lit))
        else:
            panels.append(make_panel(name, value, spot, at, lit, tensor_reader(value, spot, at), look))
    return tuple(panels)


def _unknown(name: str, shape: tuple[int, ...], sign: str, lit: Highlight) -> Panel:
    spot = plain_spot("operand", len(shape), sign)
    return Panel(
        name=name,
        title=clean(name, 24),
        role="operand",
        shape=shape,
        dtype="",
        row_axis=spot.row_axis,
        column_axis=spot.column_axis,
        at=rest_of((0,) * len(shape), spot),
        numbers=Unknown(),
        read=lambda rows, columns: [[None for _ in columns] for _ in rows],
        mark=lit.mark,
        level=lambda _: None,
        sign=sign,
        pending="?",
    )


def error_view(
    error: ProgramError,
    expected: bool,
    good: Frame | None,
    refused: bool = False,
    fault: LessonError | None = None,
) -> ErrorView:
    """Why the program failed, as a value; what the language doesn't take of a cell is called refused.

    Where the lesson itself is at fault, the sentence begins with the place in its file.
    """
    from llm_linalg.errors import OpenEndedError, ShapeError

    shaped = error if isinstance(error, ShapeError) else None
    clashes = (
        ()
        if shaped is None
        else tuple(
            f"{_operand_name(shaped, mismatch.operand)}, axis {mismatch.axis}: size {mismatch.size}"
            for mismatch in shaped.axes
        )
    )
    repairs = (
        (PATIENCE,) * isinstance(error, OpenEndedError)
        if shaped is None
        else tuple(
            RepairFacts(clean(str(repair), 200), repair.shape, clean(repair.why, 200))
            for repair in shaped.repairs
        )
    )
    return ErrorView(
        kind=_kind(error, refused and shaped is None, fault),
        sentence=_said(error.message, refused and shaped is None, fault),
        line=error.line,
        column=error.column,
        caret=error.caret,
        detail="" if shaped is None else shaped.detail,
        clashes=clashes,
        repairs=repairs,
        expected=expected,
        good=good,
        frames=tuple(str(frame) for frame in error.frames[-MOST_FRAMES:]),
    )


def stopped(error: ProgramError | None) -> bool:
    """Whether a run was stopped from outside."""
    from llm_linalg.errors import HaltedError

    return isinstance(error, HaltedError)


def repairs(error: ProgramError) -> int:
    """How many repairs there are; patience is one of what takes long."""
    from llm_linalg.errors import OpenEndedError

    return 1 if isinstance(error, OpenEndedError) else len(getattr(error, "repairs", ()))


def repaired(error: ProgramError, view: View, number: int) -> View:
    """The view with repair ``number`` (from 1) applied. Raises IndexError."""
    from llm_linalg.errors import ShapeError

    if not 1 <= number <= repairs(error):
        raise IndexError(number)
    if not isinstance(error, ShapeError):
        return replace(view, patient=True)
    return view.repaired(error.repaired(error.repairs[number - 1]))


def _kind(error: ProgramError, refused: bool, fault: LessonError | None) -> str:
    if fault is not None and error.line is None:
        return "LessonError"
    return "refused" if refused else type(error).__name__


def _said(message: str, refused: bool, fault: LessonError | None) -> str:
    if fault is not None:
        return f"{clean(Path(fault.file).name, 40)}:{fault.line}: {message}"
    return f"refused: {message}" if refused else message


def _operand_name(error: ShapeError, position: int) -> str:
    operand = error.operands[position]
    return clean(operand.name or operand.source, 40)
