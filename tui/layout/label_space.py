"""The labels at a panel's edges: of its rows, left of the grid, and of its columns, above it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui.layout.values import Label, PanelSlot
from tui.model.frame import Panel
from tui.text.rows import cut

MOST = 8
"""Columns of a row's label; longer ones are cut."""
WIDENING = 6
"""Columns of a column's label for which cells are made wider."""
NARROWEST = 3
"""Columns of a label that is cut, at least."""


def beside(panel: Panel) -> int:
    """Return the columns that the labels of a panel's rows take, with a space; 0 if it has none."""
    widest = _widest(panel.row_edge.labels, MOST)
    return widest + 1 if widest else 0


def cell_width(panel: Panel, cell: int) -> int:
    """Return the columns of a cell, widened to give the labels of the panel's columns room above them."""
    return max(cell, _widest(panel.column_edge.labels, WIDENING) + 1)


def _widest(labels: Sequence[str], most: int) -> int:
    """Return the columns of the widest label, at most so many: a vocabulary is not looked at whole."""
    widest = 0
    for label in labels:
        widest = max(widest, cell_len(label))
        if widest >= most:
            return most
    return widest


def row_labels(panel: Panel, slot: PanelSlot) -> list[Label]:
    """Return the words at the rows shown, which end a column before the grid."""
    room = min(beside(panel) - 1, slot.x - 1)
    words = [cut(panel.row_edge.labels[row], max(room, 0)) for row in slot.rows]
    return [
        Label(slot.x - 1 - cell_len(word), slot.y + k, word, slot.panel, "edge")
        for k, word in enumerate(words)
        if word
    ]


def column_labels(panel: Panel, slot: PanelSlot) -> list[Label]:
    """Return the words above the columns shown, each ending where its column's numbers do.

    Return none where columns are too narrow for the first letters.
    """
    if slot.cell - 1 < _widest(panel.column_edge.labels, NARROWEST):
        return []
    words = [cut(panel.column_edge.labels[column], slot.cell - 1) for column in slot.columns]
    ends = [slot.x + (k + 1) * slot.cell - (not slot.tight) for k in range(len(words))]
    return [
        Label(end - cell_len(word), slot.y - 1, word, slot.panel, "edge")
        for end, word in zip(ends, words, strict=True)
        if word
    ]


def header(panel: Panel, slot: PanelSlot) -> str:
    """Return the labels of the columns shown as one line, each at the end of its column."""
    words = [cut(panel.column_edge.labels[column], slot.cell - 1) for column in slot.columns]
    return "".join(" " * (slot.cell - cell_len(word)) + word for word in words)
