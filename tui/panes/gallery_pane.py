"""The gallery of attention heads as rows of the stage: a row of small pictures for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from llm_linalg.base.text import elide_title
from tui.model.gallery import STRENGTHS, Gallery, GalleryLayer, HeadPicture
from tui.model.window import window
from tui.text.glyphs import Glyphs
from tui.text.heat import OUTSIDE, halves_role
from tui.text.rows import Row, TextSpan, ends, fit, row, width_of

WIDEST = 20  # columns of a picture
NARROWEST = 8  # columns below which other heads rather go out of sight


class PictureSize(NamedTuple):
    """The size of a picture: a column is a block of keys, and half a row one of as many queries.

    Attributes:
        block: The queries, and the keys, of a block.
        width: Its columns.
        height: Its rows.
    """

    block: int
    width: int
    height: int

    @classmethod
    def within(cls, pictures: Sequence[HeadPicture], width: int, height: int) -> PictureSize:
        """Return the size of the largest pictures that have room."""
        queries, keys = (max(picture.shape[side] for picture in pictures) for side in (0, 1))
        block = max(1, -(-keys // max(1, width)), -(-queries // max(1, 2 * height)))
        return cls(block, max(1, -(-keys // block)), max(1, -(-queries // (2 * block))))


def gallery_rows(gallery: Gallery, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return the gallery in `height` rows of at most `width` columns; the selected head is among them."""
    most = max(len(layer.heads) for layer in gallery.layers)
    shown_layers = min(len(gallery.layers), 2)
    pictures = [picture for layer in gallery.layers for picture in layer.heads]
    across = min(WIDEST, max(min(NARROWEST, width - 2), (width - 1) // most - 1))
    size = PictureSize.within(pictures, across, max(1, height // shown_layers - 1))
    heads = window(most, max(1, (width - 1) // (size.width + 1)), range(gallery.head, gallery.head + 1))
    layers = window(
        len(gallery.layers), max(1, height // (size.height + 1)), range(gallery.layer, gallery.layer + 1)
    )
    lines: list[Row] = []
    for place in layers:
        layer, chosen = gallery.layers[place], gallery.head if place == gallery.layer else None
        shown = layer.heads[heads.start : heads.stop]
        if height > size.height:
            lines.append(_head(layer, chosen, heads, _legend(size, layers, place), width, glyphs))
        lines += _pictures(shown, None if chosen is None else chosen - heads.start, size)
    above = max(0, height - len(lines)) // 2
    return [*[()] * above, *(fit(line, width, glyphs.dots) for line in lines)][:height]


def _head(
    layer: GalleryLayer, chosen: int | None, heads: range, legend: Row, width: int, glyphs: Glyphs
) -> Row:
    """Return the line above the pictures of a layer: where it is, and which of its heads are shown."""
    some = len(layer.heads) > len(heads)
    which = glyphs.text(f"heads {heads.start}–{heads.stop - 1} of {len(layer.heads)}") if some else ""
    label = elide_title(layer.label or "attention", max(8, width - len(which) - width_of(legend) - 5))
    pointer = glyphs.pointer if chosen is not None else " "
    left = row((f"{pointer} {label}", "strong" if chosen is not None else ""), (f"  {which}", "dim"))
    return ends(left, legend, width, glyphs.dots)


def _legend(size: PictureSize, layers: range, place: int) -> Row:
    """Return what the colours stand for, at the first layer shown; at the last, how much a block is."""
    legend: list[TextSpan] = []
    if place == layers[-1] and size.block > 1:
        legend.append(TextSpan(f"largest of {size.block}×{size.block} ", "dim"))
    for strength, least in enumerate(STRENGTHS, 1) if place == layers[0] else ():
        legend += [TextSpan("▀", halves_role(strength, strength)), TextSpan(f"{least:.0%} ", "dim")]
    return tuple(legend)


def _pictures(shown: Sequence[HeadPicture], chosen: int | None, size: PictureSize) -> list[Row]:
    """Return pictures beside each other, the chosen one in brackets."""
    drawn = [picture.strengths(size.block) for picture in shown]
    lines = []
    for y in range(size.height):
        spans: list[TextSpan] = []
        for k, strengths in enumerate(drawn):
            spans.append(TextSpan("[" if k == chosen else "]" if k - 1 == chosen else " ", "current"))
            spans += (
                _half_rows(strengths, y, size.width) if strengths else [TextSpan("?" * size.width, "dim")]
            )
        spans += [TextSpan("]", "current")] if chosen == len(drawn) - 1 else []
        lines.append(tuple(spans))
    return lines


def _half_rows(strengths: Sequence[Sequence[int | None]], y: int, width: int) -> list[TextSpan]:
    """Return two rows of blocks as one of characters: NaN as a sign of its own, and nothing outside."""
    upper, lower = (strengths[k] if k < len(strengths) else () for k in (2 * y, 2 * y + 1))
    pairs = [tuple(half[x] if x < len(half) else OUTSIDE for half in (upper, lower)) for x in range(width)]
    spans = []
    for (above, below), run in groupby(pairs):
        count = len(list(run))
        if above is None or below is None:
            spans.append(TextSpan("!" * count, "error"))
        elif above == below == OUTSIDE:
            spans.append(TextSpan(" " * count))
        else:
            spans.append(TextSpan("▀" * count, halves_role(above, below)))
    return spans
