"""Controls: the names of a lesson's program that the learner changes.

A control is a table in the lesson's front matter. Its value is plain (a number, a text, a tuple of numbers),
so that it can be written in a shell command and in JSON. A grid of 0 and 1, such as a mask that the reader
edits cell by cell, is written as its rows of digits with slashes between: `100/110/111`.
"""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple, TypeGuard

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import NOTHING, CleanText

Scalar = int | float | str | bool
Grid = tuple[tuple[int, ...], ...]
Value = Scalar | tuple[Scalar | tuple[int, ...], ...]
Kind = Literal["choice", "int", "float", "list", "grid"]

MOST_ENTRIES = 16
MOST_SIDE = 16  # of a grid
LARGEST = 1_000_000_000


class Control(NamedTuple):
    """One name that the lesson's program uses, and the values that it may have.

    Attributes:
        name: An identifier, bound before the program runs.
        kind: "choice" (one of `choices`), "int" or "float" (from `minimum` to `maximum`),
            "list" (numbers, each within `minimum` and `maximum` where given; or entries among `choices`),
            "grid" (rows of 0 and 1).
        default: The value that the lesson opens with.
        step: The size of one move.
        key: A letter that moves the control to its next value, or None.
        label: Its name on the screen.
        sets: (choice as text, other control, value): a choice sets other controls too. For a grid the text is
            empty, and any edit sets them.
        edits: The name of the tensor on which a grid is edited.
        append: For a list, the tensor of the program whose number is the next entry, or None. With choices
            the number is the position of a choice.
    """

    name: str
    kind: Kind
    default: Value
    choices: tuple[Scalar, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float = 1
    key: str | None = None
    label: CleanText = NOTHING
    sets: tuple[tuple[str, str, Value], ...] = ()
    append: str | None = None
    edits: str = ""

    def show(self, value: Value) -> str:
        """Return a value as text that `parse` reads back, without spaces of its own."""
        if self.kind == "grid":
            return format_grid(self._grid(value))
        if isinstance(value, tuple):
            return ",".join(map(self.show, value))
        return str(value).lower() if isinstance(value, bool) else str(value)

    def parse(self, text: str) -> Value:
        """Return the value of a text; raise `ValueError` with what the control takes, if not this."""
        text = text.strip()
        if self.kind == "grid":
            rows = text.split("/")
            if not all(row and set(row) <= {"0", "1"} for row in rows):
                raise ValueError(f"{self._takes()}, not {quote(text)}")
            return self.check(tuple(tuple(map(int, row)) for row in rows))
        if self.kind == "list":
            inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
            return self.check(tuple(self._entry(part.strip()) for part in inner.split(",")))
        return self.check(self._entry(text))

    def check(self, value: Value) -> Value:
        """Return a value of the control's type; raise `ValueError` with what it takes, if not this."""
        if self.kind == "grid":
            sides = list(map(len, self._grid(self.default)))
            if not is_grid(value) or list(map(len, value)) != sides:
                raise ValueError(f"{self._takes()}, not {quote(str(value))[1:-1]}")
            return tuple(tuple(map(int, row)) for row in value)
        if self.kind == "list":
            if not isinstance(value, (tuple, list)) or not 1 <= len(value) <= MOST_ENTRIES:
                example = ",".join(map(self.show, self.choices[:3]))
                what = f"choices, such as {example}" if self.choices else "numbers, such as 1,2,3"
                raise ValueError(f"{self.name} takes 1 to {MOST_ENTRIES} {what}")
            return tuple(self._checked(entry) for entry in value)
        return self._checked(value)

    def move(self, value: Value, direction: int) -> Value:
        """Return the value one move forward (+1) or back (-1).

        Words and what one key moves wrap around, numbers stop at their ends, and a list moves its last entry.
        A list that grows loses its last entry by a move back (`append_entry` moves it forward). A grid
        becomes all 1 or all 0.
        """
        if self.kind == "grid":
            return tuple((int(direction > 0),) * len(row) for row in self._grid(value))
        if not isinstance(value, tuple):
            return self._moved(value, direction)
        if self.append is not None:
            return value[:-1] if direction < 0 and len(value) > 1 else value
        return (*value[:-1], self._moved(value[-1], direction))

    def append_entry(self, value: Value, number: int | float) -> Value:
        """Return a list with one more entry: a number, or the choice at that position.

        Raises:
            ValueError: If the list is full, or doesn't take the entry.
        """
        entries = value if isinstance(value, tuple) else (value,)
        if len(entries) >= MOST_ENTRIES:
            raise ValueError(f"{self.label or self.name} is full: {MOST_ENTRIES} entries")
        if not self.choices:
            return self.check((*entries, int(number) if self.whole else number))
        if int(number) != number or not 0 <= number < len(self.choices):
            raise ValueError(
                f"{self.name} has choices 0 to {len(self.choices) - 1}: there is no choice {number}"
            )
        return (*entries, self.choices[int(number)])

    def _grid(self, value: Value) -> Grid:
        if not is_grid(value):
            most = MOST_SIDE
            raise ValueError(
                f"{self.name} takes rows of 0 and 1, all of one length, at most {most} by {most}"
            )
        return value

    def _entry(self, text: str) -> Scalar:
        """Return the value, or the list entry, that a text stands for."""
        if not self.choices:
            return self._number(text)
        for choice in self.choices:
            if self.show(choice) == text:
                return choice
        raise ValueError(unknown(f"value of {self.name}", text, map(self.show, self.choices)))

    def _checked(self, value: object) -> Scalar:
        """Return a value or a list entry if the control takes it."""
        if not self.choices:
            return self._bounded(value)
        for choice in self.choices:
            if type(value) is type(choice) and value == choice:
                return choice
        raise ValueError(unknown(f"value of {self.name}", str(value), map(self.show, self.choices)))

    def _moved(self, value: Value, direction: int) -> Scalar:
        if self.choices:
            place = direction + next((k for k, choice in enumerate(self.choices) if choice == value), 0)
            if self.key is None and all(map(is_number, self.choices)):
                return self.choices[min(max(place, 0), len(self.choices) - 1)]
            return self.choices[place % len(self.choices)]
        if not is_number(value):
            raise ValueError(f"{self._takes()}, not {_shown(value)}")
        moved = round(value + direction * self.step, 10)  # so that 0.1 + 0.2 stays 0.3
        return self._typed(min(max(moved, self._low), self._high))

    def _number(self, text: str) -> int | float:
        text = text.strip()
        try:
            if re.fullmatch(r"[+-]?[0-9]{1,15}", text):
                return int(text)
            if len(text) <= 40 and "_" not in text and text.isascii():
                return float(text)
        except ValueError:
            pass
        raise ValueError(f"{self._takes()}, not {quote(text)}")

    def _bounded(self, value: object) -> int | float:
        within = is_number(value) and self._low <= value <= self._high
        if not is_number(value) or not within or (self.whole and not isinstance(value, int)):
            raise ValueError(f"{self._takes()}, not {_shown(value)}")
        return self._typed(value)

    def _typed(self, value: int | float) -> int | float:
        return value if self.whole else float(value)

    @property
    def whole(self) -> bool:
        """Whether its numbers are integers: one float in the default makes all of them floats."""
        if isinstance(self.default, tuple):
            return all(isinstance(entry, int) for entry in self.default)
        return self.kind != "float"

    @property
    def _low(self) -> int | float:
        return -LARGEST if self.minimum is None else self.minimum

    @property
    def _high(self) -> int | float:
        return LARGEST if self.maximum is None else self.maximum

    def _takes(self) -> str:
        """Return what the control takes, in words: the start of each error message."""
        if self.kind == "grid":
            rows, columns = grid_shape(like := self._grid(self.default))
            example = format_grid(like)
            return f"{self.name} takes {rows} rows of {columns} digits 0 and 1, such as {example}"
        what = {"int": "is a whole number", "float": "is a number"}.get(self.kind, "takes numbers")
        bounds = "" if self.minimum is None else f" from {self.minimum} to {self.maximum}"
        return f"{self.name} {what}{bounds}"


def as_name(value: Value) -> object:
    """Return a value as the program sees it, with lists for tuples."""
    return [as_name(entry) for entry in value] if isinstance(value, tuple) else value


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a finite number; True and False are not."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _shown(value: object) -> str:
    """Return a rejected value on one line."""
    return quote(value) if isinstance(value, str) else quote(str(value))[1:-1]


def format_grid(grid: Grid) -> str:
    """Return the text of a grid."""
    return "/".join("".join(map(str, row)) for row in grid)


def is_grid(value: object) -> TypeGuard[Grid]:
    """Return whether a value is rows of 0 and 1, all of the same length."""
    if not isinstance(value, tuple | list) or not 1 <= len(value) <= MOST_SIDE:
        return False
    rows = [row for row in value if isinstance(row, tuple | list) and 1 <= len(row) <= MOST_SIDE]
    entries = [entry for row in rows for entry in row]
    same = len({len(row) for row in rows}) == 1 and len(rows) == len(value)
    return same and all(type(entry) is int and entry in (0, 1) for entry in entries)


def grid_shape(grid: Grid) -> tuple[int, int]:
    """Return the numbers of rows and of columns of a grid."""
    return len(grid), len(grid[0])


def flip_cell(grid: Grid, row: int, column: int) -> Grid:
    """Return the grid with one entry flipped."""
    return tuple(
        tuple(1 - entry if (i, j) == (row, column) else entry for j, entry in enumerate(line))
        for i, line in enumerate(grid)
    )
