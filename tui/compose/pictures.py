"""The panels of a picture.

A node's operands and result, and the nodes beside it, with a step's or the cursor's cells highlighted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean
from tui.compose.cursor import CursorCell
from tui.compose.format_cache import FormatCache, level_of
from tui.compose.highlights import Highlight, cursor_highlights, step_highlights
from tui.compose.hues import hues_of
from tui.compose.panels import Heat, PanelStyle, make_panel, rest_of
from tui.compose.placement import Placement, placements, plain_placement
from tui.compose.row_summaries import RowSummaries, has_rows
from tui.model.frame import Arrangement, CellMark, Index, Panel

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.tensor_view import TensorView
    from llm_linalg.recording.record_node import Value
    from tui.compose.lineage_highlight import FollowedCells

MOST_SOURCES = 8  # cells that are followed into the results beside


@dataclass(frozen=True, eq=False)
class PictureInput:
    """Everything that the panels of one picture are made from.

    Attributes:
        node: The node shown, at its step.
        beside: The nodes that are shown together with it.
        whole: Whether all of the result is shown, without a step.
        at: The slice to show; None lets it follow the active cell.
        cursor: The cell under the cursor.
        cache: The formats of numbers.
        ascii_only: Whether to draw in ASCII.
        summary: The reduction beside each row of the result.
        follows: The cell that is followed through the program, and the cells on its way.
        colours: The colours that the lesson gives to tensors, by name, on the device that is shown.
    """

    node: NodeView
    beside: tuple[NodeView, ...]
    whole: bool
    at: Index | None
    cursor: CursorCell | None
    cache: FormatCache
    ascii_only: bool
    summary: str | None = None
    follows: FollowedCells | None = None
    colours: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def hues(self) -> tuple[str, ...]:
        """The roles of the colours of the operands and, as the last, of the result."""
        return hues_of(self.node, self.colours)

    @property
    def tensors(self) -> Sequence[TensorView]:
        """All tensors of the picture."""
        return [*self.node.operands, self.node.result, *(other.result for other in self.beside)]

    @cached_property
    def steepest(self) -> float | None:
        """The largest derivative in the picture, where the colours of a cell that is followed end."""
        followed = self.follows
        if followed is None:
            return None
        slopes = [slope for x in self.tensors if (slope := followed.steepest(x.node)) is not None]
        return max(slopes, default=None)

    @cached_property
    def scales(self) -> tuple[tuple[str, float], ...]:
        """The title of each tensor, and the magnitude at which its colours end."""
        pairs = {tensor.title: self.cache.scale(tensor.value) for tensor in self.tensors}
        return tuple(pairs.items())


def panels_of(picture: PictureInput) -> tuple[tuple[Panel, ...], Arrangement]:
    """Return the panels and how they are arranged."""
    node = picture.node
    plan = placements(node, stacked=bool(picture.beside))
    operands, result = _highlights(picture)
    output = _output_cell(picture, plan.output, result)
    panels = []
    for p, (operand, placement, lit) in enumerate(zip(node.operands, plan.operands, operands, strict=True)):
        at = _operand_slice(picture, p, placement, lit, output)
        panels.append(_panel(picture, operand, placement, at, lit, picture.hues[p]))
    at = rest_of(output, plan.output)
    if node.node.kind == "mask":
        made = node.node
        result = Highlight(result.marks, result.focus, lambda index: made.mask_rule(index) is not None)
    panels.append(_panel(picture, node.result, plan.output, at, result, picture.hues[-1]))
    if _has_summary(picture, plan.output):
        panels.append(_summary(picture, panels[-1], plan.output))
    for other in picture.beside:
        lit = _highlight_beside(picture, other)
        placement = plain_placement("sibling", len(other.result.shape))
        at = rest_of(lit.first() or (0,) * len(other.result.shape), placement)
        panels.append(_panel(picture, other.result, placement, at, lit))
    return tuple(panels), plan.arrangement


def _panel(
    picture: PictureInput,
    tensor: TensorView,
    placement: Placement,
    at: Index,
    highlight: Highlight,
    hue: str = "",
) -> Panel:
    """Return a panel of a tensor.

    Its colours end at its own largest magnitude. Its cells on the way that is followed are marked, and
    coloured by their derivatives.
    """
    followed, heat = picture.follows, None
    if followed is not None:
        on_the_way = (followed.mark, followed.cells.get(tensor.node, ()))
        highlight = Highlight((*highlight.marks, on_the_way), highlight.focus, highlight.rule)
        heat = _slopes(followed, tensor, picture.steepest)
    style = PanelStyle(picture.cache, picture.cache.scale(tensor.value), picture.ascii_only)
    one_term = picture.node.order == "terms" and picture.cursor is None
    panel = make_panel(tensor, placement, at, highlight, style, heat)
    return replace(panel, hue=hue, reads_one_term=one_term)


def _slopes(followed: FollowedCells, tensor: TensorView, extent: float | None) -> Heat | None:
    """Return a function from a cell to its derivative's colour; None where there are no derivatives."""
    if extent is None:
        return None
    return lambda index: level_of(followed.slope(tensor.node, index), extent)


def _has_summary(picture: PictureInput, placement: Placement) -> bool:
    """Return whether something stands beside the rows of the result."""
    shape = picture.node.result.shape
    return picture.summary is not None and has_rows(shape) and placement.column_axis == len(shape) - 1


def _summary(picture: PictureInput, result: Panel, placement: Placement) -> Panel:
    """Return the panel beside the rows of the result: a row's number is there when all of the row is."""
    kind, rows = picture.summary or "", picture.node.result
    summaries = RowSummaries(kind, picture.cache.row_summary(rows.value, kind), rows)
    beside = Placement("margin", placement.row_axis, None)
    style = PanelStyle(picture.cache, picture.cache.scale(summaries.value), picture.ascii_only)
    panel = make_panel(summaries, beside, result.at, Highlight(), style)
    return replace(panel, title=clean(kind), focus_rows=result.focus_rows)


def _highlights(picture: PictureInput) -> tuple[tuple[Highlight, ...], Highlight]:
    """Return what is lit on the operands and the result: by the cursor if there is one, else by the step."""
    node, cursor = picture.node, picture.cursor
    if cursor is None:
        if picture.whole:
            return tuple(Highlight() for _ in node.operands), Highlight()
        return step_highlights(node)
    if cursor.owner.node is node.node:
        on_operands, on_result = cursor_highlights(node, cursor.operand, cursor.index)
        if picture.follows is None:
            return on_operands, on_result
        return tuple(map(_cursor_only, on_operands)), _cursor_only(on_result)
    reads = cursor.owner.node.reads(cursor.index)  # on a result beside: what it shares with this node is lit
    shared = {id(x.value): cells for x, cells in zip(cursor.owner.operands, reads, strict=True)}
    lit = []
    for operand in node.operands:
        cells = shared.get(id(operand.value), ())
        lit.append(Highlight(((CellMark.SOURCE, cells),), cells))
    return tuple(lit), Highlight()


def _cursor_only(highlight: Highlight) -> Highlight:
    """Return the cursor's own mark: what is followed through the program is marked instead of the reads."""
    marks = tuple((mark, cells) for mark, cells in highlight.marks if mark is CellMark.CURSOR)
    return Highlight(marks, highlight.focus)


def _highlight_beside(picture: PictureInput, other: NodeView) -> Highlight:
    """Return what the cursor lights on a result beside: its cell, or what the same operands' cells feed."""
    cursor = picture.cursor
    if cursor is None:
        return Highlight()
    if cursor.owner.node is other.node:
        return Highlight(((CellMark.CURSOR, (cursor.index,)),), (cursor.index,))
    if cursor.operand is not None:
        sources: list[tuple[Value, tuple[Index, ...]]] = [(cursor.tensor.value, (cursor.index,))]
    else:
        reads = cursor.owner.node.reads(cursor.index)
        sources = [
            (operand.value, tuple(cells)[:MOST_SOURCES])
            for operand, cells in zip(cursor.owner.operands, reads, strict=True)
            if len(cells) <= MOST_SOURCES
        ]
    fed = {
        cell
        for tensor, cells in sources
        for p, operand in enumerate(other.operands)
        if operand.value is tensor
        for index in cells
        for cell in other.node.feeds(p, index)
    }
    ordered = tuple(sorted(fed))
    return Highlight(((CellMark.CONSUMER, ordered),), ordered)


def _output_cell(picture: PictureInput, placement: Placement, result: Highlight) -> Index:
    """Return a cell of the shown slice of the result: under the cursor, else asked for, else written."""
    shape, cursor = picture.node.result.shape, picture.cursor
    zeros = (0,) * len(shape)
    if cursor is not None and cursor.owner.node is picture.node.node and cursor.operand is None:
        return cursor.index
    shown = (placement.row_axis, placement.column_axis)
    hidden = [axis for axis in range(len(shape)) if axis not in shown]
    if picture.at is not None and len(picture.at) == len(hidden):
        index = list(zeros)
        for axis, i in zip(hidden, picture.at, strict=True):
            index[axis] = max(0, min(i, shape[axis] - 1))
        return tuple(index)
    return result.first() or zeros


def _operand_slice(
    picture: PictureInput, p: int, placement: Placement, highlight: Highlight, output: Index
) -> Index:
    """Return the slice of an operand that is shown."""
    node, cursor = picture.node, picture.cursor
    if cursor is not None and cursor.operand == p:
        return rest_of(cursor.index, placement)
    shape = node.operands[p].shape
    if len(shape) <= (placement.row_axis is not None) + (placement.column_axis is not None):
        return ()
    asked = picture.at is not None and node.result.value.numel()
    first = next(iter(node.node.reads(output)[p]), None) if asked else highlight.first()
    return rest_of(_operand_cell(node, p, output) if first is None else first, placement)


def _operand_cell(node: NodeView, p: int, output: Index) -> Index:
    """Return the cell of an operand that belongs to a cell of the result by the labels of the axes."""
    shape, axes = node.operands[p].shape, node.node.axes
    if axes is None or p >= len(axes.operands):  # of the operand of `ones_like` only the shape counts
        return (0,) * len(shape)
    place = dict(zip(axes.output, output, strict=True))
    labels = axes.operands[p]
    return tuple(0 if n == 1 else place.get(label, 0) for label, n in zip(labels, shape, strict=True))
