"""A notebook's plots, drawn by the app's own looks: curves, points and bars."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from llm_linalg.base.text import CleanText, clean
from tui.looks.bars import bar_text, bars_in_ascii
from tui.looks.curve import ROLES, Axis, Curve, Series, figure
from tui.text.glyphs import ASCII, UNICODE, ascii_text
from tui.text.rows import Row, TextSpan, cut, row

if TYPE_CHECKING:
    from llm_linalg.recording.plot import Plot
    from tui.model.drawing import Drawing

SAID = 40  # bars that are put into words


@dataclass(frozen=True, slots=True)
class PlottedBars:
    """Bars with what they stand at and how long they are, a `Drawing`.

    Attributes:
        name: What they are of.
        bars: Pairs of a place and a length.
        ascii_only: Whether to draw in ASCII.
    """

    name: str
    bars: tuple[tuple[float, float], ...]
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """The bars in words."""
        listed = ", ".join(f"{figure(x)}: {figure(y)}" for x, y in self.bars[:SAID])
        more = len(self.bars) - SAID
        return (clean(self._text(f"bars of {self.name}: {listed}{f' and {more} more' if more > 0 else ''}")),)

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return a title, and a row for each bar as far as there is room."""
        shown = self.bars[: max(0, height - 1)]
        left = len(self.bars) - len(shown)
        title = self.name if not left else f"{self.name}   {len(shown)} of {len(self.bars)} bars"
        longest = max((abs(y) for _, y in self.bars if isfinite(y)), default=0.0) or 1.0
        places = max((len(figure(x)) for x, _ in shown), default=0)
        room = max(1, width - places - 12)
        rows = [row((cut(title, width, dots=(ASCII if self.ascii_only else UNICODE).dots), "title"))]
        for x, y in shown:
            bar = self._text(bar_text(y, longest, room))
            gap = " " if bar else ""
            rows.append(
                (
                    TextSpan(f"{self._text(figure(x)):>{places}} ", "label"),
                    TextSpan(bar, ROLES[0]),
                    TextSpan(f"{gap}{self._text(figure(y))}"),
                )
            )
        return tuple(rows)

    def _text(self, text: str) -> str:
        return bars_in_ascii(text) if self.ascii_only else text


def plot_drawing(plot: Plot, *, ascii_only: bool) -> Drawing | None:
    """Return the drawing of a plot; None for a tensor's picture, which is its heat."""
    spell = ascii_text if ascii_only else str
    if plot.kind == "heat" or not plot.series:
        return None
    if plot.kind == "bars":
        first = plot.series[0]
        return PlottedBars(clean(spell(first.name), 40), first.points, ascii_only)
    joined = plot.kind == "curve"
    series = tuple(
        Series(clean(spell(one.name), 40), one.points, is_joined=joined) for one in plot.series[: len(ROLES)]
    )
    across = Axis.over([x for one in series for x, _ in one.points])
    up = Axis.over([y for one in plot.series for _, y in one.points])
    return Curve("x", series, across, up, ascii_only)
