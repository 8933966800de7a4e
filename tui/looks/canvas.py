"""A canvas of braille dots, two across and four down a character, with words on top."""

from __future__ import annotations

from itertools import groupby

from rich.cells import cell_len

from tui.text.rows import Row, TextSpan

ACROSS, DOWN = 2, 4  # dots of a character
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a dot
_UPPER, _LOWER = 0x1B, 0xE4
_BRAILLE = 0x2800


class Canvas:
    """Dots in a space of characters; the last role drawn in a character colours it.

    Dots count from the upper left corner, x to the right and y down; what lies outside is not drawn. In
    ASCII a character is `'`, `.` or `:`, for dots in its upper half, its lower, or both.
    """

    def __init__(self, width: int, height: int, ascii_only: bool = False) -> None:
        """Take the size in characters."""
        self.width, self.height = width, height
        self._ascii_only = ascii_only
        self._dots = [[0] * width for _ in range(height)]
        self._roles = [[""] * width for _ in range(height)]
        self._letters: dict[tuple[int, int], str] = {}

    @property
    def across(self) -> int:
        """The dots across."""
        return self.width * ACROSS

    @property
    def down(self) -> int:
        """The dots down."""
        return self.height * DOWN

    def dot(self, x: int, y: int, role: str = "") -> None:
        """Draw a dot."""
        if 0 <= x < self.across and 0 <= y < self.down:
            column, row = x // ACROSS, y // DOWN
            self._dots[row][column] |= _BITS[y % DOWN][x % ACROSS]
            self._roles[row][column] = role

    def line(self, start: tuple[int, int], end: tuple[int, int], role: str = "", every: int = 1) -> None:
        """Draw a straight line between two dots, of which only each `every`th is drawn."""
        (x, y), (to_x, to_y) = start, end
        count = max(abs(to_x - x), abs(to_y - y))
        for k in range(0, count + 1, every):
            part = k / count if count else 0.0
            self.dot(round(x + (to_x - x) * part), round(y + (to_y - y) * part), role)

    def text(self, column: int, row: int, text: str, role: str = "label") -> None:
        """Write a text over the dots, from a character on; what lies outside is cut."""
        for letter in text:
            if 0 <= row < self.height and column >= 0 and column + cell_len(letter) <= self.width:
                self._letters[row, column] = letter
                self._roles[row][column] = role
                for k in range(1, cell_len(letter)):
                    self._letters[row, column + k] = ""
            column += cell_len(letter)

    def rows(self) -> tuple[Row, ...]:
        """Return the picture."""
        return tuple(self._row(row) for row in range(self.height))

    def _row(self, row: int) -> Row:
        drawn = [(self._roles[row][column], self._character(row, column)) for column in range(self.width)]
        spans = [
            TextSpan("".join(text for _, text in group), role)
            for role, group in groupby(drawn, key=lambda one: one[0])
        ]
        return tuple(spans)

    def _character(self, row: int, column: int) -> str:
        letter = self._letters.get((row, column))
        if letter is not None:
            return letter
        bits = self._dots[row][column]
        if not bits:
            return " "
        if not self._ascii_only:
            return chr(_BRAILLE + bits)
        return ":" if bits & _UPPER and bits & _LOWER else "'" if bits & _UPPER else "."
