"""A drawing: the picture of a node in the place of its numbers, as a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from llm_linalg.base.text import CleanText, clean
from tui.text.glyphs import ascii_text
from tui.text.rows import Row

LONGEST = 400  # characters of a line in words


class Drawing(Protocol):
    """What a look makes of a node at a step.

    A drawing is immutable and holds no tensor. It is in ASCII if it was asked for in ASCII.
    """

    @property
    def words(self) -> tuple[CleanText, ...]:
        """The same in words and figures, a line each: what is read aloud, and what stands in plain text."""

    @property
    def has_dots(self) -> bool:
        """Whether it is made of dots: then it has more of them where characters are drawn large."""

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return the picture in at most `height` rows of at most `width` columns."""


@runtime_checkable
class MovingDrawing(Drawing, Protocol):
    """A drawing whose lines may move from one step to the next."""

    def way_from(self, start: Drawing) -> tuple[Drawing, ...]:
        """Return the pictures between another drawing of the operation and this one; none without a way."""


def lines_in_words(lines: Iterable[str], *, ascii_only: bool) -> tuple[CleanText, ...]:
    """Return what a drawing says, clean, and in ASCII if it is drawn so."""
    words = [clean(line, LONGEST) for line in lines]
    return tuple(map(ascii_text, words)) if ascii_only else tuple(words)
