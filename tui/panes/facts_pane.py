"""The facts about the operation that is shown: its shapes, and how it is known what its cells read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.layout.pane_sizes import Picture
from tui.panes.story_pane import shorten
from tui.text.prose import formula_row, words
from tui.text.rows import Row, TextSpan, ends, fit, row, width_of, wrap_spans
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from tui.model.board_view import BoardView
    from tui.model.frame import Frame
    from tui.model.map_view import MapView
    from tui.text.glyphs import Glyphs


_PIECES = re.compile(r"(?:\([^()]*\)|\S)+\s*")  # a shape is never broken
UNSURE = {"autograd": "by autograd", "opaque": "opaque", "outside": "written from outside"}
"""The evidence that leaves a doubt about what a cell reads, in words."""


def about(frame: Frame) -> list[str]:
    """Return what else is said about the operation, most important first.

    How it is known what its cells read is said where it is measured, or not known; a cell says it always.
    """
    words = ["backward" if frame.place.backward else "", frame.stage.note]
    if frame.node is not None:
        words.append(UNSURE.get(frame.node.evidence, ""))
    return [word for word in words if word]


def map_facts(level: MapView, width: int, glyphs: Glyphs) -> Row:
    """Return where on the map one is; a click leads out."""
    number, boxes = level.place
    right = row((f"{'box' if level.gallery is None else 'head'} {number} of {boxes}", "dim"))
    asked = row((f"   {level.question}", "current")) if level.question else ()
    room = width - width_of(right) - width_of(asked) - 1
    names = ["map", *level.path] if level.gallery is None else ["map", "attention"]
    ways = [names, *(["map", glyphs.dots, *names[k:]] for k in range(2, len(names)))]
    trails = [row((glyphs.text(" › ").join(way), "strong", "out" if level.path else "")) for way in ways]
    trail = next((one for one in trails if width_of(one) <= room), trails[-1])
    return ends((*trail, *asked), right, width, glyphs.dots)


class FactsPane(RowWidget):
    """The shapes of the operation shown, and how it is known what its cells read; see `facts_rows`."""

    DEFAULT_CSS = "FactsPane { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Show the facts in the rows that there are."""
        frame, waiting, room, dots = picture.frame, picture.waiting, picture.room, self.glyphs.dots
        if frame is None:
            self.show([row((waiting, "label"))])
        elif frame.stage.board is not None and not waiting:
            on_stage = picture.session.talk is not None  # there no row opens anything
            self.show([() if on_stage else board_facts(frame.stage.board, room.main, self.glyphs)])
        elif frame.stage.map is not None and not waiting:
            self.show([map_facts(frame.stage.map, room.main, self.glyphs)])
        elif frame.error is not None and frame.captions.formula and not waiting:
            self.show([fit(formula_row(frame.captions.formula[0]), room.main, dots)])
        else:
            rows = facts_rows(frame, room.main, self.glyphs, waiting)
            self.show(shorten(rows, room.facts, room.main, dots))


def facts_wanted(frame: Frame, width: int, glyphs: Glyphs) -> int:
    """Return how many rows the facts of a frame take, where it shows an operation; else 1."""
    if (
        frame.stage.board is not None
        or frame.stage.map is not None
        or (frame.error is not None and frame.captions.formula)
    ):
        return 1
    return len(facts_rows(frame, width, glyphs))


def board_facts(board: BoardView, width: int, glyphs: Glyphs) -> Row:
    """Return what the selected row of a board opens; on a stage no row opens anything."""
    left = row(("opens ", "label"), (board.selection.title, "strong", f"row:{board.row}"))
    return ends(left, row((f"row {board.row} of {len(board.rows)}", "dim")), width, glyphs.dots)


def facts_rows(frame: Frame, width: int, glyphs: Glyphs, waiting: str = "") -> list[Row]:
    """Return the facts in one row, or where that is too short in more, so that none of the shapes is cut.

    What is said at the end goes first, then the names of the operations around this one, from the outside.
    What is `waiting` is said in place of all else at the end.
    """
    shapes, gap, note = frame.captions.shape_line.partition("   ")
    fine, mark, more = note.partition(" ✓")
    role = "error" if frame.error is not None else "strong"
    noted = (TextSpan(fine, role), TextSpan(mark, "ok"), TextSpan(more))
    trails, legend = _trails(frame, glyphs), [glyphs.text(frame.stage.legend)] if frame.stage.legend else []
    facts = [waiting] if waiting else [*legend, *about(frame)]
    left = (trails[0], TextSpan(f"{shapes}{gap}", role), *noted)
    room = width - width_of(left) - 2
    while len(facts) > len([waiting] if waiting else legend) and cell_len(" · ".join(facts)) > room:
        facts.pop()
    right = row((" · ".join(facts), "dim")) if facts else ()
    if width_of(right) <= room or (not facts and room >= -2):
        return [ends(left, right, width, glyphs.dots)]
    trail = next((one for one in trails if width_of((one,)) + cell_len(shapes) <= width), trails[-1])
    pieces = [TextSpan(text, role) for text in _PIECES.findall(shapes)]
    *rows, last = wrap_spans((trail, *pieces), width, indent=2)
    if rows and width_of((*last, *noted)) + 3 <= width:
        last = (*last, *(row("   ") if note else ()), *noted)
    elif note:
        *below, end = wrap_spans(words((TextSpan("  "), *noted)), width, indent=2)
        rows, last = [*rows, last, *below], end
    if width_of(last) + 2 + width_of(right) <= width:
        last = ends(last, right, width, glyphs.dots)
    return [*rows, last]


def _trails(frame: Frame, glyphs: Glyphs) -> list[TextSpan]:
    """Return the operations around the one shown: all of them first, and then in ever fewer words."""
    if not frame.place.trail:
        return [TextSpan("")]
    into, dots = glyphs.text(" › "), glyphs.dots
    ways = [into.join(frame.place.trail), f"{dots}{into}{frame.place.trail[-1]}", dots]
    return [TextSpan(f"{way}{into}", "label") for way in ways]
