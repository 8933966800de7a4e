"""Characters of which either half has a colour of its own: two rows of a small picture in one."""

from __future__ import annotations

from rich.segment import Segment

from tui.text.glyphs import Glyphs
from tui.text.rows import TextSpan
from tui.text.themes import Theme

HALVES = "halves"
OUTSIDE = -1  # the strength of a half that has no colour


def halves_role(upper: int, lower: int) -> str:
    """Return the role of characters whose halves are so strong, from 0 to `STRENGTHS`, or `OUTSIDE`."""
    return f"{HALVES} {upper} {lower}"


def segment(span: TextSpan, theme: Theme, glyphs: Glyphs, *, few: bool) -> Segment:
    """Return a span as it is painted; where there are too few colours for halves, as shades.

    Its characters say as much as they can without colours: of two halves alike the shade, else the stronger.
    """
    if not span.role.startswith(HALVES):
        return Segment(span.text, theme.style(span.role))
    upper, lower = map(int, span.role.split()[1:])
    if theme.colourless or few or glyphs.plain:
        return Segment(glyphs.shades[max(upper, lower, 0)] * len(span.text), theme.style(""))
    if upper == lower:  # in their colour no character is seen
        return Segment(glyphs.shades[max(upper, 0)] * len(span.text), theme.halves(upper, lower))
    if upper > lower:
        return Segment("▀" * len(span.text), theme.halves(upper, lower))
    return Segment("▄" * len(span.text), theme.halves(lower, upper))
