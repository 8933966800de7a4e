"""The facts about the operation that is shown: its shapes, and how it is known what its cells read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.layout.pane_sizes import Picture
from tui.text.prose import formula_row
from tui.text.rows import Row, ends, fit, row, width_of
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from tui.model.frame import Frame
    from tui.model.map_view import MapView
    from tui.text.glyphs import Glyphs


UNSURE = {"autograd": "by autograd", "opaque": "opaque"}
"""The evidence that leaves a doubt about what a cell reads, in words."""


def about(frame: Frame) -> list[str]:
    """Return what else is said about the operation, most important first.

    How it is known what its cells read is said where it is measured, or not known; a cell says it always.
    """
    words = ["backward" if frame.backward else "", frame.note]
    if frame.node is not None:
        words.append(UNSURE.get(frame.node.evidence, ""))
    return [word for word in words if word]


def map_facts(level: MapView, width: int, glyphs: Glyphs) -> Row:
    """Return where on the map one is; a click leads out."""
    number, boxes = level.place
    right = row((f"box {number} of {boxes}", "dim"))
    asked = row((f"   {level.question}", "current")) if level.question else ()
    room = width - width_of(right) - width_of(asked) - 1
    names = ["map", *level.path]
    ways = [names, *(["map", glyphs.dots, *names[k:]] for k in range(2, len(names)))]
    trails = [row((glyphs.text(" › ").join(way), "strong", "out" if level.path else "")) for way in ways]
    trail = next((one for one in trails if width_of(one) <= room), trails[-1])
    return ends((*trail, *asked), right, width, glyphs.dots)


class FactsPane(RowWidget):
    """One row: the shapes of the operation shown, and how it is known what its cells read."""

    DEFAULT_CSS = "FactsPane { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Show the shape line."""
        frame = picture.frame
        if frame is None:
            self.show([row((picture.waiting, "label"))])
            return
        if frame.board is not None and not picture.waiting:
            board = frame.board
            if picture.session.talk is not None:  # there no row opens anything
                self.show([()])
                return
            left = row(("opens ", "label"), (board.selection.title, "strong", f"row:{board.row}"))
            right = row((f"row {board.row} of {len(board.rows)}", "dim"))
            self.show([ends(left, right, picture.room.main, self.glyphs.dots)])
            return
        if frame.map is not None and not picture.waiting:
            self.show([map_facts(frame.map, picture.room.main, self.glyphs)])
            return
        if frame.error is not None and frame.formula and not picture.waiting:
            self.show([fit(formula_row(frame.formula[0]), picture.room.main, self.glyphs.dots)])
            return
        trail = " › ".join(frame.trail)
        shapes = frame.shape_line
        fine, mark, rest = shapes.partition(" ✓")
        left = row(
            (f"{trail} › " if trail else "", "label"),
            (fine, "error" if frame.error is not None else "strong"),
            (mark, "ok"),
            rest,
        )
        said = [picture.waiting] if picture.waiting else about(frame)
        room = picture.room.main - width_of(left) - 2
        legend = [self.glyphs.text(frame.legend)] if frame.legend and not picture.waiting else []
        while said and len(" · ".join([*legend, *said])) > room:
            said.pop()
        said = [*legend, *said]
        self.show([ends(left, row((" · ".join(said), "dim")), picture.room.main, self.glyphs.dots)])
