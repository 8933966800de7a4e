"""What a notebook plots, as numbers: the app draws it with its own looks."""

from __future__ import annotations

from typing import Literal, NamedTuple

PlotKind = Literal["curve", "points", "bars", "heat"]


class PlotSeries(NamedTuple):
    """One line, or one set of points or bars: its name, and pairs of numbers."""

    name: str
    points: tuple[tuple[float, float], ...]


class Plot(NamedTuple):
    """A plot of a cell."""

    kind: PlotKind  # how it is drawn
    series: tuple[PlotSeries, ...] = ()  # its lines; () for a picture of a tensor
    node: int | None = None  # the position of the node of the tensor that is a picture; None for others
