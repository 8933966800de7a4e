"""A slide of prose: its title, in large letters if there is room, and its text in the middle of the stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_linalg.text import clean
from tui.enlarged import ACROSS, enlarged_rows
from tui.prose import paragraphs
from tui.themes import Glyphs
from tui.widgets.rows import Row, Span, row, width_of, wrap

if TYPE_CHECKING:
    from llm_linalg.decks import DeckStop

WIDEST = 72  # columns of text that are still read well


def slide_rows(stop: DeckStop, width: int, height: int, *, big: bool, glyphs: Glyphs) -> list[Row]:
    """A slide in `height` rows of at most `width` columns.

    Args:
        stop: What is on it.
        width: Columns there are.
        height: Rows there are; what is beyond them is cut, and the last row says so.
        big: The text in large letters too, as far as there is room.
        glyphs: The characters in force; where they are ASCII, no letters are large.
    """
    title = clean(stop.title)
    large = not glyphs.plain and len(title) * ACROSS <= width
    head = (
        enlarged_rows([row((title, "title"))])
        if large
        else [row((text, "title")) for text in wrap(title, width)]
    )
    text = paragraphs(stop.at.prose, min(WIDEST, width))
    if big and not glyphs.plain:
        larger = enlarged_rows(paragraphs(stop.at.prose, width // ACROSS))
        text = larger if len(head) + 1 + len(larger) <= height else text
    rows = [*head, (), *text]
    if len(rows) > height:
        rows = [*rows[: height - 1], row((f"{glyphs.dots} more of it does not fit", "dim"))]
    above = (height - len(rows)) // 3
    left = (width - max(map(width_of, rows))) // 2
    return [*[()] * above, *((Span(" " * left), *spans) if spans else () for spans in rows)]
