"""A stop's board with the values of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_linalg.base.numbers import Formatter
from llm_linalg.base.text import CleanText, clean
from llm_linalg.lessons.reader import shelf
from tui.model.board_view import BoardView, LiveRow
from tui.model.view import View
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.lessons.stop import Board, BoardRow
    from llm_linalg.recording.record_node import Value

Spell = Callable[[CleanText], CleanText]
FEW = 9  # cells written out
DIGITS = 12  # columns of a number
MOST = 4096  # cells whose values go into the JSON
UNKNOWN = "?"  # stands for a tensor that this run lacks


def board_view(board: Board, view: View, trace: Trace | None, ascii_only: bool) -> BoardView:
    """Return the board's rows with the values of the trace's tensors."""
    titles = {lesson.slug: lesson.title for lesson in (*shelf(), view.lesson)}
    spell: Spell = ascii_text if ascii_only else clean
    rows = [_row(row, titles.get(row.lesson, row.lesson), trace, spell, ascii_only) for row in board.rows]
    return BoardView(tuple(rows), board.chain, max(1, min(view.row, len(rows))))


def _row(row: BoardRow, title: str, trace: Trace | None, spell: Spell, ascii_only: bool) -> LiveRow:
    live = LiveRow(
        label=spell(clean(row.label)),
        name=row.name,
        lesson=row.lesson,
        title=spell(clean(title, 60)),
        words=spell(clean(row.words)),
        apart=row.apart,
    )
    if row.name is None:
        return live
    if trace is None or row.name not in trace:
        return replace(live, brief=UNKNOWN, full=UNKNOWN)
    value = trace[row.name].value.detach()
    brief, full = _texts(value, ascii_only)
    first = _first(value, ascii_only) if value.dim() and value.numel() else ()
    values = value.tolist() if value.numel() <= MOST else None
    return replace(live, shape=tuple(value.shape), values=values, brief=brief, full=full, first=first)


def _texts(value: Value, ascii_only: bool) -> tuple[str, str]:
    """Return a tensor in few characters, without and with its cells: a number, `[1. 2. 3.]`, `(2, 4, 3)`."""
    sizes = ", ".join(map(str, value.shape))
    shape = f"({sizes}{',' if value.dim() == 1 else ''})"
    if value.dim() > 2 or not 0 < value.numel() <= FEW:
        return shape, shape
    formatter = Formatter.of(value, limit=DIGITS, ascii_only=ascii_only)
    if value.dim():
        return shape, _nest(value.tolist(), formatter)
    number = value.item()
    if isinstance(number, int) and not isinstance(number, bool):
        return (f"{number:,}",) * 2
    return (formatter.token(number),) * 2


def _first(value: Value, ascii_only: bool) -> tuple[str, ...]:
    """Return the first cells of a tensor."""
    cells = value[(0,) * (value.dim() - 1)][:FEW]
    formatter = Formatter.of(cells, limit=DIGITS, ascii_only=ascii_only)
    return tuple(formatter.token(cell) for cell in cells.tolist())


def _nest(values: Any, formatter: Formatter) -> str:
    if isinstance(values, list):
        return f"[{' '.join(_nest(value, formatter) for value in values)}]"
    return formatter.token(values)
