"""Screens as SVG: one picture, or an animation, with nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from llm_linalg.base.text import CleanText, clean_lines
from tui.render.shapes import Rectangle, split_shapes, split_widths

Rows = Iterable[Iterable[Segment]]
"""A screen, row by row, each in segments of one style."""

CELL = (8.4, 19.0)  # of a character, at 14 pixels
SIZE = 14
MARGIN = 12
FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


class ScreenSvg:
    """A writer of screens, side by side on a strip that jumps from one to the next.

    A row that was there before is only referred to. With reduced motion the last picture is shown.
    """

    def __init__(
        self, title: str, size: tuple[int, int], colours: tuple[str, str], write: Callable[[CleanText], None]
    ) -> None:
        """Take the `size` in columns and rows, and the default `colours` of text and background."""
        self._title, self._size, self._write = title, size, write
        self._colours = colours
        self._rows: dict[str, int] = {}
        self._classes: dict[str, int] = {}
        self._pictures: list[list[int]] = []
        self._seconds: list[float] = []

    def add(self, screen: Rows, seconds: float = 0.0) -> None:
        """Add the next screen, which stands for so many seconds."""
        drawn = ["".join(self._row(row)) for row in screen]
        self._pictures.append([self._rows.setdefault(row, len(self._rows)) for row in drawn])
        self._seconds.append(seconds)

    def end(self) -> None:
        """Write the whole."""

        def write(text: str) -> None:
            self._write(clean_lines(text))

        width, height = self._size[0] * CELL[0], self._size[1] * CELL[1]
        outer = (width + 2 * MARGIN, height + 2 * MARGIN)
        write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(outer[0])} {_n(outer[1])}" '
            f'width="{_n(outer[0])}" height="{_n(outer[1])}" role="img" aria-label="{escape(self._title)}">\n'
            f"<title>{escape(self._title)}</title>\n<style>\n"
            f"text{{font:{SIZE}px {FONTS};white-space:pre}}text,path{{fill:{self._colours[0]}}}\n"
            "path{shape-rendering:crispEdges}\n"
        )
        for style, number in self._classes.items():
            write(f".s{number}{{{style}}}\n")
        if len(self._pictures) > 1:
            write(self._motion(width))
        write("</style>\n<defs>\n")
        for row, number in self._rows.items():
            write(f'<g id="r{number}">{row}</g>\n')
        write(
            f'</defs>\n<rect x=".5" y=".5" width="{_n(outer[0] - 1)}" height="{_n(outer[1] - 1)}" rx="8" '
            f'fill="{self._colours[1]}" stroke="#808080" stroke-opacity=".4"/>\n'
            f'<svg x="{MARGIN}" y="{MARGIN}" width="{_n(width)}" height="{_n(height)}">\n<g class="film">\n'
        )
        for k, rows in enumerate(self._pictures):
            uses = "".join(
                f'<use href="#r{row}" y="{_n(y * CELL[1])}"/>'
                for y, row in enumerate(rows)
                if self._shown(row)
            )
            write(f'<g transform="translate({_n(k * width)})">{uses}</g>\n')
        write("</g>\n</svg>\n</svg>\n")

    def _shown(self, row: int) -> bool:
        return row != self._rows.get("")

    def _motion(self, width: float) -> str:
        whole = sum(self._seconds)
        frames, at = [], 0.0
        for k, seconds in enumerate(self._seconds):
            frames.append(f"{_n(100 * at / whole, 4)}%{{transform:translateX({_n(-k * width)}px)}}")
            at += seconds
        last = _n(-(len(self._seconds) - 1) * width)
        return (
            f"@keyframes film{{{''.join(frames)}100%{{transform:translateX({last}px)}}}}\n"
            f".film{{animation:film {_n(whole, 3)}s step-end infinite}}\n"
            "@media (prefers-reduced-motion:reduce)"
            f"{{.film{{animation:none;transform:translateX({last}px)}}}}\n"
        )

    def _row(self, row: Iterable[Segment]) -> list[str]:
        """Return a row's backgrounds, and its text in runs of one style, each as wide as its columns."""
        boxes, texts, x = [], [], 0
        for segment in Segment.simplify(row):
            columns = cell_len(segment.text)
            foreground, background, weight = self._look(segment.style or Style())
            left, wide = _n(x * CELL[0]), _n(columns * CELL[0])
            if background is not None:
                boxes.append(f'<rect x="{left}" width="{wide}" height="{_n(CELL[1])}" fill="{background}"/>')
            name = self._class(foreground, weight) if segment.text.strip() else ""
            texts += text_elements(segment.text, x, name)
            x += columns
        return boxes + texts

    def _look(self, style: Style) -> tuple[str, str | None, str]:
        """Return foreground, background (None: that of the whole) and weights of a style."""
        foreground = _hex(style.color) or self._colours[0]
        background = _hex(style.bgcolor) or self._colours[1]
        if style.reverse:
            foreground, background = background, foreground
        weights = (
            ("font-weight:bold", style.bold),
            ("text-decoration:underline", style.underline),
            ("font-style:italic", style.italic),
            ("opacity:.6", style.dim),
        )
        weight = ";".join(text for text, on in weights if on)
        return foreground, None if background == self._colours[1] else background, weight

    def _class(self, foreground: str, weight: str) -> str:
        parts = [
            *([f"fill:{foreground}"] if foreground != self._colours[0] else []),
            *([weight] if weight else []),
        ]
        if not parts:
            return ""
        return f' class="s{self._classes.setdefault(";".join(parts), len(self._classes))}"'


def text_elements(text: str, x: int, attributes: str = "") -> list[str]:
    """Return a text from column `x` on: its letters, as wide as their columns, and its lines and dots."""
    plain, shapes = split_shapes(text)
    elements = []
    for column, piece in split_widths(plain):
        if piece.strip():
            start, long = _n((x + column) * CELL[0]), _n(cell_len(piece) * CELL[0])
            place = f'x="{start}" y="{SIZE}" textLength="{long}" lengthAdjust="spacingAndGlyphs"'
            elements.append(f"<text {place}{attributes}>{escape(piece, quote=False)}</text>")
    if shapes:
        path = "".join(_box(x + column, box) for column, box in shapes)
        elements.append(f'<path{attributes} d="{path}"/>')
    return elements


def _box(column: float, box: Rectangle) -> str:
    """Return a rectangle as part of a path."""
    left, top, width, height = box
    across, down = _n(width * CELL[0]), _n(height * CELL[1])
    return f"M{_n((column + left) * CELL[0])} {_n(top * CELL[1])}h{across}v{down}h-{across}z"


def _hex(color: Color | None) -> str | None:
    return None if color is None or color.is_default else color.get_truecolor().hex


def _n(number: float, digits: int = 2) -> str:
    """Return a number without needless zeros."""
    return f"{number:.{digits}f}".rstrip("0").rstrip(".") or "0"
