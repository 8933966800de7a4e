"""Bars: the entries of a vector, or rows or columns of probabilities, each as long as its number is large."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.axis_labels import AxisLabels
from llm_linalg.base.text import CleanText, clean
from tui.looks.look import Look, LookInput
from tui.looks.ruler import RulerDrawing, Stretch
from tui.model.drawing import Drawing
from tui.model.frame import CellMark, Number, Panel
from tui.model.window import window
from tui.text.glyphs import ASCII, UNICODE, ascii_text
from tui.text.rows import Row, TextSpan, cut, fit

if TYPE_CHECKING:
    from llm_linalg.analysis.dart import Ruler
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.tensor_view import TensorView

MOST = 4096  # cells of a tensor that has bars
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL, NEGATIVE, BEYOND = "█", "▒", "▶"
LABEL = 10  # columns of a label
BAR = "slice-0"  # the role of bars of a tensor without a colour of its own
NARROWEST = 10  # columns of a number and its bar
SAID = 24  # numbers of a row that are said in words


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Bars one below the other, which share a scale.

    Attributes:
        panel: The panel whose cells they are.
        title: What they are.
        ranges: What a bar's length says, from the full words to the shortest.
        scale: The magnitude of a full bar; 0 if there is nothing to draw.
        across: The column of the panel that they are; None for a vector shown as a row.
    """

    panel: Panel
    title: str
    ranges: tuple[str, ...]
    scale: float
    across: int | None

    def head(self, room: int) -> str:
        """Return what stands above them: the title, and as much of what a bar's length says as fits."""
        heads = [self.title + span for span in self.ranges]
        return next((head for head in heads if cell_len(head) <= room), self.title)

    def cells(self, rows: range) -> Iterator[tuple[Number | None, str, CellMark]]:
        """Yield number, text and marks of some entries."""
        shown = (range(1), rows) if self.across is None else (rows, range(self.across, self.across + 1))
        numbers, cells = self.panel.cells.values(*shown), self.panel.cells.window(*shown, self.decimals)
        for line, drawn in zip(numbers, cells, strict=True):
            for number, cell in zip(line, drawn, strict=True):
                yield number, cell.text, cell.mark

    @property
    def title_role(self) -> str:
        """The role of its title."""
        return f"title {self.panel.hue}".rstrip()

    @property
    def decimals(self) -> int:
        """Digits after the point: two of a probability."""
        return 2 if self.scale == 1 else 4

    @property
    def number_width(self) -> int:
        """Columns of a number with its brackets."""
        return self.panel.width(self.decimals) + 2


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Columns of bars with their labels, a `Drawing`.

    Attributes:
        title: What stands above all; empty where each column says what it is.
        columns: The columns of bars; of those of a vector the last is the result.
        labels: The words at the rows.
        focus: The rows, and the columns, that must be in view.
        ascii_only: Whether to draw in ASCII.
    """

    title: str
    columns: tuple[Column, ...]
    labels: tuple[str, ...]
    focus: tuple[range, range]
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """The numbers row by row, with their labels."""
        return tuple(map(clean, self._words()))

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return titles, and below them a line a row: label, numbers, bars."""
        side = min(LABEL, max(map(cell_len, self.labels))) + 1
        shown = self._columns_in(width - side)
        room = (width - side) // max(1, len(shown))
        head = self._head(shown, side, room, width)
        room_below = max(1, height - len(head))
        rows = window(len(self.labels), room_below, self.focus[0])
        if len(rows) < len(self.labels) and room_below > 1:
            rows = window(len(self.labels), room_below - 1, self.focus[0])
        cells = [list(column.cells(rows)) for column in shown]
        lines: list[Row] = []
        for k, row in enumerate(rows):
            label = cut(self.labels[row], side - 1, dots=self._dots)
            spans = [TextSpan(" " * (side - 1 - cell_len(label)) + label + " ", "label")]
            for column, entries in zip(shown, cells, strict=True):
                spans += self._entry(column, *entries[k], room)
            lines.append(tuple(spans))
        if 2 * len(lines) - 1 + len(head) <= height:
            lines = [line for one in lines for line in (one, ())][:-1]
        if len(rows) < len(self.labels):
            note = self._text(f"rows {rows.start}–{rows.stop - 1} of {len(self.labels)}")
            lines.append((TextSpan(" " * side), TextSpan(note, "dim")))
        drawn = [*head, *lines]
        above = max(0, height - len(drawn)) // 2
        return tuple([()] * above + [fit(line, width, self._dots) for line in drawn][:height])

    def _columns_in(self, room: int) -> Sequence[Column]:
        """Return the columns that there is room for: of a vector the result first, of rows a window."""
        narrowest = max(NARROWEST, max(column.number_width for column in self.columns) + 4)
        count = max(1, room // narrowest)
        if not self.title:
            return self.columns[-count:]
        which = window(len(self.columns), count, self.focus[1])
        return self.columns[which.start : which.stop]

    def _head(self, shown: Sequence[Column], side: int, room: int, width: int) -> list[Row]:
        """Return the titles."""
        head: list[Row] = []
        if self.title:
            first = self.columns.index(shown[0])
            some = f"columns {first}–{first + len(shown) - 1} of {len(self.columns)}"
            note = self._text("   0 … 1" + (f"   {some}" if len(shown) < len(self.columns) else ""))
            head.append(
                fit(
                    (TextSpan(self.title, shown[0].title_role), TextSpan(note, "dim")),
                    width,
                    self._dots,
                )
            )
        spans = [TextSpan(" " * side)]
        for column in shown:
            title, role = (
                (column.title, "label") if self.title else (f" {column.head(room - 3)}", column.title_role)
            )
            spans.append(TextSpan(cut(f" {title}", room - 1, pad=True, dots=self._dots) + " ", role))
        return [*head, tuple(spans)] if any(span.text.strip() for span in spans) else head

    def _entry(
        self, column: Column, number: Number | None, text: str, mark: CellMark, room: int
    ) -> list[TextSpan]:
        """Return a number with its brackets, and its bar, in `room` columns."""
        wide = column.number_width
        entry = f"{mark.brackets[0]}{text.rjust(wide - 2)}{mark.brackets[1]} "
        bar = "" if number is None else bar_text(float(number.real), column.scale, room - wide - 2)
        role = column.panel.role_of(mark) or column.panel.hue or BAR
        rest = " " * max(0, room - cell_len(entry) - cell_len(bar))
        return [TextSpan(entry, column.panel.role_of(mark)), TextSpan(self._text(bar), role), TextSpan(rest)]

    def _text(self, text: str) -> str:
        return bars_in_ascii(text) if self.ascii_only else text

    @property
    def _dots(self) -> str:
        return (ASCII if self.ascii_only else UNICODE).dots

    def _words(self) -> Iterator[str]:
        if self.title:
            yield f"{self.title}, bars from 0 to 1:"
            for row, label in enumerate(self.labels[:SAID]):
                bars = [self._said(column, row, column.title) for column in self.columns[:SAID]]
                yield f"{label}: {', '.join(bars)}{_rest(self.columns)}"
            yield from ([f"and {len(self.labels) - SAID} more rows"] if len(self.labels) > SAID else ())
            return
        for column in self.columns:
            bars = [self._said(column, row, label) for row, label in enumerate(self.labels[:SAID])]
            name = self._text(column.panel.title)
            yield f"{name}, bars from 0 to {column.scale:.3g}: {', '.join(bars)}{_rest(self.labels)}"

    def _said(self, column: Column, row: int, label: str) -> str:
        number, text, mark = next(column.cells(range(row, row + 1)))
        value = "not yet computed" if number is None else text.strip()
        now = " (now)" if mark & (CellMark.WRITE | CellMark.FACTOR) else ""
        return f"{label} {value}{now}"


def _rest(entries: Sequence[object]) -> str:
    return f" and {len(entries) - SAID} more" if len(entries) > SAID else ""


def bar_text(number: float, scale: float, room: int) -> str:
    """Return the bar of a number, an eighth of a column exact, in at most `room` columns.

    A full bar stands for `scale`. What is negative is hatched but for its last part; infinity fills the
    room and ends in an arrow; NaN, and what is less than a sixteenth of a column, has no bar.
    """
    if room < 1 or math.isnan(number) or not scale:
        return ""
    whole = NEGATIVE if number < 0 else FULL
    if math.isinf(number):
        return whole * (room - 1) + BEYOND
    eighths = round(8 * room * min(1.0, abs(number) / scale))
    return whole * (eighths // 8) + EIGHTHS[eighths % 8].strip()


_ASCII = str.maketrans(
    {FULL: "#", NEGATIVE: "=", BEYOND: ">", **dict.fromkeys("▏▎▍"), **dict.fromkeys("▌▋▊▉", "#")}
)


def bars_in_ascii(text: str) -> str:
    """Return bars in ASCII: a column is drawn if half of it is full."""
    return ascii_text(text.translate(_ASCII))


def suits(node: NodeView, _: Sequence[Node]) -> bool:
    """Return whether a node is a vector of numbers, or probabilities by row or column, or about a ruler."""
    from llm_linalg.analysis.dart import ruler_of
    from llm_linalg.analysis.value_traits import is_distribution

    if ruler_of(node.node) is not None:
        return True
    value, axes = node.result.value, len(node.result.shape)
    shares = axes == 1 or is_distribution(value) or (axes == 2 and is_distribution(value.mT))
    return _has_bars(node.result) and shares


def _has_bars(tensor: TensorView) -> bool:
    """Return whether a tensor has numbers, and not too many of them."""
    from llm_linalg.analysis.value_traits import is_numeric

    return 0 < tensor.value.numel() <= MOST and is_numeric(tensor.value)


def draw(given: LookInput) -> Drawing:
    """Return the bars of a node: its ruler, a vector beside its operands, or probabilities."""
    from llm_linalg.analysis.dart import ruler_of

    ruler = ruler_of(given.node.node)
    if ruler is not None:
        return _ruler(given, ruler)
    result = given.result
    if len(given.node.result.shape) == 1 or result.rows == 1:
        return _vectors(given)
    labels = _labels(result, down=False)
    columns = tuple(Column(result, label, (), 1.0, k) for k, label in enumerate(labels))
    title = bars_in_ascii(result.label_with_names) if given.ascii_only else result.label_with_names
    focus = (result.focus_rows, result.focus_columns)
    return Bars(title, columns, _labels(result, down=True), focus, given.ascii_only)


def _vectors(given: LookInput) -> Bars:
    """Return the bars of a result that is one row, with those of other tensors of its shape before them."""
    result = given.result
    others = [(panel, tensor) for panel, tensor in given.tensors if panel.shape == result.shape]
    shown = [pair for pair in others if pair[0] is not result and _has_bars(pair[1])]
    shown += [pair for pair in others if pair[0] is result]
    columns = tuple(_vector(panel, tensor, given.ascii_only) for panel, tensor in shown)
    down = columns[-1].across is not None
    focus = result.focus_rows if down else result.focus_columns
    return Bars("", columns, _labels(result, down=down), (focus, range(0)), given.ascii_only)


def _ruler(given: LookInput, ruler: Ruler[Node]) -> RulerDrawing:
    """Return the drawing of a ruler as far as it is computed; where the dart falls, once that is."""
    spell = ascii_text if given.ascii_only else clean
    result, size = given.result, len(ruler.ends)
    names = next(iter(given.axis_names(ruler.edges)), AxisLabels()).labels or [""] * size
    marks, ends = [CellMark.NONE] * size, list[float | None](ruler.ends)
    if given.node.result.shape == (size,) and result.rows * result.columns == size:
        shown = range(result.rows), range(result.columns)
        marks = [cell.mark for row in result.cells.window(*shown) for cell in row]
    if given.node.node is ruler.edges:
        ends = [None if mark & CellMark.PENDING else end for mark, end in zip(marks, ends, strict=True)]
    starts = [0.0, *ruler.ends[:-1]]
    stretches = tuple(
        Stretch(spell(clean(names[k] or str(k))), starts[k], ends[k], marks[k]) for k in range(size)
    )
    title = spell(clean(ruler.edges.title, 40))
    return RulerDrawing(
        title, stretches, ruler.dart, ruler.hit if given.progress == 1 else None, given.ascii_only
    )


def _vector(panel: Panel, tensor: TensorView, ascii_only: bool) -> Column:
    """Return the bars of a vector, or of a matrix's one row: to 1 of probabilities, else to the largest."""
    from llm_linalg.analysis.value_traits import is_distribution, largest

    scale = 1.0 if is_distribution(tensor.value) else largest(tensor.value)
    below = bool((tensor.value < 0).any())
    short = f"0…{scale:.3g}"
    titles = (
        f"   0 … {scale:.3g}" + f", {NEGATIVE} < 0" * below,
        f"  {short}" + f" {NEGATIVE}<0" * below,
        f" {short}",
    )
    spell = bars_in_ascii if ascii_only else clean
    across = None if panel.row_axis is None or panel.rows == 1 else 0
    return Column(panel, spell(panel.title), tuple(map(spell, titles)), scale, across)


def _labels(panel: Panel, down: bool) -> tuple[str, ...]:
    """Return a word for each row, or column, of a panel: its label, or its number."""
    edge, count = (panel.row_edge, panel.rows) if down else (panel.column_edge, panel.columns)
    return tuple(label or str(k) for k, label in enumerate(edge.labels or [""] * count))


BARS = Look("bars", suits, draw)
