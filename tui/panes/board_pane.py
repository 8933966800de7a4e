"""A board as rows of the stage: live cells one below the other, or a chain of boxes joined by arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tui.model.board_view import BoardView, LiveRow
from tui.model.window import window
from tui.text.glyphs import Glyphs
from tui.text.rows import Row, TextSpan, fit

GAP = 2  # columns between label, value and words
CORNERS = {"top": ("┌", "┐"), "joint": ("├", "┤"), "bottom": ("└", "┘")}


class BoardColumns(NamedTuple):
    """How a board's columns are shared.

    Attributes:
        label: Columns of the labels; the words have what values leave.
        values: The values, with as many of their cells as there is room for, all as wide.
    """

    label: int
    values: list[str]


def board_rows(board: BoardView, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return the board in `height` rows of at most `width` columns; the selected row is always among them."""
    drawn = _chain(board, width, height, glyphs) if board.chain else _list(board, width, height, glyphs)
    above = max(0, height - len(drawn)) // 2
    return [*[()] * above, *(fit(line, width, glyphs.dots) for line in drawn)]


def _list(board: BoardView, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    columns = columns_of(board, width, 4, glyphs.dots)
    lines: list[Row] = []
    for number, row in _visible_rows(board, height):
        lines.append((*_number(board, number), *_cells(board, number, row, columns, glyphs)))
    spaced = [line for pair in zip(lines, [()] * len(lines), strict=True) for line in pair][:-1]
    return spaced if len(spaced) <= height else lines


def _chain(board: BoardView, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return boxes with arrows between them, as roomy as the height allows."""
    boxes = sum(not row.apart for row in board.rows)
    apart = len(board.rows) - boxes
    columns = columns_of(board, width, 9, glyphs.dots)
    for between, ends, gap in ((3, 2, 1), (1, 2, 1), (0, 2, 0), (0, 0, 0)):
        if boxes + between * (boxes - 1) + ends + apart + (gap if apart else 0) <= height:
            break
    else:
        between, ends, gap = 0, 0, 0
    inner = columns.label + 3
    lines: list[Row] = [_edge("top", inner, glyphs)] if ends else []
    for number, row in _visible_rows(board, height) if not ends else enumerate(board.rows, 1):
        if number > 1 and not row.apart:
            lines += _joint(between, inner, glyphs)
        if number == boxes + 1:
            lines += [_edge("bottom", inner, glyphs)] * bool(ends) + [()] * gap
        arrow = glyphs.down if number > 1 and not row.apart and not between else " "
        side = glyphs.text(" " if row.apart else "│")
        first, *rest = _cells(board, number, row, columns, glyphs)
        lead = (*_number(board, number), TextSpan(f"{arrow} ", "accent"), TextSpan(side, "rule"))
        lines.append((*lead, first, TextSpan(f" {side}", "rule"), *rest))
    return [*lines, *[_edge("bottom", inner, glyphs)] * bool(ends and not apart)]


def _visible_rows(board: BoardView, height: int) -> list[tuple[int, LiveRow]]:
    """Return the rows that there is room for, with their numbers."""
    rows = window(len(board.rows), height, range(board.row - 1, board.row))
    return [(i + 1, board.rows[i]) for i in rows]


def columns_of(board: BoardView, width: int, taken: int, dots: str) -> BoardColumns:
    """Return a board's columns in a space of `width`, of which `taken` are for what stands around them."""
    label = max(cell_len(row.label) for row in board.rows)
    words = max(cell_len(row.words) for row in board.rows)
    left = width - taken - label - words - 2 * GAP
    full = max(left, *(cell_len(row.brief) for row in board.rows), 0)
    values = [row.value_in(full, dots) for row in board.rows]
    spaces = [" " * (max(map(cell_len, values)) - cell_len(value)) for value in values]
    numbers = all(row.shape in (None, ()) for row in board.rows)  # they stand to the right
    pairs = zip(values, spaces, strict=True)
    return BoardColumns(label, [space + value if numbers else value + space for value, space in pairs])


def _number(board: BoardView, number: int) -> Row:
    """Return the digit that opens a row."""
    digit = str(number) if board.has_digits and number <= 9 else " "
    return (TextSpan(f"{digit} ", "key", f"row:{number}"),)


def _cells(
    board: BoardView, number: int, row: LiveRow, columns: BoardColumns, glyphs: Glyphs
) -> Sequence[TextSpan]:
    """Return label, value and words of a row; a click on any of them opens its lesson."""
    do = f"row:{number}"
    picked = board.opens and number == board.row
    label = row.label + " " * (columns.label - cell_len(row.label))
    value = columns.values[number - 1]
    return (
        TextSpan(f"{glyphs.pointer if picked else ' '} {label}", "picked" if picked else "", do),
        TextSpan(" " * GAP + value if value else "", "strong", do),
        TextSpan(" " * GAP + row.words, "" if picked else "label", do),
    )


def _edge(kind: str, inner: int, glyphs: Glyphs, mark: str = "") -> Row:
    """Return a border of a box; `mark` stands in its middle."""
    left, right = ("+", "+") if glyphs.plain else CORNERS[kind]
    side = glyphs.horizontal * (inner // 2)
    line = side + (mark or glyphs.horizontal) + glyphs.horizontal * (inner - inner // 2 - 1)
    return (TextSpan("    "), TextSpan(f"{left}{line}{right}", "rule"))


def _joint(between: int, inner: int, glyphs: Glyphs) -> list[Row]:
    """Return what stands between two boxes, in that many rows."""
    if between == 3:
        arrow = (TextSpan(" " * (5 + inner // 2)), TextSpan(glyphs.down, "accent"))
        return [_edge("bottom", inner, glyphs), arrow, _edge("top", inner, glyphs)]
    return [_edge("joint", inner, glyphs, glyphs.down)] * between
