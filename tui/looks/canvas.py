"""A canvas of dots: two across and four down in each cell of the terminal, which makes them square.

Dots are whole numbers, x to the right and y down, and everything is rounded by integer arithmetic, so that a
drawing is the same on every processor. What lies outside is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from math import isqrt
from typing import NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len

from tui.model.drawing import Drawing
from tui.text.rows import Row, TextSpan

Dot = tuple[int, int]

ACROSS, DOWN = 2, 4
"""Dots in a cell."""

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille letter, by row and column
_BRAILLE = 0x2800
_HEAD = 4  # dots that the head of an arrow is long

SOLID, DASHED, DOTTED = (1, 1), (3, 6), (1, 2)
"""Patterns of a line: how many dots are set of how many."""


class Canvas:
    """Dots and text in a space of `width` × `height` cells.

    A cell has the colour of what was drawn in it last. Text covers dots.

    Attributes:
        fine: Points along the side of a dot; a dot's own size here.
    """

    fine = 1

    def __init__(self, width: int, height: int, ascii_only: bool = False) -> None:
        """Take the size in cells, and whether to draw in ASCII."""
        self.width, self.height = max(0, width), max(0, height)
        self._ascii_only = ascii_only
        self._dots = [bytearray(self.width) for _ in range(self.height)]
        self._roles = [[""] * self.width for _ in range(self.height)]
        self._text: list[dict[int, tuple[str, str]]] = [{} for _ in range(self.height)]
        self._heads: list[dict[int, str]] = [{} for _ in range(self.height)]

    @property
    def across(self) -> int:
        """The points from left to right."""
        return self.width * ACROSS * self.fine

    @property
    def down(self) -> int:
        """The points from top to bottom."""
        return self.height * DOWN * self.fine

    def cell(self, at: Dot) -> tuple[int, int]:
        """Return the column and the row of the cell in which a point is."""
        return at[0] // (ACROSS * self.fine), at[1] // (DOWN * self.fine)

    def dot(self, x: int, y: int, role: str = "") -> None:
        """Set one dot."""
        if 0 <= x < self.width * ACROSS and 0 <= y < self.height * DOWN:
            row, column = y // DOWN, x // ACROSS
            self._dots[row][column] |= _BITS[y % DOWN][x % ACROSS]
            self._roles[row][column] = role

    def is_set(self, x: int, y: int) -> bool:
        """Return whether a dot is set."""
        inside = 0 <= x < self.width * ACROSS and 0 <= y < self.height * DOWN
        return inside and bool(self._dots[y // DOWN][x // ACROSS] & _BITS[y % DOWN][x % ACROSS])

    def line(self, start: Dot, end: Dot, role: str = "", pattern: tuple[int, int] = SOLID) -> None:
        """Draw a straight line, both ends included."""
        clipped = self._clip(start, end)
        if clipped is None:
            return
        on, period = pattern
        for place, (x, y) in enumerate(_line(*clipped)):
            if place % period < on:
                self.dot(x, y, role)

    def path(
        self, dots: Sequence[Dot], role: str = "", pattern: tuple[int, int] = SOLID, *, closed: bool = False
    ) -> None:
        """Draw lines from each dot to the next; a pattern goes on around the corners."""
        on, period = pattern
        place = 0
        pairs = zip(dots, [*dots[1:], dots[0]] if closed and dots else dots[1:], strict=False)
        for start, end in pairs:
            clipped = self._clip(start, end)
            if clipped is None:
                continue
            length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
            for step, (x, y) in enumerate(_line(*clipped)):
                if (place + step) % period < on:
                    self.dot(x, y, role)
            place += length

    def arrow(
        self, start: Dot, end: Dot, role: str = "", pattern: tuple[int, int] = SOLID, head: int = _HEAD
    ) -> None:
        """Draw a line with a head at `end`, smaller where the line is short; a point if it has no length."""
        self.line(start, end, role, pattern)
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = isqrt(dx * dx + dy * dy)
        head = min(head, length // 2)
        if not length:
            self.spot(end, role)
            return
        for side in (1, -1):
            back = (
                end[0] - _round(2 * head * dx + side * head * dy, 2 * length),
                end[1] - _round(2 * head * dy - side * head * dx, 2 * length),
            )
            self.line(end, back, role)
        self._mark_head(end, dx, dy)

    def spot(self, at: Dot, role: str = "") -> None:
        """Draw a point that is seen: a dot with its four neighbours."""
        for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            self.dot(at[0] + dx, at[1] + dy, role)
        self._mark(at, "o")

    def text(self, column: int, row: int, text: str, role: str = "label") -> None:
        """Write a text over the dots, from a cell on; what lies outside is cut."""
        for character in text:
            size = cell_len(character)
            if 0 <= row < self.height and column >= 0 and column + size <= self.width:
                self._text[row][column] = (character, role)
                if size == 2:
                    self._text[row][column + 1] = ("", role)
            column += size

    def has_room(self, column: int, row: int, text: str) -> bool:
        """Return whether there is room for text: inside, and on no other text."""
        cells = range(column, column + cell_len(text))
        inside = 0 <= row < self.height and column >= 0 and cells.stop <= self.width
        return inside and not any(cell in self._text[row] for cell in cells)

    def is_apart(self, column: int, row: int, text: str) -> bool:
        """Return whether no other text would touch a text there."""
        return not {column - 1, column + cell_len(text)} & self._text[row].keys()

    def dots_under(self, place: tuple[int, int], text: str) -> int:
        """Return how many cells with dots a text there would cover."""
        column, row = place
        return sum(bool(bits) for bits in self._dots[row][column : column + cell_len(text)])

    def label(self, at: Dot, text: str, role: str = "", towards: Dot = (1, -1)) -> bool:
        """Write a text beside a dot, where it covers least; return False if there is no room for it.

        By preference it stands in the direction `towards`, as of an arrow that ends at the dot.
        """
        size = cell_len(text)
        column, row = at[0] // ACROSS, at[1] // DOWN
        right, left = column + 1, column - size
        middle = column - size // 2
        right_first = towards[0] >= 0
        sides = (right, left) if right_first else (left, right)
        beyond = 1 if towards[1] > 0 else -1
        steep = abs(towards[1]) > 2 * abs(towards[0])
        beside = [(side, row + shift) for side in sides for shift in (0, beyond, -beyond)]
        over = [(middle, row + beyond), (middle, row - beyond)]
        places = [*over[:1], *beside, *over[1:]] if steep else [*beside, *over]
        places += [(x + (1 if x == right else -1), y) for x, y in beside]
        free = [place for place in places if self.has_room(*place, text) and self.is_apart(*place, text)]
        if not free:
            return False
        best = min(
            free, key=lambda place: self.dots_under(place, text)
        )  # the first of those that cover least
        self.text(*best, text, role)
        return True

    def rows(self) -> tuple[Row, ...]:
        """Return the canvas as rows of braille, or of the ASCII that is nearest to each cell."""
        return tuple(tuple(self._spans(row)) for row in range(self.height))

    def _spans(self, row: int) -> Iterator[TextSpan]:
        text, heads, roles = self._text[row], self._heads[row], self._roles[row]
        cells: list[tuple[str, str]] = []
        for column, bits in enumerate(self._dots[row]):
            if column in text:
                cells.append(text[column])
            elif not bits:
                cells.append((" ", ""))
            elif self._ascii_only:
                cells.append((heads.get(column) or _ascii(bits), roles[column]))
            else:
                cells.append((chr(_BRAILLE + bits), roles[column]))
        while cells and cells[-1] == (" ", ""):
            cells.pop()
        for role, run in groupby(cells, key=lambda cell: cell[1]):
            yield TextSpan("".join(character for character, _ in run), role)

    def _mark_head(self, end: Dot, dx: int, dy: int) -> None:
        """Remember the sign for an arrow's head where there is no braille."""
        across = abs(dx) >= abs(dy)
        self._mark(end, (">" if dx > 0 else "<") if across else ("v" if dy > 0 else "^"))

    def _mark(self, at: Dot, sign: str) -> None:
        x, y = at
        if 0 <= x < self.width * ACROSS and 0 <= y < self.height * DOWN:
            self._heads[y // DOWN][x // ACROSS] = sign

    def _clip(self, start: Dot, end: Dot) -> tuple[Dot, Dot] | None:
        """Return the part of a line that is inside, to the nearest dot; None if there is none."""
        (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
        first, last = (0, 1), (1, 1)  # fractions of the line
        across, down = self.width * ACROSS, self.height * DOWN
        for step, room in ((-dx, x), (dx, across - 1 - x), (-dy, y), (dy, down - 1 - y)):
            if step == 0:
                if room < 0:
                    return None
                continue
            there = (room, step) if step > 0 else (-room, -step)
            if step < 0 and there[0] * first[1] > first[0] * there[1]:
                first = there
            if step > 0 and there[0] * last[1] < last[0] * there[1]:
                last = there
        if first[0] * last[1] > last[0] * first[1]:
            return None
        ends = [(x + _round(dx * a, b), y + _round(dy * a, b)) for a, b in (first, last)]
        return ends[0], ends[1]


class Stroke(NamedTuple):
    """Lines of one role: through the points of each path in turn.

    Attributes:
        role: The role.
        pattern: Dots that are drawn of how many.
        paths: The paths; a path of one point is a spot.
        closed: Whether they end where they begin.
    """

    role: str
    pattern: tuple[int, int]
    paths: list[list[Dot]]
    closed: bool = False


class VectorCanvas(Canvas):
    """A canvas that keeps lines as lines, between points much finer than dots.

    Its rows have its text alone, which stands where it would stand among dots.

    Attributes:
        strokes: The lines in the order in which they were drawn.
    """

    fine = 16

    def __init__(self, width: int, height: int, ascii_only: bool = False) -> None:
        """Take the size in cells, and whether to draw in ASCII."""
        super().__init__(width, height, ascii_only)
        self.strokes: list[Stroke] = []

    def line(self, start: Dot, end: Dot, role: str = "", pattern: tuple[int, int] = SOLID) -> None:
        """Draw a straight line, which goes on where the last one of its kind has ended."""
        super().line(self._dot(start), self._dot(end), role, pattern)
        last = self.strokes[-1] if self.strokes else None
        if last is None or last[:2] != (role, pattern) or last.closed:
            self.strokes.append(last := Stroke(role, pattern, []))
        if last.paths and last.paths[-1][-1] == start != end and len(last.paths[-1]) > 1:
            last.paths[-1].append(end)
        else:
            last.paths.append([start, end])

    def path(
        self, dots: Sequence[Dot], role: str = "", pattern: tuple[int, int] = SOLID, *, closed: bool = False
    ) -> None:
        """Draw lines from each point to the next."""
        super().path([*map(self._dot, dots)], role, pattern, closed=closed)
        self.strokes.append(Stroke(role, pattern, [[*dots]], closed))

    def arrow(
        self, start: Dot, end: Dot, role: str = "", pattern: tuple[int, int] = SOLID, head: int = _HEAD
    ) -> None:
        """Draw a line with a head at `end`, smaller where the line is short; a point if it has no length."""
        super().arrow(start, end, role, pattern, head * self.fine)

    def spot(self, at: Dot, role: str = "") -> None:
        """Draw a point that is seen."""
        super().spot(self._dot(at), role)
        self.strokes.append(Stroke(role, SOLID, [[at]]))

    def label(self, at: Dot, text: str, role: str = "", towards: Dot = (1, -1)) -> bool:
        """Write a text beside a point, as beside its dot."""
        return super().label(self._dot(at), text, role, towards)

    def rows(self) -> tuple[Row, ...]:
        """Return the text as rows."""
        self._dots = [bytearray(self.width) for _ in range(self.height)]
        return super().rows()

    def _dot(self, at: Dot) -> Dot:
        return at[0] // self.fine, at[1] // self.fine

    def _mark_head(self, end: Dot, dx: int, dy: int) -> None:
        """Do nothing: a line shows its head."""


class CanvasSheet(NamedTuple):
    """A drawing on a canvas, with rows above and below."""

    above: tuple[Row, ...]
    canvas: Canvas
    below: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return (*self.above, *self.canvas.rows(), *self.below)


@runtime_checkable
class CanvasDrawing(Drawing, Protocol):
    """A drawing that any canvas takes."""

    def sheet(self, width: int, height: int, canvas: type[Canvas] = Canvas) -> CanvasSheet:
        """Return the picture in `height` rows of at most `width` columns."""


def _round(numerator: int, denominator: int) -> int:
    """Return the whole number nearest to a fraction; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _line(start: Dot, end: Dot) -> Iterator[Dot]:
    """Yield the dots of a straight line, by Bresenham's algorithm."""
    (x, y), (goal_x, goal_y) = start, end
    dx, dy = abs(goal_x - x), -abs(goal_y - y)
    right, down = (1 if goal_x > x else -1), (1 if goal_y > y else -1)
    error = dx + dy
    yield x, y
    while (x, y) != (goal_x, goal_y):
        twice = 2 * error
        if twice >= dy:
            error += dy
            x += right
        if twice <= dx:
            error += dx
            y += down
        yield x, y


# Signs of ASCII as the dots that they cover: four rows of two.
_SIGNS = (
    ("-", "00 11 00 00"), ("-", "00 00 11 00"), ("_", "00 00 00 11"), ("'", "01 00 00 00"),
    ("'", "10 00 00 00"), ('"', "11 00 00 00"), (".", "00 00 00 01"), (".", "00 00 00 10"),
    ("|", "10 10 10 10"), ("|", "01 01 01 01"), ("/", "01 01 10 10"), ("/", "01 10 10 00"),
    ("/", "00 01 01 10"), ("\\", "10 10 01 01"), ("\\", "10 01 01 00"), ("\\", "00 10 10 01"),
    (":", "10 00 10 00"), (":", "01 00 01 00"), ("*", "01 11 01 00"), ("*", "00 11 11 00"),
    ("+", "10 11 10 10"), ("+", "01 11 01 01"), ("#", "11 11 11 11"), (",", "00 00 01 10"),
)  # fmt: skip


@cache
def _ascii(bits: int) -> str:
    """Return the ASCII sign whose dots differ least from a cell's."""
    return min(_signs(), key=lambda sign: (sign[1] ^ bits).bit_count())[0]


@cache
def _signs() -> tuple[tuple[str, int], ...]:
    return tuple((sign, _mask(picture.split())) for sign, picture in _SIGNS)


def _mask(picture: Iterable[str]) -> int:
    return sum(
        _BITS[row][column]
        for row, line in enumerate(picture)
        for column, set_ in enumerate(line)
        if set_ == "1"
    )
