"""A board as a value: live cells of a program, each with the lesson that it opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len

from llm_linalg.base.text import CleanText

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One row of a board.

    Attributes:
        label: Its text.
        name: The tensor that it shows, or None.
        lesson: The slug of the lesson that it opens.
        title: That lesson's title.
        words: Its meaning in linear algebra.
        apart: Whether it stands outside the chain.
        shape: The tensor's shape; None without a tensor.
        values: Its numbers, nested as in torch; None where there are too many.
        brief: The tensor in few characters: a single number, else its shape.
        full: The same with its cells, where there are only a few.
        first: The first cells of its first row.
    """

    label: CleanText
    name: str | None
    lesson: str
    title: CleanText
    words: CleanText
    apart: bool
    shape: tuple[int, ...] | None = None
    values: object = None
    brief: str = ""
    full: str = ""
    first: tuple[str, ...] = ()

    def value_in(self, width: int, dots: str) -> str:
        """Return as much of the tensor as so many columns hold: all cells, or shape and first cells."""
        begun = [" ".join([*self.first[:count], dots]) for count in range(len(self.first), 0, -1)]
        whole = [] if begun and self.full == self.brief else [self.full]
        texts = [*whole, *(f"{self.brief} {text}" for text in begun), *begun[:-1]]
        return next((text for text in texts if cell_len(text) <= width), self.brief)

    @property
    def plain(self) -> str:
        """The row as one line to be read aloud."""
        words = f"{self.label}: {self.words}" if self.words else self.label
        shaped = self.shape and self.full == self.brief
        begins = f", begins {' '.join(self.first)}" if shaped and self.first else ""
        value = f"shape {self.full}{begins}" if shaped else f"value {self.full}"
        return "; ".join([words, *([value] if self.full else []), f"lesson {self.lesson}"])


@dataclass(frozen=True, slots=True)
class BoardView:
    """The rows of a board.

    Attributes:
        chain: Whether they are boxes joined by arrows.
        row: The number of the selected row, from 1.
        has_digits: Whether a digit opens a row: it answers what is asked otherwise.
        opens: Whether its rows open lessons, and one is selected: on a stage none does.
    """

    rows: tuple[LiveRow, ...]
    chain: bool
    row: int
    has_digits: bool = True
    opens: bool = True

    @property
    def on_stage(self) -> BoardView:
        """The board as a stage shows it, where its rows open nothing."""
        return replace(self, has_digits=False, opens=False)

    def without_values(self, text: str, sign: str) -> BoardView:
        """Return the board with a sign for the value of each tensor that a text names."""
        named = set(_NAME.findall(text))
        rows = tuple(
            replace(row, brief=sign, full=sign, first=()) if row.name in named else row for row in self.rows
        )
        return replace(self, rows=rows)

    @property
    def selection(self) -> LiveRow:
        """The selected row."""
        return self.rows[self.row - 1]

    def record(self) -> list[dict[str, object]]:
        """Return the rows for JSON."""
        return list(self._records())

    def _records(self) -> Iterator[dict[str, object]]:
        for row in self.rows:
            record: dict[str, object] = {"label": row.label, "name": row.name}
            if row.shape is not None:
                record["shape"] = list(row.shape)
            if row.values is not None:
                record["value"] = row.values
            yield {**record, "lesson": row.lesson, "text": row.words}
