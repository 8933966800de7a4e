"""Devices: what several of them have, each in a box of its own, and below what they make of it together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.text import CleanText
from tui.looks.look import Look, LookInput
from tui.model.drawing import lines_in_words
from tui.model.frame import Panel
from tui.model.window import window
from tui.text.glyphs import ASCII, UNICODE
from tui.text.rows import Row, TextSpan, cut, fit, width_of

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView

MOST = 4  # devices that stand side by side
MOST_DECIMALS = 4
GAP = 1  # columns between two boxes
SAID = 12  # rows of a tensor that are said in words


@dataclass(frozen=True, slots=True, eq=False)
class Devices:
    """Boxes beside each other, joined into a result below, a `Drawing`.

    Attributes:
        parts: What each device has, with the device's number, or None for the one whose program is shown.
        result: What they make of it.
        sign: How they are joined.
        ascii_only: Whether to draw in ASCII.
    """

    parts: tuple[tuple[int | None, Panel], ...]
    result: Panel
    sign: str
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """What each device has, and the result, row by row."""
        return lines_in_words(self._words(), ascii_only=self.ascii_only)

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return the boxes, the line that joins them, and the result, as far as there is room."""
        room = (width - GAP * (len(self.parts) - 1)) // len(self.parts)
        below = max(1, min(self.result.rows, (height - 3) // 2))
        inside = max(1, min(max(panel.rows for _, panel in self.parts), height - below - 3))
        title = self._text(f"{self.result.title} ")
        decimals = min(
            _decimals(self.result, width - cell_len(title)),
            *(_decimals(panel, room - 4) for _, panel in self.parts),
        )
        boxes = [self._box(device, panel, room, inside, decimals) for device, panel in self.parts]
        lines = [_beside([box[k] for box in boxes]) for k in range(inside + 2)]
        cells = _cells(self.result, width - cell_len(title), below, decimals, self._dots)
        leads = [
            TextSpan(title, f"title {self.result.hue}".rstrip()),
            *[TextSpan(" " * cell_len(title))] * below,
        ]
        lines += [self._join(room), *((lead, *line) for lead, line in zip(leads, cells, strict=False))]
        above = max(0, height - len(lines)) // 2
        return tuple([()] * above + [fit(line, width, self._dots) for line in lines][:height])

    def _box(self, device: int | None, panel: Panel, width: int, height: int, decimals: int) -> list[Row]:
        """Return a device's box: its number in the upper border, and its cells."""
        side, bar = self._text("│"), self._text("─")
        corners = [self._text(corner) for corner in "╭╮╰╯"]
        inner = max(1, width - 4)
        title = cut(self._text(f" {_named(device)}: {_own_name(panel)} "), max(1, width - 4), dots=self._dots)
        role = panel.hue or "label"
        first = (TextSpan(corners[0] + bar, role), TextSpan(title, "title"))
        rows: list[Row] = [(*first, TextSpan(bar * (width - 1 - width_of(first)) + corners[1], role))]
        for cells in _cells(panel, inner, height, decimals, self._dots):
            before = (inner - width_of(cells)) // 2
            after = inner - width_of(cells) - before
            rows.append(
                (TextSpan(f"{side} {' ' * before}", role), *cells, TextSpan(f"{' ' * after} {side}", role))
            )
        empty = (TextSpan(side, role), TextSpan(" " * (width - 2)), TextSpan(side, role))
        rows += [empty] * (height + 1 - len(rows))
        middle = width // 2
        foot = bar * (middle - 1) + self._text("┬") + bar * (width - 2 - middle)
        return [*rows, (TextSpan(corners[2] + foot + corners[3], role),)]

    def _join(self, room: int) -> Row:
        """Return the line that leads from all boxes to what is made of them."""
        first, last = room // 2, (len(self.parts) - 1) * (room + GAP) + room // 2
        bar = self._text("─")
        line = [bar] * (last - first + 1)
        for place in range(1, len(self.parts) - 1):
            line[place * (room + GAP)] = self._text("┴")
        line[0], line[-1] = self._text("╰"), self._text("╯")
        sign = f" {self.sign} "
        start = max(1, (len(line) - len(sign)) // 2)
        before, after = "".join(line[:start]), "".join(line[start + len(sign) :])
        return (
            TextSpan(" " * first),
            TextSpan(before, "label"),
            TextSpan(sign, "strong"),
            TextSpan(after, "label"),
        )

    def _text(self, text: str) -> str:
        return text.translate(_IN_ASCII) if self.ascii_only else text

    @property
    def _dots(self) -> str:
        return (ASCII if self.ascii_only else UNICODE).dots

    def _words(self) -> Iterator[str]:
        for device, panel in self.parts:
            yield f"{_named(device)} has {_own_name(panel)}:"
            yield from _said(panel)
        yield f"{self.sign}: {self.result.title}"
        yield from _said(self.result)


_IN_ASCII = str.maketrans("╭╮╰╯│─┬┴", "++++|-++")


def _named(device: int | None) -> str:
    return "this device" if device is None else f"device {device}"


def _own_name(panel: Panel) -> str:
    """Return what a tensor is called on its own device."""
    return panel.title.partition(" on device ")[0]


def _beside(rows: Sequence[Row]) -> Row:
    """Return rows on one line, a gap between each and the next."""
    first, *others = rows
    return (*first, *(span for row in others for span in (TextSpan(" " * GAP), *row)))


def _decimals(panel: Panel, width: int) -> int:
    """Return with how many decimals a tensor's rows fit."""
    fitting = (d for d in range(MOST_DECIMALS, 0, -1) if panel.columns * (panel.width(d) + 2) <= width)
    return next(fitting, 0)


def _cells(panel: Panel, width: int, height: int, decimals: int, dots: str) -> list[Row]:
    """Return the rows of a tensor, a window of them if there is no room for all."""
    wide = panel.width(decimals) + 2
    columns = window(panel.columns, max(1, width // wide), panel.focus_columns)
    rows = window(panel.rows, height, panel.focus_rows)
    made: list[Row] = []
    for line in panel.cells.window(rows, columns, decimals):
        brackets = [(one, *one.mark.brackets) for one in line]
        spans = [
            TextSpan(f"{before}{one.text.rjust(wide - 2)}{after}", panel.role_of(one.mark))
            for one, before, after in brackets
        ]
        made.append(fit(tuple(spans), width, dots))
    return made


def _said(panel: Panel) -> Iterator[str]:
    """Yield the rows of a tensor in figures."""
    shown = range(min(panel.rows, SAID))
    for line in panel.cells.window(shown, range(panel.columns), MOST_DECIMALS):
        yield f"  {' '.join(cell.text.strip() for cell in line)}"
    if panel.rows > SAID:
        yield f"  and {panel.rows - SAID} more rows"


def suits(node: NodeView, _: Sequence[Node]) -> bool:
    """Return whether a node joins the parts of several devices, which are vectors or matrices."""
    from llm_linalg.analysis.exchange import devices_of, join_of

    axes = {len(tensor.shape) for tensor in (*node.operands, node.result)}
    return 1 < len(devices_of(node.node)) <= MOST and axes <= {1, 2} and join_of(node.node) != ""


def draw(given: LookInput) -> Devices:
    """Return the boxes of the devices whose parts a node joins."""
    from llm_linalg.analysis.exchange import devices_of, join_of

    parts = zip(devices_of(given.node.node), given.operands, strict=True)
    return Devices(tuple(parts), given.result, join_of(given.node.node), given.ascii_only)


DEVICES = Look("devices", suits, draw)
