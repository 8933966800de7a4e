"""The cell cursor: which cell it is on, what it says, and where it can go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llm_linalg.edge import Edges
from llm_linalg.formula import called
from llm_linalg.numbers import exact
from tui.frame import CursorView, Index, Panel
from tui.stage.descriptions import cell_name, cells_name, entry_name, formula
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from llm_linalg.node import Value
    from tui.stage.lineage_highlight import FollowedCells

CONSUMERS = 4  # nodes that a cell feeds, named one by one


@dataclass(frozen=True, slots=True, eq=False)
class CursorCell:
    """The cell under the cursor, found among a node's tensors."""

    name: str
    index: Index
    tensor: Value
    operand: int | None  # its position; None on the result (or a result beside it)
    owner: Node  # the node shown, or the one beside it whose result it is
    maker: Node  # the node that made the tensor


def spot(view: View, node: Node, beside: tuple[Node, ...]) -> CursorCell | None:
    """The cell under the cursor, clamped into its tensor; None if the tensor is not on the stage."""
    if view.cursor is None:
        return None
    name, index = view.cursor
    candidates = [CursorCell(node.name, index, node.value, None, node, node)]
    candidates += [
        CursorCell(operand.name, index, operand.value, p, node, operand.node)
        for p, operand in enumerate(node.operands)
    ]
    candidates += [CursorCell(other.name, index, other.value, None, other, other) for other in beside]
    for found in candidates:
        shape = tuple(found.tensor.shape)
        if found.name == name and len(shape) == len(index) and all(shape):
            inside = tuple(max(0, min(i, n - 1)) for i, n in zip(index, shape, strict=True))
            return replace(found, index=inside)
    return None


def describe(
    found: CursorCell, trace: Trace, edges: Edges = (), light: FollowedCells | None = None
) -> CursorView:
    """What the cell under the cursor is, what made it, and what it feeds; `edges` are its tensor's.

    With the `light` of a cell that is followed, also what the two have to do with each other.
    """
    from llm_linalg.nonfinite import reason

    maker, index = found.maker, found.index
    made = _made(maker, index)
    return CursorView(
        name=found.name,
        index=index,
        zero=cell_name(found.name, index),
        one=entry_name(found.name, index),
        value=exact(found.tensor[index].item(), str(found.tensor.dtype)),
        masked=maker.masked(index) if maker.kind == "mask" else None,
        made=made,
        formula="" if not made else _formula(maker, index),
        feeds=_feeds(found, trace),
        evidence=maker.evidence if maker.operands else "",
        maker=maker.name,
        where=_where(edges, index),
        broken=reason(maker, index),
        asked="" if light is None or maker.inside is not None else light.about(maker, index),
    )


def _where(edges: Edges, index: Index) -> str:
    """A place by the names of its axes, where each axis that has a name or a label says where along it."""
    if not any(edge.labels for edge in edges):
        return ""
    words = [edge.labels[i] if edge.labels else "" for edge, i in zip(edges, index, strict=True)]
    named = [(edge.name, word or str(i)) for edge, word, i in zip(edges, words, index, strict=True) if edge]
    return ", ".join(f"{name} {word}".strip() for name, word in named)


def _made(maker: Node, index: Index) -> str:
    parts = [
        cells_name(called(operand), cells, tuple(operand.value.shape))
        for operand, cells in zip(maker.operands, maker.reads(index), strict=True)
    ]
    return ", ".join(part for part in parts if part)


def _formula(maker: Node, index: Index) -> str:
    """The formula of the step that completes the cell."""
    for order in ("cells", *maker.orders):
        if order in maker.orders and order != "terms":
            walk = maker.walk(order)
            lines = formula(maker, walk[walk.locate(index)])
            return " ".join("".join(text for text, _ in line).strip() for line in lines)
    return ""


def _feeds(found: CursorCell, trace: Trace) -> str:
    """What the cell goes into.

    The node shown if it is an operand of it, else every node that reads its tensor.
    """
    pairs = [
        (node, p)
        for node in ((found.owner,) if found.operand is not None else trace.nodes)
        for p, operand in enumerate(node.operands)
        if operand.value is found.tensor or operand.node is found.maker
    ]
    named = [cells_name(node.name, node.feeds(p, found.index), node.shape) for node, p in pairs[:CONSUMERS]]
    more = len(pairs) - CONSUMERS
    said = [text for text in dict.fromkeys(named) if text] + [f"{more} more"] * (more > 0)
    return ", ".join(said)


def start(node: Node, written: Index | None) -> tuple[str, Index]:
    """Where the cursor starts: on the cell just written, or on the result's first."""
    return node.name, written if written is not None else (0,) * len(node.shape)


def moved(panel: Panel, index: Index, rows: int, columns: int) -> Index:
    """The cell ``rows`` down and ``columns`` right on a panel, not beyond its edges."""
    row, column = panel.place(index) or (0, 0)
    row = max(0, min(row + rows, panel.rows - 1))
    return panel.index(row, max(0, min(column + columns, panel.columns - 1)))
