"""The ruler: probabilities side by side from 0 to 1 in one row, and the dart that falls into one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from llm_linalg.base.text import CleanText, clean
from tui.model.frame import CellMark
from tui.model.window import window
from tui.text.glyphs import ASCII, UNICODE, ascii_text
from tui.text.rows import Row, TextSpan, cut, fit

BLOCKS = ("█", "▒")  # of neighbours in turn
DART = "▲"
_IN_ASCII = str.maketrans({"█": "#", "▒": "=", "▲": "^"})
SAID = 24  # stretches that are said in words


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of the ruler that one probability takes.

    Attributes:
        label: What it stands for.
        start, end: Where it begins and ends, from 0 to 1; no end while that is not yet computed.
        mark: The marks of its cell.
    """

    label: str
    start: float
    end: float | None
    mark: CellMark


@dataclass(frozen=True, slots=True)
class RulerDrawing:
    """The stretches in order, and the dart, a `Drawing`.

    Attributes:
        title: What the ruler is made from.
        stretches: The stretches.
        dart: Where the dart is; None if there is none.
        hit: The place of the stretch into which it falls; None where that is not yet known.
        ascii_only: Whether to draw in ASCII.
    """

    title: str
    stretches: tuple[Stretch, ...]
    dart: float | None
    hit: int | None
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """From where to where each stretch goes, and where the dart falls."""
        return tuple(clean(self._text(line)) for line in self._words())

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return title, names, blocks, dart and scale; below them the stretches as far as there is room."""
        dart = [] if self.dart is None else [self._dart(width, self.dart)]
        drawn = [self._title(), self._names(width), self._blocks(width), *dart, self._scale(width)]
        room = height - len(drawn) - 1
        if room >= 1:
            now = next((k for k, one in enumerate(self.stretches) if one.mark & ~CellMark.PENDING), self.hit)
            some = window(len(self.stretches), room, range(now, now + 1) if now is not None else range(0))
            drawn += [(), *(self._line(k) for k in some)]
        above = max(0, height - len(drawn)) // 2
        return tuple([()] * above + [fit(row, width, self._dots) for row in drawn][:height])

    def column(self, at: float, width: int) -> int:
        """Return the column at whose left side a place on the ruler is drawn."""
        return round(at * width)

    def _text(self, text: str) -> str:
        return ascii_text(text.translate(_IN_ASCII)) if self.ascii_only else text

    @property
    def _dots(self) -> str:
        return (ASCII if self.ascii_only else UNICODE).dots

    def _said(self) -> str:
        """Return where the dart is, in words."""
        if self.dart is None:
            return ""
        into = f" falls into {self.stretches[self.hit].label}" if self.hit is not None else ""
        return f"{DART} {self.dart:.4g}{into}"

    def _title(self) -> Row:
        words = self._text(self._said())
        return (TextSpan(self.title, "title"), TextSpan(f"   {words}" if words else "", "current"))

    def _names(self, width: int) -> Row:
        spans: list[TextSpan] = []
        for k, one in enumerate(self.stretches):
            room = self._room(one, width)
            role = one.mark.role or ("current" if k == self.hit else "label")
            name = cut(one.label, room - 1, dots=self._dots) if room > 1 else ""
            spans.append(TextSpan(name + " " * (room - cell_len(name)), role))
        return tuple(spans)

    def _blocks(self, width: int) -> Row:
        spans = []
        for k, one in enumerate(self.stretches):
            role = one.mark.role or ("current" if k == self.hit else "slice-0")
            spans.append(TextSpan(self._text(BLOCKS[k % 2]) * self._room(one, width), role))
        left = width - sum(len(span.text) for span in spans)
        return (*spans, TextSpan(self._text("·") * left, "pending"))

    def _room(self, one: Stretch, width: int) -> int:
        if one.end is None:
            return 0
        return max(0, self.column(min(1.0, one.end), width) - self.column(min(1.0, one.start), width))

    def _dart(self, width: int, dart: float) -> Row:
        at = min(int(dart * width), width - 1)
        for one in self.stretches:  # rounded, it must not stand below a neighbour
            if one.end is not None and one.start <= dart < one.end and self._room(one, width):
                first = self.column(one.start, width)
                at = min(max(at, first), first + self._room(one, width) - 1)
        return (TextSpan(" " * at), TextSpan(self._text(DART), "current"))

    def _scale(self, width: int) -> Row:
        return (TextSpan("0" + " " * max(0, width - 2) + "1", "label"),)

    def _line(self, k: int) -> Row:
        one = self.stretches[k]
        names = min(10, max(cell_len(other.label) for other in self.stretches))
        label = cut(one.label, names, dots=self._dots)
        head = TextSpan(" " * (names - cell_len(label)) + label + " ", "label")
        if one.end is None:
            return (head, TextSpan(" " + self._text("·"), "pending"))
        before, after = one.mark.brackets[0], one.mark.brackets[1]
        size = f"{before}{one.end - one.start:.4f}{after}"
        role = one.mark.role or ("current" if k == self.hit else "")
        here = self._text(f" {DART}") if k == self.hit else ""
        return (
            head,
            TextSpan(size, role),
            TextSpan(f"  {one.start:.4f} to {one.end:.4f}{here}", role or "dim"),
        )

    def _words(self) -> Iterator[str]:
        yield f"{self.title}: a ruler from 0 to 1"
        for one in self.stretches[:SAID]:
            where = "not yet computed" if one.end is None else f"from {one.start:.4f} to {one.end:.4f}"
            yield f"{one.label}: {where}"
        if len(self.stretches) > SAID:
            yield f"and {len(self.stretches) - SAID} more"
        if self.dart is not None:
            yield self._said().replace(DART, "the dart at")
