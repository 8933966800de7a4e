"""The layout of the stage: pure geometry.

`arrange` places panels in a space of columns × rows of characters. It chooses how many decimals are
shown and how wide a cell is so that the panels fit whole; where they can't, each shows a window around its
focus.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import NamedTuple

from tui.layout.arrangements import (
    Fit,
    IndexedPanels,
    add_margins,
    center,
    falk,
    in_column,
    in_row,
    margin_width,
    untold_windows,
    window_line,
)
from tui.layout.values import Label, Layout, PanelSlot
from tui.model.frame import Arrangement, Cell, CellMark, Panel
from tui.model.window import window

FITS = (Fit(4), Fit(3), Fit(2))
TIGHT = (Fit(3, tight=True), Fit(2, tight=True))
ROUGH = (Fit(1, tight=True),)  # a label that stands at another panel as well is worth less than a decimal
DECIMALS = (4, 3, 2, 1)
CHOICES = ((FITS, 2), (FITS, 1), (TIGHT, 2), (TIGHT, 1), (ROUGH, 2), (ROUGH, 1))
LEAST = 3  # rows and columns that windows show, so that a sibling stays
LABEL_FITS = [[replace(fit, edges=edges) for fit in fits] for fits, edges in CHOICES]


@dataclass(frozen=True, slots=True)
class CellText:
    """A cell with its brackets, as characters of one row."""

    text: str  # ``slot.cell`` characters; a tight row ends with a piece of one
    level: float | None
    mark: CellMark


def arrange(panels: Sequence[Panel], arrangement: Arrangement, width: int, height: int) -> Layout:
    """Place the panels in a space of `width` × `height` characters, centred, never outside it.

    Whole panels come first: with fewer decimals, then stacked where they would stand in a row (and the
    reverse). Then siblings and all become windows, if these show enough; else siblings are left out. Only
    then do the others become windows, in the arrangement asked for if it has room.
    """
    traits = tuple(
        (panel.role, panel.rows, panel.columns, panel.label, panel.title, panel.sign, panel.edges,
         *(panel.width(decimals) for decimals in DECIMALS))
        for panel in panels
    )  # fmt: skip
    key = (traits, arrangement, width, height)
    if key not in _CACHE:
        if len(_CACHE) >= CACHE_SIZE:
            _CACHE.clear()
        _CACHE[key] = _search(panels, arrangement, width, height)
    attempt = _CACHE[key]
    placed = None
    if attempt is not None:
        chosen = [(i, panels[i]) for i in attempt.panels]
        placed = _place(chosen, attempt.arrangement, width, height, attempt.fit)
        if placed is not None and not placed.whole and untold_windows(placed, panels):
            above = _place(chosen, attempt.arrangement, width, height - 1, attempt.fit)
            placed = placed if above is None else _with_window_line(above, panels)
    return placed or _last_resort(_own(panels), width, height)


def _with_window_line(layout: Layout, panels: Sequence[Panel]) -> Layout:
    """Return a layout with one more row, which says what part of each panel is shown."""
    line = window_line(layout, panels)
    labels = (*layout.labels, Label(0, layout.height, line, None, "window")) if line else layout.labels
    return replace(layout, height=layout.height + 1, labels=labels)


class Attempt(NamedTuple):
    """A way to place some of the panels, whatever their windows show."""

    panels: tuple[int, ...]
    arrangement: Arrangement
    fit: Fit


_CACHE: dict[Hashable, Attempt | None] = {}  # the last results: every step asks again
CACHE_SIZE = 64


def _own(panels: Sequence[Panel]) -> IndexedPanels:
    return [(i, panel) for i, panel in enumerate(panels) if panel.role != "sibling"]


def _search(panels: Sequence[Panel], arrangement: Arrangement, width: int, height: int) -> Attempt | None:
    """Return the first attempt that does; None if there is no room for a cell of each panel."""
    turned: dict[Arrangement, Arrangement] = {"row": "column", "column": "row"}
    choices = [arrangement, turned[arrangement]] if arrangement in turned else [arrangement]
    room = width, height
    every, own = list(enumerate(panels)), _own(panels)
    layout = _whole(every, panels, choices, room)
    if layout is None and len(own) < len(every):
        layout = _windows(every, panels, choices, room, LEAST) or _whole(own, panels, choices, room)
    return layout or _windows(own, panels, choices, room)


def _is_labelled(panels: Sequence[Panel]) -> bool:
    return any(edge.labels for panel in panels for edge in panel.edges)


def _whole(
    some: IndexedPanels, panels: Sequence[Panel], choices: Sequence[Arrangement], room: tuple[int, int]
) -> Attempt | None:
    """Return the first attempt in which all of the panels' cells are there; None if there is none."""
    for tier in (LABEL_FITS if _is_labelled(panels) else [], (FITS, TIGHT, ROUGH)):
        second: Attempt | None = None
        for fits, choice in product(tier, choices):
            for fit in fits:
                layout = _place(some, choice, *room, fit)
                if layout is None or not layout.whole:
                    continue
                attempt = Attempt(tuple(i for i, _ in some), choice, fit)
                if all(_is_complete(label, panels) for label in layout.labels):
                    return attempt if fit.decimals > 1 else second or attempt
                second = second or attempt  # a title that is cut costs more than a decimal
        if second is not None:
            return second
    return None


def _windows(
    some: IndexedPanels,
    panels: Sequence[Panel],
    choices: Sequence[Arrangement],
    room: tuple[int, int],
    least: int = 1,
) -> Attempt | None:
    """Return the first attempt that shows a part of each panel, if it can all columns.

    The part has at least so many rows and columns, where the panel has as many.
    """
    labelled = LABEL_FITS if _is_labelled(panels) else []
    closest = ([LABEL_FITS[1][-1]] if labelled else []) + [FITS[-1], TIGHT[1]]
    for choice in dict.fromkeys((*choices, "row", "column")):
        fits = [*chain(*labelled), *FITS, *closest]
        tried = [(fit, _place(some, choice, *room, fit)) for fit in fits]
        placed = [(fit, layout) for fit, layout in tried if layout and _shows(layout, panels, least)]
        wide = [fit for fit, layout in placed if _all_columns(layout, panels)]
        last = [fit for fit, layout in placed if fit in closest]
        if wide or last:
            return Attempt(tuple(i for i, _ in some), choice, (wide or last)[0])
    return None


def _shows(layout: Layout, panels: Sequence[Panel], least: int) -> bool:
    """Return whether the window of each panel has at least so many rows and columns, or all."""
    return all(
        len(slot.rows) >= min(least, panels[slot.panel].rows)
        and len(slot.columns) >= min(least, panels[slot.panel].columns)
        for slot in layout.slots
    )


def cell_texts(cells: Sequence[Cell], slot: PanelSlot) -> tuple[CellText, ...]:
    """Return a row of a panel's window as text, with brackets that tell every state without colour.

    What is being read or written stands in `[ ]`, neighbours together; the cursor in `> <`, what made
    its cell in `( )`, what it feeds in `{ }`; an axis that clashes in `! !`. In a tight row neighbours
    share a column.
    """
    kinds = [cell.mark.brackets for cell in cells]
    opens = [
        kind[0] if i == 0 or kinds[i - 1] != kind or kind == "><" else " " for i, kind in enumerate(kinds)
    ]
    closes = [
        kind[1] if kinds[i + 1 : i + 2] != [kind] or kind == "><" else " " for i, kind in enumerate(kinds)
    ]
    room = slot.cell - 2 + slot.tight
    texts = []
    for i, cell in enumerate(cells):
        before, after = opens[i], closes[i]
        if slot.tight:
            before, after = before if before != " " or i == 0 else closes[i - 1], ""
        texts.append(CellText(f"{before}{cell.text.rjust(room)[:room]}{after}", cell.level, cell.mark))
    if slot.tight and cells:
        texts.append(CellText(closes[-1], None, CellMark.NONE))
    return tuple(texts)


def _place(
    panels: IndexedPanels, arrangement: Arrangement, width: int, height: int, fit: Fit
) -> Layout | None:
    """Make one attempt; None if there isn't room for a cell of each panel."""
    if not panels or width < 3 or height < 1:
        return None
    margins = [(i, panel) for i, panel in panels if panel.role == "margin"]
    others = [(i, panel) for i, panel in panels if panel.role != "margin"]
    room = width - margin_width(margins, fit)
    if arrangement == "falk":
        draft = falk(others, room, height, fit)
    elif arrangement == "row":
        draft = in_row(others, room, height, fit)
    else:
        draft = in_column(others, room, height, fit)
    if draft is None:
        return None
    slots, labels = draft
    add_margins(slots, labels, others, margins, fit)
    panels = [*others, *margins]
    whole = all(
        len(slot.rows) == panel.rows and len(slot.columns) == panel.columns
        for slot, (_, panel) in zip(slots, panels, strict=True)
    )
    return center(Layout(width, height, tuple(slots), tuple(labels), arrangement, whole, True))


def _all_columns(layout: Layout, panels: Sequence[Panel]) -> bool:
    return all(len(slot.columns) == panels[slot.panel].columns for slot in layout.slots)


def _is_complete(label: Label, panels: Sequence[Panel]) -> bool:
    """Return whether a label is complete: a title is not cut, and names the axes that have names."""
    margin = label.panel is not None and panels[label.panel].role == "margin"
    if (
        label.kind == "title"
        and label.panel is not None
        and not margin
        and any(e.name for e in panels[label.panel].edges)
    ):
        return (
            panels[label.panel].label_with_names in label.text
            or panels[label.panel].label_of_names in label.text
        )
    return label.kind != "title" or label.panel is None or panels[label.panel].title in label.text


def _last_resort(panels: IndexedPanels, width: int, height: int) -> Layout:
    """Place the result alone, as much of it as there is room for."""
    for i, panel in sorted(panels, key=lambda entry: entry[1].role != "result")[:1]:
        fit = TIGHT[1]
        cell = fit.cell(panel)
        rows = window(panel.rows, height, panel.focus_rows)
        columns = window(panel.columns, (width - 1) // cell, panel.focus_columns)
        if len(rows) and len(columns):
            slot = PanelSlot(i, 0, 0, rows, columns, cell, fit.decimals, fit.tight)
            return Layout(width, height, (slot,), (), "column", False, False)
    return Layout(width, height, (), (), "column", False, False)
