"""A slide of prose: its title, in large letters if there is room, and its text in the middle of the stage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len

from llm_linalg.base.text import clean
from llm_linalg.lessons.markdown import columns, links, without_formulas
from tui.panes.slide_pictures import NO_SOURCE, PictureSource, pictures_in, pictures_of
from tui.text.formula_spans import NO_HUES, NameHues
from tui.text.glyphs import Glyphs
from tui.text.large import ACROSS, enlarge_rows, in_font
from tui.text.prose import Pictures, paragraphs
from tui.text.rows import Row, TextSpan, row, width_of, wrap

WIDEST = 72  # columns of text that are still read well
GAP = 4  # columns between two columns of text


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
    heads = [_head(title, width)]
    room = height - len(heads[0]) - 1
    texts = [_text(prose, width, room, hues, source, most=most) for most in (None, 0)]
    if len(columns(prose)) > 1:
        texts.append(_text("\n\n".join(columns(prose)), width, room, hues, source, most=0))
    narrow = width // ACROSS
    whole = all(cell_len(word) <= narrow for word in clean(title).split())
    if not glyphs.plain and in_font(clean(title)) and whole and not pictures_in(prose):
        heads.insert(0, enlarge_rows(_head(title, narrow)))
    if big and not glyphs.plain and not pictures_in(prose):
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


def _text(
    prose: str, width: int, height: int, hues: NameHues, source: PictureSource, *, most: int | None
) -> list[Row]:
    """Return prose in its columns, formulas on a line if the rows are more than `most`.

    Pictures are as high as the words of their column leave room for.
    """
    parts = columns(prose)
    each = min(WIDEST, (width - GAP * (len(parts) - 1)) // len(parts))
    drawn: list[list[Row]] = []
    before = 0
    for part in parts:
        pictured = pictures_in(part)
        empty: Pictures = tuple((block.info, ((),)) for block in pictured)
        words = len(paragraphs(part, each, hues, empty, most=most)) - len(pictured)
        pictures = pictures_of(pictured, source, each, (height - words) // max(1, len(pictured)))
        drawn.append(paragraphs(part, each, hues, pictures, most=most, before=before))
        before += len(links(part))
    return [_beside(rows, each) for rows in zip_longest(*drawn, fillvalue=())] if len(parts) > 1 else drawn[0]


def _beside(rows: Sequence[Row], width: int) -> Row:
    """Return rows of columns as one; what follows the last words is left out."""
    spans: list[TextSpan] = []
    for place, cells in enumerate(rows):
        if cells:
            gap = place * (width + GAP) - width_of(spans)
            spans += [TextSpan(" " * gap), *cells] if gap else cells
    return tuple(spans)


def row_count(title: str, prose: str, width: int) -> int:
    """Return the rows that a slide takes at least: where nothing is large, and formulas are on a line."""
    text = _text(prose, width, 0, NO_HUES, NO_SOURCE, most=0)
    return len(_head(title, width)) + 1 + len(text)


def _head(title: str, width: int) -> list[Row]:
    return [row((text, "title")) for text in wrap(clean(title), width)]
