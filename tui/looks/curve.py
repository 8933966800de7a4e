"""Curves: a function of a sorted vector, or a number as it changes from turn to turn of a loop."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.text import CleanText, clean
from tui.looks.canvas import ACROSS, DOWN, Canvas, CanvasSheet
from tui.looks.look import Look, LookInput
from tui.model.frame import CellMark, Panel
from tui.text.glyphs import ASCII, UNICODE, ascii_text
from tui.text.rows import Row, TextSpan, cut, fit, width_of

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView

MOST = sys.float_info.max
DECADES = 2  # that a series spans on a scale of powers of ten
SAID = 12  # points that are said in words
_WHOLE = 1_000_000  # whole numbers below are written out
NAMES = 12  # columns of a curve's name beside it
ROLES = ("slice-0", "slice-1", "slice-2")
NOW = CellMark.WRITE | CellMark.FACTOR | CellMark.CURSOR


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers along a side of the picture, evenly or by powers of ten."""

    first: float
    last: float
    logarithmic: bool = False

    @classmethod
    def over(cls, numbers: Sequence[float], *, logarithmic: bool = False) -> Axis:
        """Return the axis over all finite numbers; around a single one half of it on either side."""
        finite = [number for number in numbers if math.isfinite(number)] or [0.0]
        low, high = min(finite), max(finite)
        if logarithmic and low > 0 and math.log10(high) - math.log10(low) >= DECADES:
            return cls(low, high, True)
        if low == high:
            around = abs(low) / 2 or 1.0
            low, high = max(low - around, -MOST), min(high + around, MOST)
        return cls(low, high)

    def part(self, number: float) -> float:
        """Return where a number lies, from 0 at the first to 1 at the last."""
        if self.logarithmic:
            low = math.log10(self.first)
            return (math.log10(number) - low) / (math.log10(self.last) - low) if number > 0 else -1.0
        return (number / 2 - self.first / 2) / (self.last / 2 - self.first / 2)

    def number(self, part: float) -> float:
        """Return the number that lies at a part."""
        if self.logarithmic:
            low, high = math.log10(self.first), math.log10(self.last)
            return float(10 ** (low + part * (high - low)))
        return self.first * (1 - part) + self.last * part

    def dot(self, number: float, dots: int) -> int:
        """Return the dot of a number among so many; outside of them for one outside of the range."""
        return round(max(-1.0, min(2.0, self.part(number))) * (dots - 1))


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Attributes:
        name: What it is called.
        points: Pairs of numbers in order; None where one is not yet computed.
        now: The point of the current step or of the cursor.
        is_joined: Whether a line goes through its points.
    """

    name: str
    points: tuple[tuple[float, float | None], ...]
    now: int | None = None
    is_joined: bool = True


@dataclass(frozen=True, slots=True)
class CurvePlace:
    """The place of a curve's picture in its space: its corner, its size, in characters; points a dot."""

    left: int
    top: int
    width: int
    height: int
    fine: int = 1

    @property
    def cell(self) -> tuple[int, int]:
        """The points across and down in a character."""
        return ACROSS * self.fine, DOWN * self.fine


@dataclass(frozen=True, slots=True)
class Curve:
    """Curves over one axis, a `Drawing`.

    Attributes:
        name: What runs to the right.
        series: The curves.
        across: The axis to the right.
        up: The axis upward, over the values that the curves have when they are complete.
        ascii_only: Whether to draw in ASCII.
    """

    name: str
    series: tuple[Series, ...]
    across: Axis
    up: Axis
    ascii_only: bool
    has_dots = True

    @property
    def words(self) -> tuple[CleanText, ...]:
        """What each curve is of, and some of its points in order."""
        return tuple(clean(self._text(line.replace("∞", "infinity"))) for line in self._words())

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return a title, and below it the curves between two axes with figures."""
        return self.sheet(width, height).rows

    def sheet(self, width: int, height: int, canvas: type[Canvas] = Canvas) -> CanvasSheet:
        """Return a title, and below it a canvas with the curves; without room for them an empty one."""
        title = fit(self._title(width), width, self._dots)
        if width < 12 or height < 4:
            return CanvasSheet((title,)[:height], canvas(width, 0, self.ascii_only))
        drawn = canvas(width, height - 1, self.ascii_only)
        plot = replace(self.plot(width, height), fine=drawn.fine)
        self._axes(drawn, plot)
        for role, one in zip(ROLES, self.series, strict=False):
            self._draw(drawn, plot, one, role)
        self._names(drawn, plot)
        return CanvasSheet((title,), drawn)

    def plot(self, width: int, height: int) -> CurvePlace:
        """Return the part of a space that the curves take: without title, figures and names."""
        figures = max(map(len, self._figures()))
        names = max(cell_len(one.name) for one in self.series) + 1 if len(self.series) > 1 else 0
        names = min(names, NAMES, max(0, width - figures - 10))
        return CurvePlace(figures + 1, 0, width - figures - 1 - names, height - 2)

    def dot(self, plot: CurvePlace, x: float, y: float) -> tuple[int, int]:
        """Return the dot of a point, counted from the upper left corner of the picture."""
        across, down = plot.cell
        column = self.across.dot(x, across * plot.width)
        row = down * plot.height - 1 - self.up.dot(y, down * plot.height)
        return across * plot.left + column, down * plot.top + row

    def _figures(self) -> list[str]:
        return [self._text(figure(number)) for number in (self.up.first, self.up.last)]

    def _text(self, text: str) -> str:
        return ascii_text(text) if self.ascii_only else text

    @property
    def _dots(self) -> str:
        return (ASCII if self.ascii_only else UNICODE).dots

    def _title(self, width: int) -> Row:
        """Return what is drawn, and the points of now: as many as there is room for, for no number is cut.

        A long one is without the axis, which stands below.
        """
        names = ", ".join(one.name for one in self.series)
        points = []
        for one in self.series:
            if one.now is not None and one.points[one.now][1] is not None:
                x, y = one.points[one.now]
                lead = f"   {one.name if len(self.series) > 1 else self.name} "
                arrow = self._text(f"{figure(x)} → {figure(y or 0.0)}")
                points.append(TextSpan(f"{lead}{arrow}", "current"))
        scale = [TextSpan("   log scale", "dim")] * self.up.logarithmic
        rows = [(TextSpan(f"{names} against {self.name}", "title"), *points, *scale)]
        rows += [(TextSpan(names, "title"), *points[:shown], *scale) for shown in range(len(points), -1, -1)]
        return next((row for row in rows if width_of(row) <= width), rows[-1])

    def _axes(self, canvas: Canvas, plot: CurvePlace) -> None:
        """Draw the figures, the line below, and where 0 lies between the ends a line through it."""
        low, high = self._figures()
        bottom = plot.top + plot.height - 1
        canvas.text(plot.left - 1 - len(high), plot.top, high, "label")
        if bottom > plot.top:
            canvas.text(plot.left - 1 - len(low), bottom, low, "label")
        first, last = (self._text(figure(number)) for number in (self.across.first, self.across.last))
        canvas.text(plot.left, bottom + 1, first, "label")
        canvas.text(plot.left + plot.width - len(last), bottom + 1, last, "label")
        room = plot.width - len(first) - len(last) - 2
        name = cut(self.name, max(0, room), dots=self._dots)
        canvas.text(plot.left + len(first) + 1 + (room - cell_len(name)) // 2, bottom + 1, name, "label")
        across, down = plot.cell
        if self.up.first < 0 < self.up.last:
            _, row = self.dot(plot, self.across.first, 0.0)
            end = across * (plot.left + plot.width) - 1
            canvas.line((across * plot.left, row), (end, row), "rule", (1, 4))
            if row // down not in (plot.top, bottom):
                canvas.text(plot.left - 2, row // down, "0", "label")
        if self.across.first < 0 < self.across.last:
            column, _ = self.dot(plot, 0.0, self.up.last)
            canvas.line((column, down * plot.top), (column, down * (bottom + 1) - 1), "rule", (1, 4))

    def _draw(self, canvas: Canvas, plot: CurvePlace, one: Series, role: str) -> None:
        """Draw a curve through its points; where one is missing or no number it is broken."""
        before: tuple[int, int] | None = None
        for x, y in one.points:
            if y is None or math.isnan(y):
                before = None
            elif math.isinf(y):
                before = None
                column = plot.left + self.across.dot(x, 2 * plot.width) // 2
                arrow = "↑" if y > 0 else "↓"
                edge = plot.top if y > 0 else plot.top + plot.height - 1
                canvas.text(column, edge, self._text(arrow), role)
            else:
                here = self.dot(plot, x, y)
                if plot.top * plot.cell[1] <= here[1] < plot.cell[1] * (plot.top + plot.height):
                    canvas.line(here if before is None else before, here, role)
                    before = here if one.is_joined else None
        if one.now is None:
            return
        x, y = one.points[one.now]
        if y is not None and math.isfinite(y):
            column, row = self.dot(plot, x, y)
            bottom = plot.cell[1] * (plot.top + plot.height) - 1
            canvas.line((column, row), (column, bottom), "current", (1, 2))

    def _names(self, canvas: Canvas, plot: CurvePlace) -> None:
        """Write the name of each curve beside its last point, if there are several."""
        taken: set[int] = set()
        for role, one in zip(ROLES, self.series, strict=False) if len(self.series) > 1 else ():
            drawn = [y for _, y in one.points if y is not None and math.isfinite(y)]
            if not drawn:
                continue
            last = self.dot(plot, self.across.last, drawn[-1])[1] // plot.cell[1]
            row = min(max(last, 0), plot.height - 1)
            rows = sorted(range(plot.height), key=lambda free: abs(free - row))
            row = next((free for free in rows if free not in taken), row)
            taken.add(row)
            left = plot.left + plot.width + 1
            canvas.text(left, row, cut(one.name, canvas.width - left, dots=self._dots), role)

    def _words(self) -> Iterator[str]:
        for one in self.series:
            known = [(x, y) for x, y in one.points if y is not None]
            some = sorted({len(known) * k // SAID for k in range(SAID)} | {len(known) - 1}) if known else []
            points = ", ".join(f"{figure(known[k][0])} gives {figure(known[k][1])}" for k in some)
            rest = (
                "" if len(known) == len(one.points) else f", {len(one.points) - len(known)} not yet computed"
            )
            scale = ", on a scale of powers of ten" if self.up.logarithmic else ""
            count = f"{len(known)} points" if len(some) < len(known) else "points"
            head = f"{one.name} against {self.name}{scale}: "
            yield head + (f"{count}: {points}{rest}" if known else "not yet computed")
            if one.now is not None and one.points[one.now][1] is not None:
                x, y = one.points[one.now]
                yield f"now {figure(x)} gives {figure(y or 0.0)}"


def figure(number: float) -> str:
    """Return a number in few characters: `2.73`, `−1e-06`, and a whole one as it is: `3,000`."""
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else "∞" if number > 0 else "-∞"
    if abs(number) < _WHOLE and number == int(number):
        return f"{int(number):,}"
    return f"{number + 0.0:.3g}"


def suits(node: NodeView, level: Sequence[Node]) -> bool:
    """Return whether a node is a function of a sorted vector, or a number that a loop gives in turn."""
    from llm_linalg.analysis.abscissa import abscissa, is_series, turns

    return bool(is_series(node.node) or turns(node.node, level) or abscissa(node.node) is not None)


def draw(given: LookInput) -> Curve:
    """Return the curve of a node, with those of the nodes beside it over the same axis."""
    from llm_linalg.analysis.abscissa import abscissa, is_series, numbers_by_turn, turns

    node = given.node.node
    spell = ascii_text if given.ascii_only else str
    shown = [(given.node, given.result), *zip(given.beside, _beside(given), strict=True)]
    series: list[Series] = []
    complete: list[float] = []
    over = None if is_series(node) else abscissa(node)
    rounds = turns(node, given.level)
    if rounds:
        turn = next(k for k, one in enumerate(rounds) if one is node)
        for view, panel in shown:
            made = turns(view.node, given.level)
            if len(made) == len(rounds):
                series.append(_loop(view, made, panel, turn))
                complete += numbers_by_turn(made, len(made))
        name = "turn"
    else:
        places = list(range(node.shape[0])) if over is None else over.value.tolist()
        for view, panel in shown:
            source = abscissa(view.node)
            other = is_series(view.node) if over is None else source is not None and source.node is over.node
            if other and view.result.shape == node.shape:
                series.append(_vector(panel, places))
                complete += view.node.value.double().tolist()
        name = "index" if over is None else spell(over.title)
    across = Axis.over([x for one in series for x, _ in one.points])
    up = Axis.over(complete, logarithmic=over is None)
    series = [Series(spell(one.name), one.points, one.now) for one in series[: len(ROLES)]]
    return Curve(clean(name), tuple(series), across, up, given.ascii_only)


def _beside(given: LookInput) -> tuple[Panel, ...]:
    return tuple(panel for panel in given.panels if panel.role == "sibling")


def _vector(panel: Panel, places: Sequence[float]) -> Series:
    """Return the curve of a vector as far as it is computed."""
    numbers, marks = _cells(panel)
    points = tuple(zip(map(float, places), numbers, strict=True))
    return Series(panel.title, points, next((k for k, mark in enumerate(marks) if mark & NOW), None))


def _loop(view: NodeView, made: Sequence[Node], panel: Panel, turn: int) -> Series:
    """Return the curve of a number over the turns of a loop, up to a turn, as its step leaves that."""
    from llm_linalg.analysis.abscissa import numbers_by_turn

    before, count = numbers_by_turn(made, turn), len(numbers_by_turn(made, len(made)))
    (number,), _ = _cells(panel)
    if view.node is not made[turn]:  # of a node beside, which is of the last turn
        number = float(made[turn].value.item())
    known = [*before, number, *[None] * (count - len(before) - 1)]
    return Series(view.result.name, tuple((float(k), y) for k, y in enumerate(known, 1)), len(before))


def _cells(panel: Panel) -> tuple[list[float | None], list[CellMark]]:
    """Return the numbers of a panel that is one row or one column, as floats, and its marks."""
    shown = range(panel.rows), range(panel.columns)
    numbers = [number for row in panel.cells.values(*shown) for number in row]
    marks = [cell.mark for row in panel.cells.window(*shown) for cell in row]
    return [None if number is None else float(number.real) for number in numbers], marks


CURVE = Look("curve", suits, draw)
