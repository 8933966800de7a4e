"""Panels: a node's tensors as windows of cells, where their placements put them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from llm_linalg.base.axis_labels import AxisLabels, TensorLabels
from llm_linalg.base.cells import TensorSlice
from llm_linalg.base.text import clean, elide_title
from tui.compose.format_cache import FormatCache, level_of
from tui.compose.highlights import Highlight
from tui.compose.placement import Placement
from tui.model.frame import Cell, CellMark, Index, Number, Panel
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from llm_linalg.recording.record_node import Value

NAME = 28  # columns that a tensor's name may take


@dataclass(frozen=True, slots=True, eq=False)
class PanelStyle:
    """The settings that all panels of a frame share."""

    cache: FormatCache
    extent: float  # the magnitude that the colours end at
    ascii_only: bool


class NumberFormat(Protocol):
    """The text of one panel's numbers: a common format at several numbers of decimals."""

    def width(self, decimals: int) -> int:
        """Return the columns that the widest number needs at this many decimals."""

    def text(self, value: Number, decimals: int) -> str:
        """Return a number, right-aligned to `width(decimals)`."""


class NumberSource(Protocol):
    """The numbers of a tensor, read window by window."""

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window of a matrix in it; None where one is not yet computed."""


class PanelTensor(NumberSource, Protocol):
    """A tensor as a panel shows it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def title_of_cells(self) -> str:
        """The same such that an index can follow."""

    @property
    def value(self) -> Value:
        """All of it, from which the format of its numbers comes."""

    @property
    def axis_names(self) -> TensorLabels:
        """What its axes are called; () if nothing is known of any."""


Heat = Callable[[Index], float | None]


@dataclass(frozen=True, slots=True, eq=False)
class TensorCells:
    """The cells of a slice of a tensor, a `CellSource`."""

    source: NumberSource
    matrix: TensorSlice
    formats: NumberFormat
    mark: Callable[[Index], CellMark]
    extent: float  # the magnitude that the colours end at
    pending_glyph: str
    mask_glyph: str
    heat: Heat | None = None  # the level of a cell where it is not its number's

    def width(self, decimals: int) -> int:
        """Return the columns of the widest number."""
        return self.formats.width(decimals)

    def values(self, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window."""
        return self.source.window(self.matrix, rows, columns)

    def window(self, rows: range, columns: range, decimals: int = 4) -> tuple[tuple[Cell, ...], ...]:
        """Return the cells of a window, formatted."""
        width = self.width(decimals)
        return tuple(
            tuple(
                self._cell(self.matrix.cell(row, column), value, decimals, width)
                for column, value in zip(columns, line, strict=True)
            )
            for row, line in zip(rows, self.values(rows, columns), strict=True)
        )

    def _cell(self, index: Index, value: Number | None, decimals: int, width: int) -> Cell:
        mark = self.mark(index)
        if value is None:
            return Cell(self.pending_glyph.rjust(width), None, mark | CellMark.PENDING)
        hidden = CellMark.MASKED in mark and value == 0  # what a mask sets to −inf is drawn as that
        text = self.mask_glyph.rjust(width) if hidden else self.formats.text(value, decimals)
        return Cell(text, level_of(value, self.extent) if self.heat is None else self.heat(index), mark)


def make_panel(
    tensor: PanelTensor,
    placement: Placement,
    at: Index,
    highlight: Highlight,
    style: PanelStyle,
    heat: Heat | None = None,
) -> Panel:
    """Return a panel of a tensor; `at` is the index along the axes that are not shown."""
    ascii_only = style.ascii_only
    names, shape = tensor.axis_names, tuple(tensor.value.shape)
    shown = (placement.row_axis, placement.column_axis)
    sliced = bool(at) and all(size for axis, size in enumerate(shape) if axis not in shown)
    called = tensor.title_of_cells if sliced or placement.is_transposed else tensor.title
    title: str = clean(elide_title(called, NAME), NAME)
    title = ascii_text(title) if ascii_only else title
    title += (".T" if ascii_only else "ᵀ") * placement.is_transposed
    if sliced:
        title += f"[{', '.join(map(str, at))}]"
    pending, masked = (".", "#") if ascii_only else ("·", "░")
    return Panel(
        name=tensor.name,
        title=clean(title),
        role=placement.role,
        shape=shape,
        dtype=str(tensor.value.dtype).removeprefix("torch."),
        row_axis=placement.row_axis,
        column_axis=placement.column_axis,
        at=at,
        cells=TensorCells(
            source=tensor,
            matrix=placement.slice_at(at),
            formats=style.cache.numbers(tensor.value, ascii_only),
            mark=highlight.mark,
            extent=style.extent,
            pending_glyph=pending,
            mask_glyph=masked,
            heat=heat,
        ),
        focus_rows=highlight.span(placement.row_axis) if len(highlight.focus) else range(0),
        focus_columns=highlight.span(placement.column_axis) if len(highlight.focus) else range(0),
        sign=_ascii_sign(placement.sign) if ascii_only else placement.sign,
        pending_glyph=pending,
        mask_glyph=masked,
        edges=tuple(map(_ascii_edge, names)) if ascii_only else names,
    )


def _ascii_edge(edge: AxisLabels) -> AxisLabels:
    return AxisLabels(ascii_text(edge.name), tuple(map(ascii_text, edge.labels)))


def _ascii_sign(sign: str) -> str:
    return {"→": "->", "×": "x"}.get(sign, sign)


def rest_of(index: Index, placement: Placement) -> Index:
    """Return an index without the axes that are shown: where its slice is."""
    shown = (placement.row_axis, placement.column_axis)
    return tuple(i for axis, i in enumerate(index) if axis not in shown)
