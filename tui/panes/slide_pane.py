"""A slide of prose: its title, in large letters if there is room, and its text in the middle of the stage."""

from __future__ import annotations

from rich.cells import cell_len

from llm_linalg.base.text import clean
from llm_linalg.lessons.markdown import Block, without_formulas
from tui.panes.slide_pictures import NO_SOURCE, PictureSource, pictures_in, pictures_of
from tui.text.formula_spans import NO_HUES, NameHues
from tui.text.glyphs import Glyphs
from tui.text.large import ACROSS, enlarge_rows, in_font
from tui.text.prose import Pictures, paragraphs
from tui.text.rows import Row, TextSpan, row, width_of, wrap

WIDEST = 72  # columns of text that are still read well
LEAST_PICTURE = 8  # rows of a picture for which formulas are on a line


def slide_rows(
    title: str, prose: str, width: int, height: int, *, big: bool, glyphs: Glyphs,
    hues: NameHues = NO_HUES, source: PictureSource = NO_SOURCE,
) -> list[Row]:  # fmt: skip
    """Return a slide in `height` rows of at most `width` columns.

    What is beyond them is cut, and the last row says so. With `big` the text is in large letters too, as far
    as there is room; beside a picture, which has all the room that is left, none are. Where the characters
    are ASCII, no letters are large, formulas are on a line, and a picture is its words.
    """
    prose = glyphs.text(without_formulas(prose)) if glyphs.plain else prose
    texts = [paragraphs(prose, min(WIDEST, width), hues, most=most) for most in (None, 0)]
    heads = [_head(title, width)]
    narrow = width // ACROSS
    whole = all(cell_len(word) <= narrow for word in clean(title).split())
    if found := pictures_in(prose):
        texts = [_with_pictures(prose, found, source, min(WIDEST, width), height - len(heads[0]) - 1, hues)]
    elif not glyphs.plain and in_font(clean(title)) and whole:
        heads.insert(0, enlarge_rows(_head(title, narrow)))
    if big and not glyphs.plain and not found:
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


def _with_pictures(
    prose: str, found: list[Block], source: PictureSource, width: int, height: int, hues: NameHues
) -> list[Row]:
    """Return prose with its pictures, as high as its words leave room for."""
    empty: Pictures = tuple((block.info, ((),)) for block in found)
    heights = [len(paragraphs(prose, width, hues, empty, most=most)) for most in (None, 0)]
    rooms = [(height - rows) // len(found) + 1 for rows in heights]
    most, room = (None, rooms[0]) if rooms[0] >= LEAST_PICTURE else (0, rooms[1])
    return paragraphs(prose, width, hues, pictures_of(found, source, width, room), most=most)


def row_count(title: str, prose: str, width: int) -> int:
    """Return the rows that a slide takes at least: where nothing is large, and formulas are on a line."""
    return len(_head(title, width)) + 1 + len(paragraphs(prose, min(WIDEST, width), most=0))


def _head(title: str, width: int) -> list[Row]:
    return [row((text, "title")) for text in wrap(clean(title), width)]
