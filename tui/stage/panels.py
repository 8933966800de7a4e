"""Panels: a node's tensors as windows of cells, where its scheme puts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_linalg.edge import Edge, Edges
from llm_linalg.text import clean
from tui.frame import Index, Number, Panel, Read
from tui.glyphs import ascii_text
from tui.stage.format_cache import FormatCache, level_of
from tui.stage.highlights import Highlight
from tui.stage.placement import Placement

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.node import Value
    from llm_linalg.walk import Walk

NAME = 24  # columns that a tensor's name may take


@dataclass(frozen=True, slots=True, eq=False)
class PanelStyle:
    """What all panels of a frame share."""

    store: FormatCache
    extent: float  # the magnitude that the colours end at
    ascii_only: bool


def make_panel(
    name: str, tensor: Value, spot: Placement, at: Index, lit: Highlight, read: Read, look: PanelStyle,
    title: str = "", edges: Edges = (),
) -> Panel:  # fmt: skip
    """A panel of a tensor.

    Args:
        name: The tensor's name.
        tensor: Where its numbers' format comes from.
        spot: Its role and the axes that run down and across.
        at: The index along the others.
        lit: Its marks and focus.
        read: Its values in a window.
        look: What all panels share.
        title: What it is called instead of its name.
        edges: What its axes are called.
    """
    title = clean(title or name, NAME) + (".T" if look.ascii_only else "ᵀ") * spot.transposed
    if at:
        title += f"[{', '.join(map(str, at))}]"
    return Panel(
        name=name,
        title=title,
        role=spot.role,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        row_axis=spot.row_axis,
        column_axis=spot.column_axis,
        at=at,
        numbers=look.store.numbers(tensor, look.ascii_only),
        read=read,
        mark=lit.mark,
        level=lambda value: level_of(value, look.extent),
        focus_rows=lit.span(spot.row_axis) if len(lit.focus) else range(0),
        focus_columns=lit.span(spot.column_axis) if len(lit.focus) else range(0),
        sign=_ascii_sign(spot.sign) if look.ascii_only else spot.sign,
        pending="." if look.ascii_only else "·",
        masked="#" if look.ascii_only else "░",
        edges=tuple(map(_ascii_edge, edges)) if look.ascii_only else edges,
    )


def _ascii_edge(edge: Edge) -> Edge:
    return Edge(ascii_text(edge.name), tuple(map(ascii_text, edge.labels)))


def _ascii_sign(sign: str) -> str:
    return {"→": "->", "×": "x"}.get(sign, sign)


def tensor_reader(tensor: Value, spot: Placement, at: Index) -> Read:
    """The values of a tensor in a window of the slice shown; nothing outside the window is touched."""

    def read(rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        rest = iter(at)
        picks: list[slice | int] = []
        for axis in range(tensor.dim()):
            if axis == spot.row_axis:
                picks.append(slice(rows.start, rows.stop))
            elif axis == spot.column_axis:
                picks.append(slice(columns.start, columns.stop))
            else:
                picks.append(next(rest))
        values: Any = tensor.detach()[tuple(picks)].tolist()
        if spot.row_axis is not None and spot.column_axis is not None:
            return _turned(values) if spot.transposed else values
        if spot.row_axis is not None:
            return [[value] for value in values]
        scalar: list[list[Number | None]] = [[values]]
        return [values] if spot.column_axis is not None else scalar

    return read


def _turned(lines: list[list[Number]]) -> list[list[Number]]:
    return [list(line) for line in zip(*lines, strict=True)]


def walk_reader(walk: Walk, k: int, spot: Placement, at: Index) -> Read:
    """The values of a walk's result after step ``k`` (−1: before the first); None where not yet computed."""
    rank = len(walk.node.shape)

    def read(rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        if spot.row_axis is None or spot.column_axis is None:
            if rank == 1 and spot.row_axis is not None:
                return [[value] for value in walk.values(k, (), range(1), rows)[0]]
            if rank <= 1:
                return walk.values(k, (), rows, columns)
        elif (spot.row_axis, spot.column_axis) == (rank - 2, rank - 1):
            return walk.values(k, at, rows, columns)
        cells = _index_of(rank, spot, at)
        return [[_one(walk, k, cells(row, column)) for column in columns] for row in rows]

    return read


def _index_of(rank: int, spot: Placement, at: Index) -> Callable[[int, int], Index]:
    def index(row: int, column: int) -> Index:
        rest = iter(at)
        return tuple(
            row if axis == spot.row_axis else column if axis == spot.column_axis else next(rest)
            for axis in range(rank)
        )

    return index


def _one(walk: Walk, k: int, index: Index) -> Number | None:
    *leading, row, column = index
    return walk.values(k, tuple(leading), range(row, row + 1), range(column, column + 1))[0][0]


def rest_of(index: Index, spot: Placement) -> Index:
    """An index without the axes that are shown: where its slice is."""
    return tuple(i for axis, i in enumerate(index) if axis not in (spot.row_axis, spot.column_axis))


def slice_of(node: Node, operand: int, output: Index, reads: Highlight, spot: Placement) -> Index:
    """Which slice of an operand belongs to a cell of the result: by the labels, else by what is read."""
    shape = tuple(node.operands[operand].value.shape)
    first = reads.first()
    if first is not None:
        return rest_of(first, spot)
    axes = node.axes
    if axes is None:
        return rest_of((0,) * len(shape), spot)
    place = dict(zip(axes.output, output, strict=True))
    labels = axes.operands[operand]
    index = tuple(0 if n == 1 else place.get(label, 0) for label, n in zip(labels, shape, strict=True))
    return rest_of(index, spot)
