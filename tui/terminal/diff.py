"""Textual's updates of the screen, reduced to what the terminal doesn't show yet."""

from __future__ import annotations

from collections.abc import Iterator

from rich.color import ColorSystem
from rich.console import Console

from tui.terminal.cell_buffer import CellBuffer, StripPosition
from tui.terminal.textual_private import ChopsUpdate, CompositorUpdate, LayoutUpdate

SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}


class Difference(CompositorUpdate):
    """An update that sends what differs from the cells of a terminal, which then have it."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, cells: CellBuffer) -> None:
        self.update = update
        self.cells = cells

    def render_segments(self, console: Console) -> str:
        """Return what has to be sent."""
        colours = SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        return self.cells.draw(strip_positions(self.update), colours)


def strip_positions(update: LayoutUpdate | ChopsUpdate) -> Iterator[StripPosition]:
    """Yield the strips of an update and where they stand.

    A strip is given whole though only a span of it is dirty: the buffer sends what differs, whereas to cut it
    would fill rich's cache of cut segments, thousands of them, with numbers that never come again.
    """
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, strips
        return
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < last and end > first:
                yield y, x, (strip,)
