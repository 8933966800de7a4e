"""A picture as rows of half blocks, each of two points; without colours as shades. Pillow decodes it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import groupby

from tui.text.rows import Row, TextSpan
from tui.text.themes import INK, PAPER

MOST_POINTS = 20_000_000  # of a picture that is decoded
LEAST_ROWS = 3
HOW = "pip install 'llm-linalg[images]' shows it here"
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_UPPER = "▀"

Point = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""


class PointsError(ValueError):
    """A picture that can't be drawn; its text is the reason, a sentence without a full stop."""


def picture_rows(data: bytes, width: int, height: int, shades: str = "") -> tuple[Row, ...]:
    """Return a picture in at most `width` columns and `height` rows, in its own proportions.

    With `shades`, from none to full, it has no colours.

    Raises:
        PointsError: If Pillow is missing, or can't read it, or it has too many points.
    """
    if height < LEAST_ROWS:
        raise PointsError("there is no room for it")
    points = _points(data, width, 2 * height)
    return tuple(_shaded(points, shades) if shades else _coloured(points))


def _points(data: bytes, width: int, height: int) -> list[list[Point]]:
    """Return a picture's points on white, in an even number of rows."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise PointsError(HOW) from None
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            across, down = picture.size
            if across * down > MOST_POINTS:
                raise PointsError(f"it has more than {MOST_POINTS // 1_000_000} million points")
            picture.draft("RGB", (2 * width, 2 * height))
            scale = min(width / across, height / down)
            size = max(1, round(across * scale)), max(2, round(down * scale / 2) * 2)
            opaque = Image.new("RGBA", picture.size, "white")
            opaque.alpha_composite(picture.convert("RGBA"))
            small = opaque.convert("RGB").resize(size, Image.Resampling.BOX)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise (error if isinstance(error, PointsError) else PointsError("it can't be decoded")) from None
    raw = small.tobytes()
    line = 3 * size[0]
    return [
        [(raw[at], raw[at + 1], raw[at + 2]) for at in range(start, start + line, 3)]
        for start in range(0, len(raw), line)
    ]


def _coloured(points: Sequence[Sequence[Point]]) -> list[Row]:
    """Return two rows of points as one: the upper half of a character in one colour, the lower in another."""
    rows: list[Row] = []
    for upper, lower in zip(points[::2], points[1::2], strict=True):
        pairs = zip(map(_hex, upper), map(_hex, lower), strict=True)
        runs = groupby(f"{INK}{over} {PAPER}{under}" for over, under in pairs)
        rows.append(tuple(TextSpan(_UPPER * len([*run]), role) for role, run in runs))
    return rows


def _hex(point: Point) -> str:
    return "".join(f"{part:02x}" for part in point)


def _shaded(points: Sequence[Sequence[Point]], shades: str) -> list[Row]:
    """Return two rows of points as one row of shades, with as little ink as tells them apart."""
    grey = [[sum(point) / 765 for point in row] for row in points]
    means = [
        [(over + under) / 2 for over, under in zip(upper, lower, strict=True)]
        for upper, lower in zip(grey[::2], grey[1::2], strict=True)
    ]
    bright = sum(map(sum, means)) > len(means) * len(means[0]) / 2
    ink = [[1 - mean if bright else mean for mean in row] for row in means]
    last = len(shades) - 1
    return [(TextSpan("".join(shades[round(last * part)] for part in row)),) for row in ink]
