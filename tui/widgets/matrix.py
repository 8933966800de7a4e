"""A matrix on the Line API: a window of a panel's cells, of which only what changed is sent again.

A step of a product changes a few cells. Textual sends a dirty span from the widget's left edge, so every
matrix is a widget of its own, and a row goes out as few runs as its marks allow.
"""

from __future__ import annotations

from dataclasses import replace

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from llm_linalg.base.constants import LookName
from tui.layout.arrange import CellText, cell_texts
from tui.layout.values import PanelSlot
from tui.model.frame import Cell, CellMark, Index, Panel
from tui.text.glyphs import Glyphs
from tui.text.large import ACROSS, DOWN, enlarge
from tui.text.themes import STRENGTHS, step_of
from tui.widgets.appearance import appearance_of
from tui.widgets.row_widget import RowWidget


def heat_text(piece: CellText, glyphs: Glyphs, colourless: bool, tight: bool = False) -> str:
    """Return a cell as heat alone: its sign and how strong it is, as a number over a colour or as a shade.

    In a tight row a cell has a bracket on its left only.
    """
    if piece.level is None or piece.mark & (CellMark.PENDING | CellMark.MASKED):
        return piece.text
    strength = step_of(piece.level, STRENGTHS)
    sign = " " if not strength else "-" if piece.level < 0 else "+"
    room = len(piece.text) - 2 + tight
    body = glyphs.shades[strength] * max(1, room - 2) if colourless else str(strength)
    text = sign + body
    if len(text) > room:  # of a flag there is one column: what can't be negative has no sign
        text = sign if piece.level < 0 else body
    return f"{piece.text[0]}{text.rjust(room)[:room]}{piece.text[1 + room :]}"


def without_read_marks(cells: tuple[tuple[Cell, ...], ...]) -> tuple[tuple[Cell, ...], ...]:
    """Return the cells without the marks of a whole row or column that is read.

    A slow link has the active cells.
    """
    factors = sum(bool(cell.mark & CellMark.FACTOR) for row in cells for cell in row)
    away = CellMark.READ if factors == 1 else CellMark.READ | CellMark.FACTOR
    return tuple(
        tuple(replace(cell, mark=cell.mark & ~away) if cell.mark & away else cell for cell in row)
        for row in cells
    )


class CellClicked(Message):
    """A cell was clicked."""

    def __init__(self, panel: str, index: Index) -> None:
        super().__init__()
        self.panel = panel
        self.index = index


class Matrix(RowWidget):
    """One panel's grid. A click asks for the cell cursor."""

    DEFAULT_CSS = "Matrix { position: absolute; width: 1; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.panel: Panel | None = None
        self.slot: PanelSlot | None = None
        self.look: LookName = "numbers"
        self.cells: tuple[tuple[Cell, ...], ...] = ()
        self.place: tuple[int, int, int, int] | None = None
        self.big = False

    def show_panel(self, panel: Panel, slot: PanelSlot, look: LookName, big: bool = False) -> None:
        """Show a window of a panel, `big` in large letters; cells that look as before are not sent again."""
        same = self.panel is not None and self.panel.colouring == panel.colouring
        old, kept = self.cells, same and self._is_comparable(slot, look) and big == self.big
        self.panel, self.slot, self.look, self.big = panel, slot, look, big
        self.cells = panel.cells.window(slot.rows, slot.columns, slot.decimals)
        if appearance_of(self.app).sparing:
            self.cells = without_read_marks(self.cells)
        if not kept or len(old) != len(self.cells):
            self.refresh()
            return
        dirty = []
        for y, (before, after) in enumerate(zip(old, self.cells, strict=True)):
            if before == after:
                continue
            was, now = cell_texts(before, slot), cell_texts(after, slot)
            touched = [x for x in range(len(now)) if _appearance(was[x]) != _appearance(now[x])]
            if touched:
                first, last = touched[0] * slot.cell, (touched[-1] + 1) * slot.cell
                across, down = self._scale
                dirty.append(Region(first * across, y * down, (last - first) * across, down))
        if dirty:
            self.refresh(*dirty)

    @property
    def _scale(self) -> tuple[int, int]:
        """Columns and rows that a character takes."""
        return (ACROSS, DOWN) if self.big else (1, 1)

    def _is_comparable(self, slot: PanelSlot, look: LookName) -> bool:
        """Return whether cells may be compared with those shown: the same number, size and look of them."""
        old = self.slot
        return (
            old is not None
            and look == self.look
            and (old.cell, len(old.rows), len(old.columns)) == (slot.cell, len(slot.rows), len(slot.columns))
        )

    def render_line(self, y: int) -> Strip:
        """Return one row of cells, as few runs as its marks allow."""
        width = self.outer_size.width
        theme, glyphs = self.theme, self.glyphs
        few = appearance_of(self.app).few_colours
        segments: list[Segment] = []
        y, part = divmod(y, self._scale[1])
        if self.slot is not None and y < len(self.cells):
            for piece in cell_texts(self.cells[y], self.slot):
                role = "" if self.panel is None else self.panel.role_of(piece.mark)
                text = piece.text
                if self.look == "heat":
                    text = heat_text(piece, glyphs, theme.colourless, self.slot.tight)
                style = theme.style(role)
                if self.look != "numbers":
                    style = theme.heat(piece.level, role, few=few)
                elif not role and not text.strip():
                    style = theme.style("")
                text = enlarge(text)[part] if self.big else glyphs.text(text)
                segments.append(Segment(text, style))
        strip = Strip(segments).simplify()
        return strip.adjust_cell_length(width, theme.style(""))

    def on_click(self, event: events.Click) -> None:
        """Put the cell cursor on the cell clicked."""
        if self.panel is None or self.slot is None:
            return
        across, down = self._scale
        hit = self.slot.hit(event.x // across, event.y // down)
        if hit is not None:
            event.stop()
            self.post_message(CellClicked(self.panel.name, self.panel.index(*hit)))


def _appearance(piece: CellText) -> tuple[str, str, float | None]:
    return piece.text, piece.mark.role, piece.level
