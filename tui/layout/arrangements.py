"""The three arrangements of panels on the stage: Falk's scheme, a row, a column.

Each function returns a slot for every panel, in order, and the labels; or None if there is no room for one
cell of each. Coordinates start at 0, 0; `center` moves the whole to the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from llm_linalg.base.text import elide_title
from tui.layout import label_space
from tui.layout.values import Label, Layout, PanelSlot
from tui.model.frame import Panel
from tui.model.window import GAP, first_focus, share, window
from tui.text.rows import cut


@dataclass(frozen=True, slots=True)
class Fit:
    """The decimals, the spacing and the labels of cells.

    Attributes:
        decimals: Digits after the point.
        tight: Whether neighbours share a column.
        edges: Labels at rows and columns: 2 for all; 1 for those that there is room for and that don't
            stand at another panel as well; 0 for none.
    """

    decimals: int
    tight: bool = False
    edges: int = 0

    def cell(self, panel: Panel) -> int:
        """Return the columns that a cell of a panel takes."""
        cell = panel.width(self.decimals) + 2 - self.tight
        return label_space.cell_width(panel, cell) if self.edges > 1 else cell

    def beside(self, panel: Panel) -> int:
        """Return the columns that the labels of a panel's rows take."""
        return label_space.beside(panel) if self.edges else 0

    def above(self, panel: Panel) -> int:
        """Return the rows that the labels of a panel's columns take."""
        return int(bool(self.edges and panel.column_edge.labels))


NARROW_TITLE = 17
"""Columns of the titles beside panels that do not fit whole: longer ones are elided."""

IndexedPanels = Sequence[tuple[int, Panel]]
Draft = tuple[list[PanelSlot], list[Label]] | None


def falk(panels: IndexedPanels, width: int, height: int, fit: Fit) -> Draft:
    """Place panels as in Falk's scheme: left operand below left, top one above right, result where they meet.

    Columns of `top`, the addends and `result` share one width and one window; so do rows of `left`
    and `result`.
    """
    by_role = {panel.role: (i, panel) for i, panel in panels}
    if not {"left", "top", "result"} <= by_role.keys():
        return None
    (_, left), (_, top), (_, result) = by_role["left"], by_role["top"], by_role["result"]
    addends = [(i, panel) for i, panel in panels if panel.role == "addend"]
    right = [top, result, *(panel for _, panel in addends)]
    cell_left = fit.cell(left)
    cell_right = max(map(fit.cell, right))
    shares_words = left.column_edge.labels == top.row_edge.labels and fit.edges < 2
    margin, over, between = fit.beside(left), fit.above(top), 0 if shares_words else fit.above(left)
    across = share(
        [left.columns, result.columns], [cell_left, cell_right], width - GAP - 2 * fit.tight - margin
    )
    # A sum over no cells is a cell: then the result has a row, and the left operand none.
    down = share(
        [max(top.rows, 1), max(left.rows, result.rows)], [1, 1], height - 1 - len(addends) - over - between
    )
    if across is None or down is None:
        return None
    columns = window(result.columns, across[1], first_focus([result.focus_columns, top.focus_columns]))
    rows = window(result.rows, down[1], first_focus([result.focus_rows, left.focus_rows]))
    inner_left = window(left.columns, across[0], left.focus_columns)
    inner_top = window(top.rows, down[0], top.focus_rows)
    used = margin + len(inner_left) * cell_left + len(columns) * cell_right + 2 * fit.tight
    corner = _corner(panels, fit, margin + len(inner_left) * cell_left + fit.tight, width - used)
    above = over + max(len(inner_top), 1)  # an empty operand still has a title
    y_titles = above + len(addends)
    y_grids = y_titles + 1 + between
    spots = {
        "left": (margin, y_grids, rows if left.rows else range(0), inner_left, cell_left),
        "top": (corner, over, inner_top, columns, cell_right),
        "result": (corner, y_grids, rows, columns, cell_right),
    }
    slots: list[PanelSlot] = []
    labels: list[Label] = []
    row = above
    for i, panel in panels:
        if panel.role == "addend":
            slots.append(PanelSlot(i, corner, row, range(1), columns, cell_right, fit.decimals, fit.tight))
            labels.append(_before(i, panel, corner, row))
            row += 1
            continue
        x, y, shown_rows, shown_columns, cell = spots[panel.role]
        slots.append(PanelSlot(i, x, y, shown_rows, shown_columns, cell, fit.decimals, fit.tight))
        if panel.role == "top":
            labels.append(_before(i, panel, corner - fit.beside(top), over))
            labels += _edges(top, slots[-1], fit.beside(top), over)
        else:
            if panel.role == "left":
                labels += _edges(left, slots[-1], margin, between)
            room = corner - 1 - margin if panel.role == "left" else width - corner
            labels += _above(i, panel, slots[-1], y_titles, room)
    return slots, labels


def _corner(panels: IndexedPanels, fit: Fit, left: int, spare: int) -> int:
    """Return the column where the right half starts.

    Far enough for the titles to its left, and the labels at rows beside them, as far as there is room.
    """
    needed = max(
        cell_len(_titles((i, panel))[0]) + 1 + (0 if panel.role == "addend" else fit.beside(panel))
        for i, panel in panels
        if panel.role != "result"
    )
    return left + max(GAP, min(needed - left, spare))


def in_row(panels: IndexedPanels, width: int, height: int, fit: Fit) -> Draft:
    """Place panels side by side with their signs between, titles above."""
    cells = [fit.cell(panel) for _, panel in panels]
    space = "" if fit.tight else " "
    signs = [f"{space}{panel.sign}{space}" if panel.sign else " " + space for _, panel in panels]
    signs[0] = signs[0].lstrip()
    margins = [fit.beside(panel) for _, panel in panels]
    if fit.edges < 2:
        margins = _told_once([panel.row_edge.labels for _, panel in panels], margins)
    budget = width - sum(map(len, signs)) - len(panels) * fit.tight - sum(margins)
    across = share([panel.columns for _, panel in panels], cells, budget)
    over = max(fit.above(panel) for _, panel in panels)
    if across is None or height < 2 + over:
        return None
    slots: list[PanelSlot] = []
    labels: list[Label] = []
    spare = budget - sum(n * cell for n, cell in zip(across, cells, strict=True))
    x = 0
    for (i, panel), cell, sign, count, margin in zip(panels, cells, signs, across, margins, strict=True):
        rows = window(panel.rows, height - 1 - over, panel.focus_rows)
        columns = window(panel.columns, count, panel.focus_columns)
        if sign.strip():
            labels.append(Label(x, 1 + over + max(0, len(rows) - 1) // 2, sign, None, "sign"))
        x += len(sign) + margin
        slot = PanelSlot(i, x, 1 + over, rows, columns, cell, fit.decimals, fit.tight)
        labels += _edges(panel, slot, margin, fit.above(panel))
        widened = max(0, min(cell_len(panel.label) - slot.width, spare))
        spare -= widened
        labels += _above(i, panel, slot, 0, slot.width + widened)
        slots.append(slot)
        x += slot.width + widened
    return slots, labels


def in_column(panels: IndexedPanels, width: int, height: int, fit: Fit) -> Draft:
    """Place panels one below the other, titles to the left, cells of one column in line."""
    cell = max(fit.cell(panel) for _, panel in panels)
    margin = max(fit.beside(panel) for _, panel in panels)
    width -= margin
    *longer, short = (max(map(cell_len, texts)) + 1 for texts in zip(*map(_titles, panels), strict=True))
    most = max(panel.columns for _, panel in panels) * cell + fit.tight
    fitting = (titles for titles in (*longer, short) if titles + most <= width)
    titles = next(fitting, min(short, NARROW_TITLE, max(0, width - cell - fit.tight)))
    room = (width - titles - fit.tight) // cell
    overs = _told_once(
        [panel.column_edge.labels for _, panel in panels], [fit.above(panel) for _, panel in panels]
    )
    height -= sum(overs)
    down = share([max(panel.rows, 1) for _, panel in panels], [1] * len(panels), height)
    if room < 1 or down is None:
        return None
    gap = 1 if sum(down) + len(panels) - 1 <= height and max(down) > 1 else 0
    slots: list[PanelSlot] = []
    labels: list[Label] = []
    y = 0
    for (i, panel), count, over in zip(panels, down, overs, strict=True):
        y += over
        peers = [other.focus_columns for _, other in panels if other.columns == panel.columns]
        columns = window(panel.columns, room, first_focus([panel.focus_columns, *reversed(peers)]))
        rows = window(panel.rows, count, panel.focus_rows)
        slots.append(PanelSlot(i, titles + margin, y, rows, columns, cell, fit.decimals, fit.tight))
        labels.append(_before(i, panel, titles, y))
        labels += _edges(panel, slots[-1], fit.beside(panel), over)
        y += count + gap
    return slots, labels


def _edges(panel: Panel, slot: PanelSlot, beside: int, above: int) -> list[Label]:
    """Return the labels at a panel's rows and columns, where they have room."""
    rows = label_space.row_labels(panel, slot) if beside else []
    return rows + (label_space.column_labels(panel, slot) if above else [])


def _told_once(words: Sequence[tuple[str, ...]], rooms: Sequence[int]) -> list[int]:
    """Return the room for the labels of each panel: for words equal to those of the one before it, none."""
    needed: list[int] = []
    last: tuple[str, ...] = ()
    for labels, room in zip(words, rooms, strict=True):
        needed.append(0 if labels == last else room)
        last = labels or last
    return needed


def margin_width(margins: IndexedPanels, fit: Fit) -> int:
    """Return the columns that what stands beside the result's rows takes."""
    return sum(max(fit.cell(panel) + fit.tight, cell_len(panel.title)) + 1 for _, panel in margins)


def add_margins(
    slots: list[PanelSlot], labels: list[Label], panels: IndexedPanels, margins: IndexedPanels, fit: Fit
) -> None:
    """Put a number right of each row of the result, with its title above where there is a row for that."""
    result = next(
        (slot for slot, (_, panel) in zip(slots, panels, strict=True) if panel.role == "result"), None
    )
    if result is None:
        return
    x = result.x + result.width + 1
    for i, panel in margins:
        slots.append(
            PanelSlot(i, x, result.y, result.rows, range(1), fit.cell(panel), fit.decimals, fit.tight)
        )
        if result.y:
            end = x + max(slots[-1].width - 1, cell_len(panel.title))
            labels.append(Label(end - cell_len(panel.title), result.y - 1, panel.title, i, "title"))
        x += margin_width([(i, panel)], fit)


def center(layout: Layout) -> Layout:
    """Move the layout to the middle of its space."""
    right = max(
        [slot.x + slot.width for slot in layout.slots] + [x.x + cell_len(x.text) for x in layout.labels]
    )
    bottom = max([slot.y + slot.height for slot in layout.slots] + [label.y + 1 for label in layout.labels])
    dx, dy = max(0, layout.width - right) // 2, max(0, layout.height - bottom) // 2
    return replace(
        layout,
        slots=tuple(replace(slot, x=slot.x + dx, y=slot.y + dy) for slot in layout.slots),
        labels=tuple(replace(label, x=label.x + dx, y=label.y + dy) for label in layout.labels),
    )


def _titles(numbered: tuple[int, Panel]) -> list[str]:
    """Return the titles that a panel may have, with its sign: names and sizes of axes, either, neither."""
    panel = numbered[1]
    texts = (panel.label_with_names, panel.label_of_names, panel.label, panel.title)
    return [f"{panel.sign} {text}".lstrip() for text in texts]


def _first_fitting(texts: Sequence[str], room: int) -> str:
    """Return the first text that fits; else the last one, elided."""
    elided = elide_title(texts[-1], max(1, room))
    return next((text for text in texts if cell_len(text) <= room), cut(elided, max(0, room)))


def _before(i: int, panel: Panel, edge: int, y: int) -> Label:
    """Return a title that ends one column left of `edge`."""
    text = _first_fitting([*_titles((i, panel)), panel.title], edge - 1)
    return Label(max(0, edge - 1 - cell_len(text)), y, text, i, "title")


def _above(i: int, panel: Panel, slot: PanelSlot, y: int, room: int) -> list[Label]:
    """Return a title above the grid and, if only a window of it is shown, which."""
    text = _first_fitting([panel.label_with_names, panel.label_of_names, panel.label, panel.title], room)
    labels = [Label(slot.x, y, text, i, "title")]
    note = window_note(panel, slot)
    if note and cell_len(text) + 2 + len(note) <= room:
        labels.append(Label(slot.x + cell_len(text) + 2, y, note, i, "window"))
    return labels


def window_note(panel: Panel, slot: PanelSlot, *, short: bool = False) -> str:
    """Return which rows and columns are shown of a panel; empty if all are."""
    parts = []
    for name, shown, count in (("rows", slot.rows, panel.rows), ("columns", slot.columns, panel.columns)):
        if len(shown) < count:
            last = shown.stop - 1
            which = f"{name} {shown.start}–{last}" if len(shown) > 1 else f"{name[:-1]} {last}"
            parts.append(f"{which} of {count}")
    note = ", ".join(parts)
    return note.replace(" of ", "/").replace("column", "col") if short else note


def untold_windows(layout: Layout, panels: Sequence[Panel]) -> list[PanelSlot]:
    """Return the slots that show a part of a panel whose own title doesn't say which."""
    labelled = {label.panel for label in layout.labels if label.kind == "window"}
    return [
        slot
        for slot in layout.slots
        if slot.panel not in labelled
        and panels[slot.panel].role not in ("margin", "addend")
        and window_note(panels[slot.panel], slot)
    ]


NOTE_LIMITS = ((40, False), (16, False), (16, True), (10, True), (6, True))
"""How long the titles may be, and whether the notes are short, from the fullest way to the shortest."""


def window_line(layout: Layout, panels: Sequence[Panel]) -> str:
    """Return which parts of panels are shown, of those whose own titles don't say so; empty for none."""
    cut_slots = untold_windows(layout, panels)
    # In Falk's scheme the result has the rows of the left operand, and the columns of the one above it.
    in_falk = layout.arrangement == "falk"
    needed = [slot for slot in cut_slots if not in_falk or panels[slot.panel].role != "result"]
    tries = [(cut_slots, limit, short) for limit, short in NOTE_LIMITS]
    line = ""
    for slots, limit, short in (*tries, *((needed, limit, short) for limit, short in NOTE_LIMITS)):
        notes: dict[str, list[str]] = {}
        for slot in slots:
            panel = panels[slot.panel]
            notes.setdefault(window_note(panel, slot, short=short), []).append(
                elide_title(panel.title, limit)
            )
        line = "   ".join(f"{', '.join(titles)}: {note}" for note, titles in notes.items())
        if cell_len(line) <= layout.width:
            return line
    titles = [panels[slot.panel].title for slot in needed]
    named = [f"parts of {', '.join(elide_title(title, limit) for title in titles)}" for limit in (16, 6)]
    return _first_fitting([*named, "parts of them"], layout.width)
