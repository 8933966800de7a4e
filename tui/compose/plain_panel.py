"""Panels of tensors that are no node's: what clashed, was guessed, answered or asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.cells import Box, TensorSlice
from llm_linalg.base.text import clean
from tui.compose.format_cache import FormatCache
from tui.compose.highlights import Highlight
from tui.compose.panels import NAME, PanelStyle, TensorCells, make_panel, rest_of
from tui.compose.placement import plain_placement
from tui.model.frame import CellMark, Index, Number, Panel

if TYPE_CHECKING:
    from llm_linalg.recording.record_node import Value

UNKNOWN = "?"  # stands for a number of a tensor without values


@dataclass(frozen=True, slots=True, eq=False)
class _Plain:
    """A tensor with a name, as a `PanelTensor`."""

    name: str
    title: str
    title_of_cells: str
    value: Value
    axis_names: TensorLabels = ()

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window."""
        from llm_linalg.api.tensor_view import numbers_in

        return numbers_in(self.value, matrix, rows, columns)


class _Unknown:
    """The numbers of a tensor of which only the shape is known, and their format."""

    def window(self, _: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[None]]:
        """Return None for every number."""
        return [[None for _ in columns] for _ in rows]

    def width(self, _: int) -> int:
        """Return the width of a question mark."""
        return len(UNKNOWN)

    def text(self, _number: Number, _: int) -> str:
        """Return a question mark."""
        return UNKNOWN


def plain_style(values: Iterable[Value | None], cache: FormatCache, ascii_only: bool) -> PanelStyle:
    """Return the style of panels side by side, whose colours end at the largest number of all."""
    extent = max((cache.extent(value) for value in values if value is not None), default=0.0)
    return PanelStyle(cache, extent, ascii_only)


def plain_panel(
    name: str,
    value: Value | tuple[int, ...],
    style: PanelStyle,
    highlight: Highlight | None = None,
    at: Index | None = None,
    sign: str = "",
) -> Panel:
    """Return the panel of a tensor, or of a shape, whose numbers are not known; `at` is a cell to show."""
    shape = value if isinstance(value, tuple) else tuple(value.shape)
    placement = plain_placement("operand", len(shape), sign)
    highlight = highlight or Highlight()
    at = rest_of((0,) * len(shape) if at is None else at, placement)
    if not isinstance(value, tuple):
        return make_panel(_Plain(name, name, name, value), placement, at, highlight, style)
    unknown = _Unknown()
    return Panel(
        name=name,
        title=clean(name, NAME),
        role="operand",
        shape=shape,
        dtype="",
        row_axis=placement.row_axis,
        column_axis=placement.column_axis,
        at=at,
        cells=TensorCells(unknown, placement.slice_at(at), unknown, highlight.mark, 0.0, UNKNOWN, UNKNOWN),
        sign=sign,
        pending_glyph=UNKNOWN,
    )


def clash_along(axes: Iterable[int], shape: tuple[int, ...]) -> Highlight:
    """Return the marks of axes that clash, along their first row or column."""
    boxes = [Box(tuple(range(n if at == axis else min(n, 1)) for at, n in enumerate(shape))) for axis in axes]
    return Highlight(tuple((CellMark.CLASH, box) for box in boxes), boxes[0] if boxes else ())
