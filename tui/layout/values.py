"""Slots of panels, labels, and the layout of them all, as values."""

from __future__ import annotations

from dataclasses import dataclass

from tui.model.frame import Arrangement


@dataclass(frozen=True, slots=True)
class PanelSlot:
    """The place of a panel on the stage, and the window of cells that it shows.

    A cell is `cell` columns wide: a bracket or space, the number, a bracket or space. Row `r` of the
    window is drawn at `y + r`, column `c` at `x + c * cell`.
    """

    panel: int  # position in the list of panels
    x: int
    y: int
    rows: range
    columns: range
    cell: int
    decimals: int
    tight: bool = False  # neighbours share the column between them; one more stands at the end

    @property
    def width(self) -> int:
        """Columns of the grid."""
        return self.cell * len(self.columns) + self.tight

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return len(self.rows)

    def hit(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the panel's row and column under a point relative to the grid's corner; None outside."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return None
        if not self.columns:
            return None
        return self.rows[y], self.columns[min(x // self.cell, len(self.columns) - 1)]


@dataclass(frozen=True, slots=True)
class Label:
    """Text on the stage: a panel's title with its shape, a sign between panels, or its window's place."""

    x: int
    y: int
    text: str
    panel: int | None  # the panel that it belongs to
    kind: str  # "title" | "sign" | "window" | "edge"


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of panels and labels in a space of `width` × `height`."""

    width: int
    height: int
    slots: tuple[PanelSlot, ...]
    labels: tuple[Label, ...]
    arrangement: Arrangement
    whole: bool  # every panel is shown whole
    fits: bool  # there is room for at least one cell of every panel that isn't a sibling

    def slot(self, panel: int) -> PanelSlot | None:
        """Return the slot of a panel; None if it is not shown."""
        return next((slot for slot in self.slots if slot.panel == panel), None)
