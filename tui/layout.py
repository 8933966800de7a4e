"""Where everything on the stage stands: pure geometry.

:func:`arrange` places panels in a space of columns × rows of characters. It chooses how many decimals are
shown and how wide a cell is so that the panels fit whole; where they can't, each shows a window around its
focus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from tui.arrangements import Fit, Numbered, centred, falk, in_column, in_row
from tui.frame import Arrangement, Cell, Mark, Panel
from tui.places import Label, Layout, Slot
from tui.spans import window

__all__ = ["Label", "Layout", "Piece", "Slot", "arrange", "pieces"]

FITS = (Fit(4), Fit(3), Fit(2))
TIGHT = (Fit(3, tight=True), Fit(2, tight=True), Fit(1, tight=True))


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of one row: a cell with its brackets."""

    text: str  # ``slot.cell`` characters; a tight row ends with a piece of one
    level: float | None
    mark: Mark


def arrange(panels: Sequence[Panel], arrangement: Arrangement, width: int, height: int) -> Layout:
    """Places for the panels in a space of ``width`` × ``height`` characters, centred, never outside it.

    Whole panels come first: with fewer decimals, then stacked where they would stand in a row (and the
    reverse), then without siblings. Only then do panels become windows, in the arrangement asked for if it
    has room.
    """
    numbered = list(enumerate(panels))
    own = [(i, panel) for i, panel in numbered if panel.role != "sibling"]
    turned: dict[Arrangement, Arrangement] = {"row": "column", "column": "row"}
    choices = [arrangement, turned[arrangement]] if arrangement in turned else [arrangement]
    groups = [numbered, own] if len(own) < len(panels) else [numbered]
    second: Layout | None = None
    for some, fits, choice in product(groups, (FITS, TIGHT), choices):
        for fit in fits:
            layout = _place(some, choice, width, height, fit)
            if layout is None or not layout.whole:
                continue
            if not any(label.text.endswith("…") for label in layout.labels):
                return layout
            second = second or layout  # a title that is cut costs more than a decimal
    if second is not None:
        return second
    for choice in dict.fromkeys((arrangement, *choices, "row", "column")):
        fitting = [_place(own, choice, width, height, fit) for fit in (*FITS, TIGHT[1])]
        wide = [layout for layout in fitting if layout is not None and _all_columns(layout, panels)]
        found = wide[0] if wide else fitting[-2] or fitting[-1]
        if found is not None:
            return found
    return _last_resort(own, width, height)


def pieces(cells: Sequence[Cell], slot: Slot) -> tuple[Piece, ...]:
    """One row of a panel's window as runs of characters, brackets and all; every state told without colour.

    What is being read or written stands in ``[ ]``, neighbours together; the cursor in ``> <``, what made
    its cell in ``( )``, what it feeds in ``{ }``; an axis that clashes in ``! !``. In a tight row neighbours
    share a column.
    """
    kinds = [_brackets(cell.mark) for cell in cells]
    opens = [
        kind[0] if i == 0 or kinds[i - 1] != kind or kind == "><" else " " for i, kind in enumerate(kinds)
    ]
    closes = [
        kind[1] if kinds[i + 1 : i + 2] != [kind] or kind == "><" else " " for i, kind in enumerate(kinds)
    ]
    room = slot.cell - 2 + slot.tight
    made = []
    for i, cell in enumerate(cells):
        before, after = opens[i], closes[i]
        if slot.tight:
            before, after = before if before != " " or i == 0 else closes[i - 1], ""
        made.append(Piece(f"{before}{cell.text.rjust(room)[:room]}{after}", cell.level, cell.mark))
    if slot.tight and cells:
        made.append(Piece(closes[-1], None, Mark.NONE))
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


def _place(panels: Numbered, arrangement: Arrangement, width: int, height: int, fit: Fit) -> Layout | None:
    """One attempt; None if there isn't room for a cell of each panel."""
    if not panels or width < 3 or height < 1:
        return None
    if arrangement == "falk":
        draft = falk(panels, width, height, fit)
    elif arrangement == "row":
        draft = in_row(panels, width, height, fit)
    else:
        draft = in_column(panels, width, height, fit)
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
        fit = TIGHT[1]
        cell = fit.cell(panel)
        rows = window(panel.rows, height, panel.focus_rows)
        columns = window(panel.columns, (width - 1) // cell, panel.focus_columns)
        if len(rows) and len(columns):
            slot = Slot(i, 0, 0, rows, columns, cell, fit.decimals, fit.tight)
            return Layout(width, height, (slot,), (), "column", False, False)
    return Layout(width, height, (), (), "column", False, False)
