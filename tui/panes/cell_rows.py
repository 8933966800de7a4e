"""A document's cell on the stage, where it has no tensor to show: its lines, prints and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.text.prose import after_story
from tui.text.rows import Row, TextSpan, cut_rows, marked_lines, row, wrap

if TYPE_CHECKING:
    from tui.model.frame import Frame
    from tui.model.notebook_cell import NotebookCell
    from tui.text.glyphs import Glyphs


def shows_cell(frame: Frame) -> bool:
    """Return whether the cell itself stands on the stage: nothing else does."""
    if (
        frame.listing.cell is None
        or frame.stage.panels
        or frame.stage.drawing
        or frame.stage.board
        or frame.stage.map
    ):
        return False
    return frame.error is None or frame.error.good is None or not frame.error.good.stage.panels


def said_with_cell(frame: Frame, width: int) -> int:
    """Return how many rows are said about a cell: the reason, remarks, and its text."""
    texts = [] if frame.listing.cell is None else [*frame.listing.cell.remarks]
    texts += [] if frame.error is None else [frame.error.sentence]
    return sum(len(wrap(text, width)) for text in texts) + len(after_story(frame.captions.prose, width))


def cell_rows(frame: Frame, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return the rows of the cell that a frame shows."""
    if frame.listing.cell is None:
        return []
    below = [*answer_rows(frame.listing.cell, width, glyphs), *saved_rows(frame.listing.cell, width)]
    code = marked_lines(frame.listing.cell.code, frame.listing.cell.line, width, glyphs.pointer)[0]
    room = max(0, height - len(below) - bool(below and code))
    if len(below) > height // 2 and code:
        room = max(0, min(len(code), height // 2))
    shown = head(code, room, glyphs, "lines")
    gap: list[Row] = [()] if shown and below else []
    return [*shown, *gap, *head(below, max(0, height - len(shown) - len(gap)), glyphs, "lines")]


def answer_rows(cell: NotebookCell, width: int, glyphs: Glyphs) -> list[Row]:
    """Return what a cell printed, and the value that it ends with."""
    rows = [row(piece) for text in cell.printed.splitlines() for piece in cut_rows(text, width)]
    pieces = [piece for text in cell.answer.splitlines() for piece in cut_rows(text, width - 2)]
    for place, piece in enumerate(pieces):
        lead = "  " if place else glyphs.text("→ ")
        rows.append((TextSpan(lead, "label"), TextSpan(piece, "strong")))
    return rows


def saved_rows(cell: NotebookCell, width: int) -> list[Row]:
    """Return what the notebook has saved of a cell, below the line that says so."""
    return [row((piece, "dim")) for text in cell.saved.splitlines() for piece in cut_rows(text, width)]


def head(rows: list[Row], count: int, glyphs: Glyphs, what: str) -> list[Row]:
    """Return the first of some rows; the last says how many more there are, and what key shows them."""
    if len(rows) <= count:
        return rows
    if count < 1:
        return []
    more = len(rows) - count + 1
    ending = row((f"{glyphs.dots} {more} more {what}: ", "dim"), ("p", "key", "text"))
    return [*rows[: count - 1], ending]
