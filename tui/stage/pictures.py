"""The panels of a picture.

A node's operands and result (and what stands beside it), lit for a step or the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llm_linalg.edge import Edges
from tui.frame import Arrangement, Index, Mark, Number, Panel
from tui.stage.cursor import CursorCell
from tui.stage.format_cache import FormatCache, level_of
from tui.stage.highlights import Highlight, cursor_marks, step_marks
from tui.stage.panels import PanelStyle, make_panel, rest_of, slice_of, tensor_reader, walk_reader
from tui.stage.placement import Placement, plain_spot, scheme

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.node import Value
    from llm_linalg.walk import Step, Walk
    from tui.stage.lineage_highlight import FollowedCells

SOURCE = 14  # characters of an expression that stands for a name
FED_BY = 8  # cells whose way into the results beside is followed


@dataclass(frozen=True, slots=True, eq=False)
class PictureInput:
    """What the panels of one picture are made from."""

    node: Node
    beside: tuple[Node, ...]
    walk: Walk | None  # None: the whole result is shown
    k: int  # the step from 0; −1 before the first
    order: str | None
    at: Index | None  # the slice that was asked for
    found: CursorCell | None  # the cell under the cursor
    store: FormatCache
    ascii_only: bool
    edges: Callable[[Node], Edges]  # what a node's axes are called
    margin: str | None = None  # what stands beside each row of the result
    light: FollowedCells | None = None  # the cell that is followed through the program

    @property
    def step(self) -> Step | None:
        """The step that is shown."""
        return self.walk[self.k] if self.walk is not None and 0 <= self.k < len(self.walk) else None

    @property
    def steepest(self) -> float | None:
        """The largest derivative on the stage, where the colours of a cell that is followed end."""
        if self.light is None:
            return None
        nodes = [self.node, *(o.node for o in self.node.operands), *self.beside]
        found = [steep for node in nodes if (steep := self.light.steepest(node)) is not None]
        return max(found, default=None)

    @property
    def extent(self) -> float:
        """The largest magnitude on the stage, where the colours end."""
        tensors = [self.node.value, *(o.value for o in self.node.operands), *(n.value for n in self.beside)]
        return max(self.store.extent(tensor) for tensor in tensors)


def picture(scene: PictureInput) -> tuple[tuple[Panel, ...], Arrangement]:
    """The panels and how they stand."""
    node = scene.node
    plan = scheme(node, stacked=bool(scene.beside))
    operands, result = _lit(scene)
    output = _output_cell(scene, plan.output, result)
    look = PanelStyle(scene.store, scene.extent, scene.ascii_only)
    panels = []
    for p, (operand, spot, lit) in enumerate(zip(node.operands, plan.operands, operands, strict=True)):
        at = _operand_slice(scene, p, spot, lit, output)
        read = tensor_reader(operand.value, spot, at)
        title, edges = called(operand.node), scene.edges(operand.node)
        panels.append(make_panel(operand.name, operand.value, spot, at, lit, read, look, title, edges))
    at = rest_of(output, plan.output)
    if scene.walk is None:
        read = tensor_reader(node.value, plan.output, at)
    else:
        read = walk_reader(scene.walk, scene.k, plan.output, at)
    if node.kind == "mask":
        result = Highlight(result.marks, result.focus, lambda index: node.masked(index) is not None)
    edges = scene.edges(node)
    panels.append(make_panel(node.name, node.value, plan.output, at, result, read, look, called(node), edges))
    panels += margins(scene, panels[-1], plan.output, look)
    for other in scene.beside:
        lit = _lit_beside(scene, other)
        spot = plain_spot("sibling", len(other.shape))
        at = rest_of(lit.first() or (0,) * len(other.shape), spot)
        read = tensor_reader(other.value, spot, at)
        edges = scene.edges(other)
        panels.append(make_panel(other.name, other.value, spot, at, lit, read, look, called(other), edges))
    nodes = [*(operand.node for operand in node.operands), node]
    shown = [*nodes, *[node] * (len(panels) - len(nodes) - len(scene.beside)), *scene.beside]
    marked = [_followed(scene, *pair) for pair in zip(panels, shown, strict=True)]
    return tuple(marked), plan.arrangement


def _followed(scene: PictureInput, panel: Panel, node: Node) -> Panel:
    """A panel with the cells marked that lie on the way that is followed, coloured by their derivatives."""
    light, extent = scene.light, scene.steepest
    if light is None or panel.role == "margin":
        return panel
    cells, mark = light.cells.get(node, ()), panel.mark

    def marked(index: Index) -> Mark:
        return mark(index) | (light.mark if index in cells else Mark.NONE)

    def heat(index: Index) -> float | None:
        return level_of(light.slope(node, index), extent or 0.0)

    return replace(panel, mark=marked, heat=heat if extent is not None else None)


def margins(scene: PictureInput, result: Panel, spot: Placement, look: PanelStyle) -> list[Panel]:
    """What stands beside the rows of the result: a row's number is there when all of the row is."""
    from llm_linalg.margins import has_margin

    node, kind = scene.node, scene.margin
    if kind is None or not has_margin(node.shape) or spot.column_axis != len(node.shape) - 1:
        return []
    values = scene.store.margin(node.value, kind)
    beside = Placement("margin", spot.row_axis, None)
    whole = tensor_reader(values, beside, result.at)

    def read(rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        made = result.read(rows, range(result.columns))
        found = zip(whole(rows, columns), made, strict=True)
        return [[None] if None in row else number for number, row in found]

    name, edges = f"{node.name}.{kind}(-1)", result.edges[:-1]
    panel = make_panel(name, values, beside, result.at, Highlight(), read, look, kind, edges)
    return [replace(panel, title=kind, focus_rows=result.focus_rows)]


def called(node: Node | None) -> str:
    """What a node that the program gave no name is called: its expression, if that is short."""
    if node is None or node.bound_name is not None or not node.source:
        return ""
    return node.source if len(node.source) <= SOURCE and "\n" not in node.source else ""


def _lit(scene: PictureInput) -> tuple[tuple[Highlight, ...], Highlight]:
    """The marks of the operands and of the result: the cursor's if there is one, else the step's."""
    node, found = scene.node, scene.found
    if found is None:
        return step_marks(node, scene.step, scene.order)
    if found.owner is node:
        on_operands, on_result = cursor_marks(node, found.operand, found.index)
        if scene.light is None:
            return on_operands, on_result
        return tuple(map(_cursor_only, on_operands)), _cursor_only(on_result)
    reads = found.owner.reads(found.index)  # on a result beside: what it shares with this node is lit
    shared = {id(o.value): cells for o, cells in zip(found.owner.operands, reads, strict=True)}
    lit = []
    for operand in node.operands:
        cells = shared.get(id(operand.value), ())
        lit.append(Highlight(((Mark.MADE, cells),), cells))
    return tuple(lit), Highlight()


def _cursor_only(lit: Highlight) -> Highlight:
    """Without what the cell's own operation reads: what is followed through the program is marked instead."""
    return Highlight(tuple((mark, cells) for mark, cells in lit.marks if mark is Mark.CURSOR), lit.focus)


def _lit_beside(scene: PictureInput, other: Node) -> Highlight:
    """What the cursor lights on a result beside: itself, or what the same cells of the operands feed."""
    found = scene.found
    if found is None:
        return Highlight()
    if found.owner is other:
        return Highlight(((Mark.CURSOR, (found.index,)),), (found.index,))
    if found.operand is not None:
        sources: list[tuple[Value, tuple[Index, ...]]] = [(found.tensor, (found.index,))]
    else:
        reads = found.owner.reads(found.index)
        sources = [
            (operand.value, tuple(cells)[:FED_BY])
            for operand, cells in zip(found.owner.operands, reads, strict=True)
            if len(cells) <= FED_BY
        ]
    fed = {
        cell
        for tensor, cells in sources
        for p, operand in enumerate(other.operands)
        if operand.value is tensor
        for index in cells
        for cell in other.feeds(p, index)
    }
    ordered = tuple(sorted(fed))
    return Highlight(((Mark.FED, ordered),), ordered)


def _output_cell(scene: PictureInput, spot: Placement, result: Highlight) -> Index:
    """A cell of the slice of the result that is shown: under the cursor, or asked for, or being written."""
    rank = len(scene.node.shape)
    zeros = (0,) * rank
    found = scene.found
    if found is not None and found.owner is scene.node and found.operand is None:
        return found.index
    hidden = [axis for axis in range(rank) if axis not in (spot.row_axis, spot.column_axis)]
    if scene.at is not None and len(scene.at) == len(hidden):
        index = list(zeros)
        for axis, i in zip(hidden, scene.at, strict=True):
            index[axis] = max(0, min(i, scene.node.shape[axis] - 1))
        return tuple(index)
    return result.first() or zeros


def _operand_slice(scene: PictureInput, p: int, spot: Placement, lit: Highlight, output: Index) -> Index:
    found = scene.found
    if found is not None and found.operand == p:
        return rest_of(found.index, spot)
    rank = len(scene.node.operands[p].value.shape)
    if rank <= (spot.row_axis is not None) + (spot.column_axis is not None):
        return ()
    if scene.at is not None and scene.node.value.numel():
        reads = scene.node.reads(output)[p]
        return slice_of(scene.node, p, output, Highlight(focus=reads), spot)
    return slice_of(scene.node, p, output, lit, spot)
