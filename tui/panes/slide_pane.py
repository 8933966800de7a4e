"""A slide of prose: its title, in large letters if there is room, and its text in the middle of the stage."""

from __future__ import annotations

from rich.cells import cell_len

from llm_linalg.base.text import clean
from llm_linalg.lessons.markdown import without_formulas
from tui.text.formula_spans import NO_HUES, NameHues
from tui.text.glyphs import Glyphs
from tui.text.large import ACROSS, enlarge_rows, in_font
from tui.text.prose import paragraphs
from tui.text.rows import Row, TextSpan, row, width_of, wrap

WIDEST = 72  # columns of text that are still read well


def slide_rows(
    title: str, prose: str, width: int, height: int, *, big: bool, glyphs: Glyphs, hues: NameHues = NO_HUES
) -> list[Row]:
    """Return a slide in `height` rows of at most `width` columns.

    What is beyond them is cut, and the last row says so. With `big` the text is in large letters too, as far
    as there is room; where the characters are ASCII, no letters are large, and formulas are on a line.
    """
    prose = glyphs.text(without_formulas(prose)) if glyphs.plain else prose
    texts = [paragraphs(prose, min(WIDEST, width), hues, most=most) for most in (None, 0)]
    heads = [_head(title, width)]
    narrow = width // ACROSS
    whole = all(cell_len(word) <= narrow for word in clean(title).split())
    if not glyphs.plain and in_font(clean(title)) and whole:
        heads.insert(0, enlarge_rows(_head(title, narrow)))
    if big and not glyphs.plain:
        texts.insert(0, enlarge_rows(paragraphs(prose, narrow, hues, most=0)))
    both = [(head, text) for text in texts for head in heads]  # a large text goes before a large title
    fitting = (pair for pair in both if len(pair[0]) + 1 + len(pair[1]) <= height)
    head, text = next(fitting, both[-1])
    rows = [*head, (), *text]
    if len(rows) > height:
        rows = [*rows[: height - 1], row((f"{glyphs.dots} more of it does not fit", "dim"))]
    above = (height - len(rows)) // 3
    left = (width - max(map(width_of, rows))) // 2
    return [*[()] * above, *((TextSpan(" " * left), *spans) if spans else () for spans in rows)]


def row_count(title: str, prose: str, width: int) -> int:
    """Return the rows that a slide takes at least: where nothing is large, and formulas are on a line."""
    return len(_head(title, width)) + 1 + len(paragraphs(prose, min(WIDEST, width), most=0))


def _head(title: str, width: int) -> list[Row]:
    return [row((text, "title")) for text in wrap(clean(title), width)]
