"""What the terminal shows, cell by cell, so that only what differs is sent.

Textual sends a dirty span again from its widget's left edge, whether or not it changed. Here the strips that
it made are held against the cells that the terminal has, and the difference goes out: a cursor move, the
change of style, the characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from llm_linalg.base.text import clean
from tui.terminal.sgr import RESET, blank_style, change


class BufferCell(NamedTuple):
    """One column: a character with what combines with it, and its style's parameters.

    A blank has those that it shows, so that two that look alike are alike. The second column of a wide
    character has no text.
    """

    text: str
    style: str


StripPosition = tuple[int, int, Iterable[Strip]]
"""A row, a column, and strips that stand there one after the other."""
JOIN = 4  # cells between two changes that are sent again rather than jumped over


class CellBuffer:
    """The cells of a terminal, as far as they are known."""

    def __init__(self) -> None:
        self._rows: list[list[BufferCell | None]] = []
        self.size = (0, 0)

    def forget(self, width: int, height: int) -> None:
        """Forget all cells: the size is another, or something else wrote on the screen."""
        self.size = (width, height)
        self._rows = [[None] * width for _ in range(height)]

    def draw(self, placed: Iterable[StripPosition], colours: ColorSystem) -> str:
        """Put strips into the buffer; return what a terminal has to be sent for that."""
        out = _Writer()
        for y, x, strips in placed:
            if 0 <= y < len(self._rows):
                cells = [cell for strip in strips for cell in cells_of(strip, colours)]
                self._lay(y, x, cells[: max(0, self.size[0] - x)], out)
        return out.end()

    def _lay(self, y: int, x: int, cells: Sequence[BufferCell], out: _Writer) -> None:
        row = self._rows[y]
        if row[x : x + len(cells)] == cells:  # most rows: one comparison instead of one a cell
            return
        for column, cell in enumerate(cells, x):
            if row[column] == cell:
                continue
            if cell.text:
                out.put(y, column, cell, row)
                row[column] = cell
                follows = column + 1 < len(row) and row[column + 1]
                if follows and not follows.text:
                    row[column + 1] = (
                        None  # half of a wide character was overwritten: who knows what is there
                    )
            elif column > x and cells[column - x - 1].text:  # the second column comes with the first
                if row[column] is not None or not out.wrote(y, column - 1):
                    out.put(y, column - 1, cells[column - x - 1], row)
                row[column] = cell


class _Writer:
    """Collects the sequences: where the cursor is and which style is in force."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._y = self._x = -1  # where the cursor is known to be
        self._style = ""
        self._last = (-1, -1)

    def wrote(self, y: int, x: int) -> bool:
        """Return whether the last character was put there."""
        return self._last == (y, x)

    def put(self, y: int, x: int, cell: BufferCell, row: Sequence[BufferCell | None]) -> None:
        text, style = cell
        if self._x != x or self._y != y:
            self._move(y, x, row)
        if not self._shows(cell):
            self._out.append(change(self._style, style))
            self._style = style
        self._out.append(text)
        self._last = (y, x)
        # After a wide or a combined character terminals disagree on where the cursor is.
        certain = len(text) == 1 and (text.isascii() or cell_len(text) == 1)
        self._y, self._x = (y, x + 1) if certain else (-1, -1)

    def _shows(self, cell: BufferCell) -> bool:
        """Return whether a character written in the style in force looks as it should."""
        return cell.style == (blank_style(self._style) if cell.text == " " else self._style)

    def _move(self, y: int, x: int, row: Sequence[BufferCell | None]) -> None:
        gap = x - self._x
        if y != self._y or gap < 0:
            self._out.append(f"\x1b[{y + 1};{x + 1}H")
            return
        between = row[self._x : x]
        if gap <= JOIN and all(
            cell is not None and self._shows(cell) and cell.text.isascii() and cell.text for cell in between
        ):
            self._out += [cell.text for cell in between if cell is not None]
        else:
            self._out.append(f"\x1b[{gap if gap > 1 else ''}C")

    def end(self) -> str:
        if not self._out:
            return ""
        return "".join(self._out) + (RESET if self._style else "")


def cells_of(strip: Strip, colours: ColorSystem) -> list[BufferCell]:
    """Return a strip as columns."""
    cells: list[BufferCell] = []
    for segment in strip:
        cells += _columns(segment.text, parameters(segment, colours))
    return cells


@lru_cache(4096)
def _columns(text: str, style: str) -> tuple[BufferCell, ...]:
    """Return a text as columns. It is the last check: what a terminal would obey is not let through."""
    if not text.isprintable():
        text = clean(text, None)
    blank = BufferCell(" ", blank_style(style))
    if text.isascii():
        return tuple(blank if character == " " else BufferCell(character, style) for character in text)
    cells: list[BufferCell] = []
    for character in text:
        size = cell_len(character)
        if character == " ":
            cells.append(blank)
        elif size:
            cells += [BufferCell(character, style), *[BufferCell("", style)] * (size - 1)]
        elif cells:
            spot = next(i for i in range(len(cells) - 1, -1, -1) if cells[i].text)
            cells[spot] = BufferCell(cells[spot].text + character, style)  # a blank is none any more
    return tuple(cells)


def parameters(segment: Segment, colours: ColorSystem) -> str:
    """Return the parameters of a segment's style."""
    return _parameters(segment.style, colours) if segment.style is not None else ""


@lru_cache(4096)
def _parameters(style: Style, colours: ColorSystem) -> str:
    text = Style(
        color=style.color, bgcolor=style.bgcolor, bold=style.bold, dim=style.dim, italic=style.italic,
        underline=style.underline, reverse=style.reverse, strike=style.strike,
    ).render("x", color_system=colours)  # fmt: skip
    return text[2:].partition("m")[0] if text.startswith("\x1b[") else ""
