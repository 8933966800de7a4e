"""The look of vectors of two numbers: arrows, shadows and grids on a canvas of dots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.constants import HUES
from llm_linalg.base.text import CleanText, clean, elide_middle
from tui.looks.canvas import ACROSS, DASHED, DOTTED, DOWN, SOLID, Canvas, CanvasSheet, Dot
from tui.looks.look import Look, LookInput
from tui.looks.plane_scale import PlaneScale
from tui.model.drawing import Drawing, lines_in_words
from tui.text.glyphs import ascii_text
from tui.text.rows import Row, row

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.illustrations.plane.plane import Plane, PlaneArrow

LABEL = 10  # characters of a label
ROLES = {
    "first": "slice-0",
    "second": "slice-1",
    "result": "strong",
    "now": "current",
    "helper": "label",
    "grid": "rule",
}
TENSORS = ("first", "second")  # the roles of operands, each of which has a colour
AXIS, FIGURE = "rule", "dim"
APART = 14  # dots from a figure on an axis to the next
FRAMES = 8  # pictures in which a plane moves all of its way
ROOMY = 6  # rows above which one is left for a note


@dataclass(frozen=True, slots=True, eq=False)
class PlaneDrawing:
    """A `Drawing` of an operation in the plane.

    Attributes:
        plane: What there is to draw.
        words: The same in words and figures.
        ascii_only: Whether to draw in ASCII.
        longest: Columns of the longest label that there will be.
        hues: The roles of the theme for those of the plane that are another tensor's than usual.
    """

    plane: Plane
    words: tuple[CleanText, ...]
    ascii_only: bool
    longest: int = 0
    hues: Mapping[str, str] = field(default_factory=dict)
    has_dots = True

    @classmethod
    def of(cls, plane: Plane, *, ascii_only: bool, hues: Mapping[str, str] | None = None) -> PlaneDrawing:
        """Return the drawing of a picture in the plane, with the colours that some roles have."""
        longest = max((cell_len(_short(arrow.label)) for arrow in plane.arrows), default=0)
        words = lines_in_words(plane.words, ascii_only=ascii_only)
        return cls(plane, words, ascii_only, longest, hues or {})

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return the picture in `height` rows of at most `width` columns."""
        return self.sheet(width, height).rows

    def sheet(self, width: int, height: int, canvas: type[Canvas] = Canvas) -> CanvasSheet:
        """Return the picture on a canvas, and the note below."""
        note = self._note(width) if height > ROOMY else ()
        drawn = canvas(width, height - len(note), self.ascii_only)
        if width < 2 or height < 2:
            return CanvasSheet((), drawn)
        self._draw(drawn)
        return CanvasSheet((), drawn, note)

    def _draw(self, canvas: Canvas) -> None:
        scale = self.scale(canvas)
        _draw_axes(canvas, scale)
        for path in self.plane.paths:
            dots = [scale.dot(*point) for point in path.points]
            pattern = DASHED if path.dashed else DOTTED if path.role == "grid" else SOLID
            role = "grid" if path.closed else path.role  # one colour for all that moves: less is sent
            canvas.path(dots, self._hue(role), pattern, closed=path.closed)
        for point in self.plane.points:
            canvas.spot(scale.dot(*point.at), self._hue(point.role))
        for arrow in self.plane.arrows:
            pattern = DASHED if arrow.role == "helper" else SOLID
            canvas.arrow(scale.dot(*arrow.tail), scale.dot(*arrow.tip), self._hue(arrow.role), pattern)
        self._label(canvas, scale)
        _write_figures(canvas, scale, self._names)

    def _note(self, width: int) -> tuple[Row, ...]:
        """Return the line below the picture, in the middle; none if it has no room."""
        text = ascii_text(self.plane.note) if self.ascii_only else self.plane.note
        left = (width - cell_len(text)) // 2
        return (row((" " * left + text, FIGURE)),) if text and left >= 0 else ()

    def scale(self, canvas: Canvas) -> PlaneScale:
        """Return where the numbers stand on a canvas: beside them is room for the labels."""
        beside = min(ACROSS * canvas.fine * (self.longest + 2), canvas.across // 5)
        above = DOWN * canvas.fine if canvas.height > 6 else canvas.fine
        return PlaneScale.of(self.plane.bounds, canvas, (beside, above))

    def way_from(self, start: Drawing) -> tuple[PlaneDrawing, ...]:
        """Return the pictures on the way from another one of the same operation, without both ends.

        There are as many as the plane's part of its way takes; none if it doesn't move.
        """
        from llm_linalg.illustrations.plane.plane import on_the_way

        if not isinstance(start, PlaneDrawing) or start.plane.share is None or self.plane.share is None:
            return ()
        count = ceil(round(FRAMES * abs(self.plane.share - start.plane.share), 6))
        parts = (k / count for k in range(1, count))
        return tuple(replace(self, plane=on_the_way(start.plane, self.plane, part)) for part in parts)

    def _label(self, canvas: Canvas, scale: PlaneScale) -> None:
        """Write the labels, those of what is computed now first: they get the best places."""
        written: set[tuple[Dot, str]] = set()
        for arrow in reversed(self.plane.arrows):
            if arrow.label and (scale.dot(*arrow.tip), arrow.label) not in written:
                written.add((scale.dot(*arrow.tip), arrow.label))
                tip, tail = scale.dot(*arrow.tip), scale.dot(*arrow.tail)
                towards = (tip[0] - tail[0], tip[1] - tail[1])
                canvas.label(tip, self._text(arrow), self._hue(arrow.role), towards)
        for point in self.plane.points:
            if point.label:
                canvas.label(scale.dot(*point.at), self._said(point.label), self._hue(point.role))

    def _hue(self, role: str) -> str:
        return self.hues.get(role) or ROLES[role]

    def _text(self, arrow: PlaneArrow) -> str:
        """Return an arrow's label; of what is computed now it stands in brackets, as everywhere."""
        text = self._said(arrow.label)
        return f"[{text}]" if arrow.role == "now" else text

    def _said(self, label: str) -> str:
        text = _short(label)
        return ascii_text(text) if self.ascii_only else text

    @property
    def _names(self) -> tuple[str, str]:
        across, up = map(self._said, self.plane.axes)
        return across, up


def _short(label: str) -> CleanText:
    """Return a label in the columns it may have: the rows of one tensor differ at the end."""
    return clean(elide_middle(clean(label), LABEL), LABEL)


def _draw_axes(canvas: Canvas, scale: PlaneScale) -> None:
    x, y = scale.origin
    canvas.line((0, y), (canvas.across - 1, y), AXIS, DOTTED)
    canvas.line((x, 0), (x, canvas.down - 1), AXIS, DOTTED)


def _write_figures(canvas: Canvas, scale: PlaneScale, names: tuple[str, str]) -> None:
    """Write round numbers along the axes, and what the axes are called at their ends, where there is room."""
    column, row = canvas.cell(scale.origin)
    across, up = map(cell_len, names)
    _put_at_one(canvas, [(canvas.width - across, row + 1), (canvas.width - across, row - 1)], names[0])
    beside = column + 2, column - 1 - up
    _put_at_one(canvas, [(left, down) for down in range(2) for left in beside], names[1])
    apart = APART * canvas.fine
    step = scale.round_step(apart)
    for k in range(1, max(canvas.across, canvas.down) // apart + 1):
        for sign in (1, -1):
            text = f"{sign * k * step:.6g}"
            at: Dot = scale.dot(sign * k * step, sign * k * step)
            across, down = canvas.cell(at)
            if 0 <= at[0] < canvas.across:
                _put(canvas, (across - (cell_len(text) - 1) // 2, row + 1), text)
            if 0 <= at[1] < canvas.down:
                _put(canvas, (column - cell_len(text), down), text)


def _put_at_one(canvas: Canvas, places: Iterable[tuple[int, int]], text: str) -> None:
    """Write a text at the first of these places where it can stand, if there is one."""
    any(_put(canvas, place, text) for place in places)


def _put(canvas: Canvas, place: tuple[int, int], text: str) -> bool:
    """Write a text where it covers nothing, and touches no other; return whether it can stand there."""
    column, row = place
    fits = canvas.has_room(column, row, text) and canvas.is_apart(column, row, text)
    if not (text and fits) or canvas.dots_under(place, text):
        return False
    canvas.text(column, row, text, FIGURE)
    return True


def suits(node: NodeView, _: Sequence[Node]) -> bool:
    """Return whether a node has vectors of two numbers."""
    from llm_linalg.illustrations.plane.picture import plane_of

    return plane_of(node) is not None


def draw(given: LookInput) -> PlaneDrawing:
    """Return the drawing of a node with vectors of two numbers, in the slice that its panel shows."""
    from llm_linalg.illustrations.plane.picture import plane_of
    from llm_linalg.illustrations.plane.plane import Plane

    plane = plane_of(given.node, given.result.at) or Plane()
    return PlaneDrawing.of(plane, ascii_only=given.ascii_only, hues=_hues(plane, given))


def _hues(plane: Plane, given: LookInput) -> dict[str, str]:
    """Return the colours that the tensors of a plane have in numbers and formula, by the roles of the plane.

    Operands without one have those that are left.
    """
    panels = {tensor.node: panel for panel, tensor in reversed(given.tensors)}
    hues: dict[str, str] = {
        role: panels[view.node].hue for role, view in plane.tensors if view.node in panels
    }
    free = iter([hue for k in range(len(HUES)) if (hue := f"slice-{k}") not in hues.values()])
    return {role: hues.get(role) or next(free) for role in TENSORS} | {"result": hues.get("result", "")}


PLANE = Look("plane", suits, draw)
