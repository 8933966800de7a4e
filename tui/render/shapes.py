"""Lines and blocks, drawn and not left to a font, so that they meet those of the next cells.

A browser's font seldom fills a row of text from edge to edge, so lines would have gaps and large letters
stripes.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

Rectangle = tuple[float, float, float, float]
"""Left, top, width and height, in parts of a cell."""

THIN, THICK = 0.06, 0.12  # of a cell's height
_ACROSS = 19.0 / 8.4  # a cell is so much higher than wide: lines are equally thick both ways

# Which arms a line has: left, right, up, down.
_LINES = {
    "─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "rud", "┤": "lud", "┬": "lrd",
    "┴": "lru", "┼": "lrud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu",
}  # fmt: skip
_HEAVY = {
    "━": "lr", "┃": "ud", "┏": "rd", "┓": "ld", "┗": "ru", "┛": "lu", "┣": "rud", "┫": "lud", "┳": "lrd",
    "┻": "lru", "╋": "lrud",
}  # fmt: skip

# Quarters: upper left, upper right, lower left, lower right.
_QUARTERS = {
    "▘": "1000", "▝": "0100", "▀": "1100", "▖": "0010", "▌": "1010", "▞": "0110", "▛": "1110", "▗": "0001",
    "▚": "1001", "▐": "0101", "▜": "1101", "▄": "0011", "▙": "1011", "▟": "0111", "█": "1111",
}  # fmt: skip
_EIGHTHS = {
    **{character: (0.0, 1 - k / 8, 1.0, k / 8) for k, character in enumerate("▁▂▃▄▅▆▇", 1) if k != 4},
    **{character: (0.0, 0.0, k / 8, 1.0) for k, character in enumerate("▏▎▍▌▋▊▉", 1) if k != 4},
    "▔": (0.0, 0.0, 1.0, 1 / 8),
    "▕": (7 / 8, 0.0, 1 / 8, 1.0),
}
_STRIPES = tuple((0.0, (4 * k + 1) / 16, 1.0, 1 / 8) for k in range(4))  # what hatches a bar


def _arms(ends: str, thick: float) -> Iterator[Rectangle]:
    across = thick * _ACROSS  # of a line up and down, in parts of the cell's width
    left, right = ("l" in ends), ("r" in ends)
    up, down = ("u" in ends), ("d" in ends)
    if left or right:
        start = 0.0 if left else 0.5 - across / 2
        yield start, 0.5 - thick / 2, (1.0 if right else 0.5 + across / 2) - start, thick
    if up or down:
        start = 0.0 if up else 0.5 - thick / 2
        yield 0.5 - across / 2, start, across, (1.0 if down else 0.5 + thick / 2) - start


def _quarters(bits: str) -> Iterator[Rectangle]:
    for row in (0, 1):
        left, right = bits[2 * row] == "1", bits[2 * row + 1] == "1"
        if left or right:
            yield 0.0 if left else 0.5, row / 2, 1.0 if left and right else 0.5, 0.5


# Braille: the dots 1 to 8, which are bits of the character, by column and row.
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
_DOT = 0.15  # of a cell's height


def _braille(bits: int) -> Iterator[Rectangle]:
    wide = _DOT * _ACROSS
    for place, (column, row) in enumerate(_DOTS):
        if bits >> place & 1:
            yield (2 * column + 1) / 4 - wide / 2, (2 * row + 1) / 8 - _DOT / 2, wide, _DOT


SHAPES: dict[str, tuple[Rectangle, ...]] = {
    **{character: tuple(_arms(ends, THIN)) for character, ends in _LINES.items()},
    **{character: tuple(_arms(ends, THICK)) for character, ends in _HEAVY.items()},
    **{character: tuple(_quarters(bits)) for character, bits in _QUARTERS.items()},
    **{character: (box,) for character, box in _EIGHTHS.items()},
    "▒": _STRIPES,
    **{chr(0x2800 + bits): tuple(_braille(bits)) for bits in range(1, 256)},
}


def split_shapes(text: str) -> tuple[str, list[tuple[int, Rectangle]]]:
    """Split a text: what a font shows, and rectangles with their columns.

    Rectangles that continue in the next cell are joined.
    """
    boxes: list[tuple[int, Rectangle]] = []
    column = 0
    for character in text:
        boxes += ((column, box) for box in SHAPES.get(character, ()))
        column += cell_len(character)
    return "".join(" " if character in SHAPES else character for character in text), _join(boxes)


def split_widths(text: str) -> list[tuple[int, str]]:
    """Split a text into pieces with their columns: characters two columns wide apart from the others.

    A font seldom makes them twice as wide, so what stands in one piece with them would be out of place.
    """
    parts: list[tuple[int, str]] = []
    column, last = 0, 0
    for character in text:
        wide = cell_len(character)
        if parts and wide in (0, last):
            parts[-1] = parts[-1][0], parts[-1][1] + character
        else:
            parts.append((column, character))
            last = wide
        column += wide
    return parts


def _join(boxes: list[tuple[int, Rectangle]]) -> list[tuple[int, Rectangle]]:
    joined: list[tuple[int, Rectangle]] = []
    last: dict[tuple[float, float], int] = {}  # of each top and height: the place in `found` of the last box
    for column, (left, top, width, height) in boxes:
        at = last.get((top, height))
        if at is not None:
            first, (start, _, long, _) = joined[at]
            if abs(first + start + long - (column + left)) < 1e-9:
                joined[at] = first, (start, top, long + width, height)
                continue
        last[top, height] = len(joined)
        joined.append((column, (left, top, width, height)))
    return joined
