"""Where everything on the stage stands: pure geometry.

:func:`arrange` places panels in a space of columns × rows of characters. It chooses how many decimals are
shown and
how wide a cell is so that the panels fit whole; where they can't, each shows a window around its focus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.arrangements import Numbered, centred, falk, in_column, in_row
from tui.frame import Arrangement, Cell, Mark, Panel
from tui.places import Label, Layout, Slot
from tui.spans import window

__all__ = ["Label", "Layout", "Piece", "Slot", "arrange", "pieces"]

DECIMALS = (4, 3, 2)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of one row: a cell with its brackets."""

    text: str  # exactly ``slot.cell`` characters
    level: float | None
    mark: Mark


def arrange(panels: Sequence[Panel], arrangement: Arrangement, width: int, height: int) -> Layout:
    """Places for the panels in a space of ``width`` × ``height`` characters, centred, never outside it.

    Whole panels come first: fewer decimals, then without siblings, then stacked where they would stand in a
    row (and
    the reverse). Only then do panels become windows, in the arrangement asked for if it has room.
    """
    numbered = list(enumerate(panels))
    own = [(i, panel) for i, panel in numbered if panel.role != "sibling"]
    choices = [arrangement]
    if arrangement == "row":
        choices.append("column")
    elif arrangement == "column":
        choices.append("row")
    tries = [
        _place(some, choice, width, height, decimals)
        for some in ([numbered, own] if len(own) < len(panels) else [numbered])
        for choice in choices
        for decimals in DECIMALS
    ]
    for layout in tries:
        if layout is not None and layout.whole:
            return layout
    choices = [*dict.fromkeys((arrangement, "row", "column"))]
    for choice in choices:
        fitting = [_place(own, choice, width, height, decimals) for decimals in DECIMALS]
        wide = [layout for layout in fitting if layout is not None and _all_columns(layout, panels)]
        found = wide[0] if wide else fitting[-1]
        if found is not None:
            return found
    return _last_resort(own, width, height)


def pieces(cells: Sequence[Cell], slot: Slot) -> tuple[Piece, ...]:
    """One row of a panel's window as runs of characters, brackets and all; every state told without colour.

    What is being read or written stands in ``[ ]``, neighbours together; the cursor in ``> <``, what made
    its cell in
    ``( )``, what it feeds in ``{ }``; an axis that clashes in ``! !``.
    """
    kinds = [_brackets(cell.mark) for cell in cells]
    made = []
    for i, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
        joined = kind in ("[]", "()", "{}")
        opens = not (joined and i and kinds[i - 1] == kind)
        closes = not (joined and i + 1 < len(kinds) and kinds[i + 1] == kind)
        text = cell.text.rjust(slot.cell - 2)[: max(0, slot.cell - 2)]
        made.append(
            Piece(f"{kind[0] if opens else ' '}{text}{kind[1] if closes else ' '}", cell.level, cell.mark)
        )
    return tuple(made)


def _brackets(mark: Mark) -> str:
    for flag, pair in (
        (Mark.CURSOR, "><"),
        (Mark.CLASH, "!!"),
        (Mark.MADE, "()"),
        (Mark.FED, "{}"),
        (Mark.FACTOR | Mark.WRITE, "[]"),
    ):
        if mark & flag:
            return pair
    return "  "


def _place(
    panels: Numbered, arrangement: Arrangement, width: int, height: int, decimals: int
) -> Layout | None:
    """One attempt; None if there isn't room for a cell of each panel."""
    if not panels or width < 3 or height < 1:
        return None
    if arrangement == "falk":
        draft = falk(panels, width, height, decimals)
    elif arrangement == "row":
        draft = in_row(panels, width, height, decimals)
    else:
        draft = in_column(panels, width, height, decimals)
    if draft is None:
        return None
    slots, labels = draft
    whole = all(
        len(slot.rows) == panel.rows and len(slot.columns) == panel.columns
        for slot, (_, panel) in zip(slots, panels, strict=True)
    )
    return centred(Layout(width, height, tuple(slots), tuple(labels), arrangement, whole, True))


def _all_columns(layout: Layout, panels: Sequence[Panel]) -> bool:
    return all(len(slot.columns) == panels[slot.panel].columns for slot in layout.slots)


def _last_resort(panels: Numbered, width: int, height: int) -> Layout:
    """The result alone, as much of it as there is room for."""
    for i, panel in sorted(panels, key=lambda entry: entry[1].role != "result")[:1]:
        cell = panel.width(DECIMALS[-1]) + 2
        rows = window(panel.rows, height, panel.focus_rows)
        columns = window(panel.columns, width // cell, panel.focus_columns)
        if len(rows) and len(columns):
            slot = Slot(i, 0, 0, rows, columns, cell, DECIMALS[-1])
            return Layout(width, height, (slot,), (), "column", False, False)
    return Layout(width, height, (), (), "column", False, False)
