"""The three ways in which panels stand on the stage: Falk's scheme, a row, a column.

Each function returns a slot for every panel, in order, and the labels; or None if there is no room for one
cell of each. Coordinates start at 0, 0; :func:`centred` moves the whole to the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llm_linalg.text import fit as cut_to
from llm_linalg.text import width as columns_of
from tui.frame import Panel
from tui.places import Label, Layout, Slot
from tui.spans import GAP, share, spread, window


@dataclass(frozen=True, slots=True)
class Fit:
    """How closely cells stand: digits after the point, and whether neighbours share a column."""

    decimals: int
    tight: bool = False

    def cell(self, panel: Panel) -> int:
        """Columns that a cell of a panel takes."""
        return panel.width(self.decimals) + 2 - self.tight


Numbered = Sequence[tuple[int, Panel]]
Draft = tuple[list[Slot], list[Label]] | None


def falk(panels: Numbered, width: int, height: int, fit: Fit) -> Draft:
    """Falk's scheme: the left operand below left, the top one above right, the result at their crossing.

    Columns of ``top``, the addends and ``result`` share one width and one window; so do rows of ``left``
    and ``result``.
    """
    by_role = {panel.role: (i, panel) for i, panel in panels}
    if not {"left", "top", "result"} <= by_role.keys():
        return None
    (_, left), (_, top), (_, result) = by_role["left"], by_role["top"], by_role["result"]
    addends = [(i, panel) for i, panel in panels if panel.role == "addend"]
    right = [top, result, *(panel for _, panel in addends)]
    cell_left = fit.cell(left)
    cell_right = max(map(fit.cell, right))
    across = share([left.columns, result.columns], [cell_left, cell_right], width - GAP - 2 * fit.tight)
    down = share([max(top.rows, 1), left.rows], [1, 1], height - 1 - len(addends))
    if across is None or down is None:
        return None
    columns = window(result.columns, across[1], spread([result.focus_columns, top.focus_columns]))
    rows = window(result.rows, down[1], spread([result.focus_rows, left.focus_rows]))
    inner_left = window(left.columns, across[0], left.focus_columns)
    inner_top = window(top.rows, down[0], top.focus_rows)
    used = len(inner_left) * cell_left + len(columns) * cell_right + 2 * fit.tight
    corner = _corner(panels, len(inner_left) * cell_left + fit.tight, width - used)
    above = max(len(inner_top), 1)  # an empty operand still has a title
    y_titles = above + len(addends)
    spots = {
        "left": (0, y_titles + 1, rows, inner_left, cell_left),
        "top": (corner, 0, inner_top, columns, cell_right),
        "result": (corner, y_titles + 1, rows, columns, cell_right),
    }
    slots, labels, row = [], [], above
    for i, panel in panels:
        if panel.role == "addend":
            slots.append(Slot(i, corner, row, range(1), columns, cell_right, fit.decimals, fit.tight))
            labels.append(_before(i, panel, corner, row))
            row += 1
            continue
        x, y, shown_rows, shown_columns, cell = spots[panel.role]
        slots.append(Slot(i, x, y, shown_rows, shown_columns, cell, fit.decimals, fit.tight))
        if panel.role == "top":
            labels.append(_before(i, panel, corner, 0))
        else:
            room = corner - 1 if panel.role == "left" else width - corner
            labels += _above(i, panel, slots[-1], y_titles, room)
    return slots, labels


def _corner(panels: Numbered, left: int, spare: int) -> int:
    """Where the right half starts.

    Far enough for the titles that stand to its left, as far as there is room.
    """
    titles = [columns_of(_signed(panel)) + 1 for _, panel in panels if panel.role in ("top", "addend")]
    titles += [columns_of(panel.label) + 1 for _, panel in panels if panel.role == "left"]
    return left + max(GAP, min(max(titles, default=0) - left, spare))


def in_row(panels: Numbered, width: int, height: int, fit: Fit) -> Draft:
    """Side by side with their signs between, titles above."""
    cells = [fit.cell(panel) for _, panel in panels]
    space = "" if fit.tight else " "
    signs = [f"{space}{panel.sign}{space}" if panel.sign else " " + space for _, panel in panels]
    signs[0] = signs[0].lstrip()
    budget = width - sum(map(len, signs)) - len(panels) * fit.tight
    across = share([panel.columns for _, panel in panels], cells, budget)
    if across is None or height < 2:
        return None
    slots: list[Slot] = []
    labels: list[Label] = []
    spare = budget - sum(n * cell for n, cell in zip(across, cells, strict=True))
    x = 0
    for (i, panel), cell, sign, count in zip(panels, cells, signs, across, strict=True):
        rows = window(panel.rows, height - 1, panel.focus_rows)
        columns = window(panel.columns, count, panel.focus_columns)
        if sign.strip():
            labels.append(Label(x, 1 + max(0, len(rows) - 1) // 2, sign, None, "sign"))
        x += len(sign)
        slot = Slot(i, x, 1, rows, columns, cell, fit.decimals, fit.tight)
        widened = max(0, min(columns_of(panel.label) - slot.width, spare))
        spare -= widened
        labels += _above(i, panel, slot, 0, slot.width + widened)
        slots.append(slot)
        x += slot.width + widened
    return slots, labels


def in_column(panels: Numbered, width: int, height: int, fit: Fit) -> Draft:
    """One below the other, titles to the left; one cell width, so that cells of one column stand in line."""
    cell = max(fit.cell(panel) for _, panel in panels)
    titles = max(columns_of(_signed(panel)) for _, panel in panels) + 1
    short = max(columns_of(_signed(panel, short=True)) for _, panel in panels) + 1
    most = max(panel.columns for _, panel in panels)
    if titles + most * cell + fit.tight > width:
        titles = min(short, max(0, width - cell - fit.tight))
    room = (width - titles - fit.tight) // cell
    down = share([max(panel.rows, 1) for _, panel in panels], [1] * len(panels), height)
    if room < 1 or down is None:
        return None
    gap = 1 if sum(down) + len(panels) - 1 <= height and max(down) > 1 else 0
    slots: list[Slot] = []
    labels: list[Label] = []
    y = 0
    for (i, panel), count in zip(panels, down, strict=True):
        peers = [other.focus_columns for _, other in panels if other.columns == panel.columns]
        columns = window(panel.columns, room, spread([panel.focus_columns, *reversed(peers)]))
        rows = window(panel.rows, count, panel.focus_rows)
        slots.append(Slot(i, titles, y, rows, columns, cell, fit.decimals, fit.tight))
        labels.append(_before(i, panel, titles, y))
        y += count + gap
    return slots, labels


def centred(layout: Layout) -> Layout:
    """The layout moved to the middle of its space."""
    right = max(
        [slot.x + slot.width for slot in layout.slots] + [x.x + columns_of(x.text) for x in layout.labels]
    )
    bottom = max([slot.y + slot.height for slot in layout.slots] + [label.y + 1 for label in layout.labels])
    dx, dy = max(0, layout.width - right) // 2, max(0, layout.height - bottom) // 2
    return replace(
        layout,
        slots=tuple(replace(slot, x=slot.x + dx, y=slot.y + dy) for slot in layout.slots),
        labels=tuple(replace(label, x=label.x + dx, y=label.y + dy) for label in layout.labels),
    )


def _signed(panel: Panel, short: bool = False) -> str:
    text = panel.title if short else panel.label
    return f"{panel.sign} {text}" if panel.sign else text


def _fitted(texts: Sequence[str], room: int) -> str:
    """The first text that fits; else the last one, cut."""
    return next((text for text in texts if columns_of(text) <= room), cut_to(texts[-1], max(0, room)))


def _before(i: int, panel: Panel, edge: int, y: int) -> Label:
    """A title that ends one column left of ``edge``."""
    text = _fitted([_signed(panel), _signed(panel, short=True), panel.title], edge - 1)
    return Label(max(0, edge - 1 - columns_of(text)), y, text, i, "title")


def _above(i: int, panel: Panel, slot: Slot, y: int, room: int) -> list[Label]:
    """A title above the grid and, if only a window of it is shown, which."""
    text = _fitted([panel.label, panel.title], room)
    labels = [Label(slot.x, y, text, i, "title")]
    parts = []
    if len(slot.rows) < panel.rows:
        parts.append(f"rows {slot.rows.start}–{slot.rows.stop - 1}")
    if len(slot.columns) < panel.columns:
        parts.append(f"columns {slot.columns.start}–{slot.columns.stop - 1}")
    note = ", ".join(parts)
    if note and columns_of(text) + 2 + len(note) <= room:
        labels.append(Label(slot.x + columns_of(text) + 2, y, note, i, "window"))
    return labels
