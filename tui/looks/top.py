"""The largest entries of a long row, such as the logits of a vocabulary, each with its word and a bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.text import CleanText
from tui.looks.bars import BAR, bar_text, bars_in_ascii
from tui.looks.look import Look, LookInput
from tui.model.drawing import Drawing, lines_in_words
from tui.model.frame import CellMark, Panel
from tui.text.glyphs import ASCII, UNICODE
from tui.text.rows import Row, TextSpan, cut, fit

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView

LONG = 32  # entries of a row from which on not all of them are looked at
MOST = 40  # entries that are shown
SAID = 10  # of them in words
LABEL = 16  # columns of a word
NOW = CellMark.WRITE | CellMark.FACTOR | CellMark.CURSOR


@dataclass(frozen=True, slots=True, eq=False)
class TopEntry:
    """One of the largest entries: its word or its number, its value as text and in size, its marks."""

    label: str
    text: str
    size: float
    mark: CellMark


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """The largest entries of a row, a `Drawing`.

    Attributes:
        title: Which row of which tensor it is.
        count: How many entries it has.
        entries: The largest that are computed, largest first.
        scale: The magnitude of a full bar.
        role: The role of bars.
        ascii_only: Whether to draw in ASCII.
    """

    title: str
    count: int
    entries: tuple[TopEntry, ...]
    scale: float
    role: str
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """The largest entries, with their words."""
        listed = ", ".join(f"{entry.label} {entry.text}" for entry in self.entries[:SAID])
        shown = self._largest(min(SAID, len(self.entries)))
        return lines_in_words([f"{shown} {self.title}: {listed}"], ascii_only=self.ascii_only)

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return the title, and below it a line an entry: its word, its number, a bar."""
        shown = self.entries[: max(1, height - 1)]
        dots = (ASCII if self.ascii_only else UNICODE).dots
        side = min(LABEL, max((cell_len(entry.label) for entry in shown), default=0))
        digits = max((cell_len(entry.text) for entry in shown), default=0)
        head = (TextSpan(f"{self._largest(len(shown))} ", "dim"), TextSpan(self._text(self.title), "title"))
        lines: list[Row] = [head]
        for entry in shown:
            label = cut(self._text(entry.label), side, dots=dots)
            brackets = entry.mark.brackets
            role = "current" if entry.mark & NOW else ""
            bar = self._text(bar_text(entry.size, self.scale, width - side - digits - 5))
            lines.append(
                (
                    TextSpan(" " * (side - cell_len(label)) + label + " ", "label"),
                    TextSpan(f"{brackets[0]}{entry.text.rjust(digits)}{brackets[1]} ", role),
                    TextSpan(bar, self.role),
                )
            )
        above = max(0, height - len(lines)) // 2
        return tuple([()] * above + [fit(line, width, dots) for line in lines][:height])

    def _largest(self, shown: int) -> str:
        if not self.entries:
            return f"none of {self.count:,} is computed in"
        return f"the largest {shown} of {self.count:,} in"

    def _text(self, text: str) -> str:
        return bars_in_ascii(text) if self.ascii_only else text


def suits(node: NodeView, _: Sequence[Node]) -> bool:
    """Return whether a node has rows of real numbers that are too long to be looked at."""
    value = node.result.value
    return value.is_floating_point() and bool(value.numel()) and bool(value.dim()) and value.shape[-1] >= LONG


def draw(given: LookInput) -> Drawing:
    """Return the largest entries of the row that is written or asked for; else of the last row."""
    panel = given.result
    across = panel.column_axis is not None and panel.column_axis == len(panel.shape) - 1
    focus = panel.focus_rows if across else panel.focus_columns
    lines = panel.rows if across else panel.columns
    line = focus.start if len(focus) else lines - 1
    count = panel.columns if across else panel.rows
    rows, columns = (range(line, line + 1), range(count)) if across else (range(count), range(line, line + 1))
    numbers = [number for row in panel.cells.values(rows, columns) for number in row]
    known = [(float(number.real), k) for k, number in enumerate(numbers) if number is not None]
    known = [(size, k) for size, k in known if not math.isnan(size)]
    largest = sorted(known, key=lambda pair: (-pair[0], pair[1]))[:MOST]
    entries = tuple(_entry(panel, line, k, size, across=across) for size, k in largest)
    finite = [abs(size) for size, _ in largest if math.isfinite(size)]
    edge = panel.row_edge if across else panel.column_edge
    word = edge.labels[line] if edge.labels else ""
    title = panel.title if lines == 1 else f"row {line}{f' {word!r}' * bool(word)} of {panel.title}"
    role = panel.hue or BAR
    return Top(title, count, entries, max(finite, default=0.0), role, given.ascii_only)


def _entry(panel: Panel, line: int, place: int, size: float, *, across: bool) -> TopEntry:
    """Return an entry of a row; a word that a space begins is told from one without."""
    row, column = (line, place) if across else (place, line)
    (cell,) = panel.cells.window(range(row, row + 1), range(column, column + 1), 4)[0]
    edge = panel.column_edge if across else panel.row_edge
    word = edge.labels[place] if place < len(edge.labels) else ""
    return TopEntry(word or str(place), cell.text.strip(), size, cell.mark)


TOP = Look("top", suits, draw)
