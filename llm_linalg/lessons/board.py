"""Boards: a stop's picture as a list, or a chain, of live cells."""

from __future__ import annotations

from typing import NamedTuple

from llm_linalg.base.text import CleanText


class BoardRow(NamedTuple):
    """One live cell of a board.

    Attributes:
        label: Its title.
        name: The tensor of the program that it shows, or None.
        lesson: The slug of the lesson that it opens.
        words: Its meaning in linear algebra, in a few words.
        apart: Whether it is below the `---`: on the board, but not in the chain.
        line: Its line in the file, from 1.
    """

    label: CleanText
    name: str | None
    lesson: str
    words: CleanText
    apart: bool
    line: int


class Board(NamedTuple):
    """A list of live cells, or a chain of boxes."""

    rows: tuple[BoardRow, ...]
    chain: bool = False
