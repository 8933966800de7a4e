"""Just enough of a terminal to know what stands on the screen, and what it would have cost to say only that.

It understands what a full-screen program of ours sends: cursor moves, colours and weights, text.
Everything else (modes, queries, titles) is read over. Pure: bytes in, cells out.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass
from itertools import groupby

from tui.terminal.sgr import parse_sgr

TOKEN = re.compile(
    r"\x1b\[(?P<y>\d*)(?:;(?P<x>\d*))?H"  # the cursor to a row and column
    r"|\x1b\[(?P<right>\d*)C"  # the cursor to the right
    r"|\x1b\[(?P<style>[\d;:]*)m"  # colour and weight
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # any other control sequence
    r"|\x1b[\]P_^][^\x07\x1b]*(?:\x07|\x1b\\)"  # a string to the terminal: title, clipboard
    r"|\x1b[ -/]*[0-OQ-Z\\^-~]"  # a short escape
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One character of the screen (None: never written) with the parameters of its style (`1;38;5;4`)."""

    text: str | None
    style: str


BLANK = Cell(None, "")
Picture = tuple[tuple[Cell, ...], ...]


class Screen:
    """The cells of a terminal, kept up to date by what is fed to it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns = columns
        self.rows = rows
        self._cells = [[BLANK] * columns for _ in range(rows)]
        self._x = 0
        self._y = 0
        self._style = ""
        self._rest = ""
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> None:
        """Takes what the program sent; a sequence cut at the end waits for its other half."""
        text = self._rest + self._decoder.decode(data)
        at = 0
        while at < len(text):
            token = TOKEN.match(text, at)
            if token is None:
                break
            self._take(token)
            at = token.end()
        self._rest = text[at:]

    def _take(self, token: re.Match[str]) -> None:
        if token["y"] is not None:
            self._y, self._x = int(token["y"] or 1) - 1, int(token["x"] or 1) - 1
        elif token["right"] is not None:
            self._x += int(token["right"] or 1)
        elif token["style"] is not None:
            self._restyle(token["style"])
        elif token["control"] == "\n":
            self._y += 1
        elif token["control"] == "\r":
            self._x = 0
        elif token["text"]:
            self._put(token["text"])

    def _restyle(self, parameters: str) -> None:
        """Keeps the style as one spelling of it, whichever way it was reached."""
        found = parse_sgr(f"{self._style};{parameters or 0}" if self._style else parameters)
        words = sorted(found.weights, key=int)
        words += [found.foreground] if found.foreground != "39" else []
        words += [found.background] if found.background != "49" else []
        self._style = ";".join(words)

    def _put(self, text: str) -> None:
        for character in text:
            if 0 <= self._y < self.rows and 0 <= self._x < self.columns:
                self._cells[self._y][self._x] = Cell(character, self._style)
            self._x += 1

    @property
    def text(self) -> str:
        """The screen's characters, a line a row."""
        return "\n".join("".join(cell.text or " " for cell in row) for row in self._cells)

    @property
    def full(self) -> bool:
        """Whether every cell has been written at least once: the first complete frame."""
        return all(cell.text is not None for row in self._cells for cell in row)

    @property
    def picture(self) -> Picture:
        """The cells as a value, to compare with a later picture."""
        return tuple(tuple(row) for row in self._cells)


def cheapest(before: Picture, after: Picture) -> int:
    """Returns the bytes of the shortest plain encoding of what changed between two pictures.

    One cursor move for each run of changed cells, one style sequence where the style changes,
    one reset at the end. Runs are joined where sending the cells between is cheaper than another cursor move.
    """
    total = 0
    style: str | None = None
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        last: int | None = None
        for x, (was, now) in enumerate(zip(old, new, strict=True)):
            if was == now:
                continue
            cost = _move(x, y) + _said((now,), style)
            if last is not None:
                cost = min(cost, _said(new[last + 1 : x + 1], style))
            total += cost
            last, style = x, now.style
    return total + len("\x1b[0m") if total else 0


def _move(x: int, y: int) -> int:
    return len(f"\x1b[{y + 1};{x + 1}H")


def _said(cells: tuple[Cell, ...], style: str | None) -> int:
    total = 0
    for wanted, run in groupby(cells, key=lambda cell: cell.style):
        if wanted != style:
            total += len(f"\x1b[0;{wanted}m")
        style = wanted
        total += sum(len((cell.text or " ").encode()) for cell in run)
    return total
