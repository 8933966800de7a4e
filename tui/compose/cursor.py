"""The cell cursor: the cell that it is on, and a description of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.numbers import exact
from llm_linalg.base.text import clean
from tui.compose.captions import cells_name, entry_name, formula, tensor_cell
from tui.model.frame import CursorView, Index
from tui.model.view import View

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.tensor_view import TensorView
    from tui.compose.lineage_highlight import FollowedCells

CONSUMERS = 4  # nodes that a cell feeds, named one by one


@dataclass(frozen=True, slots=True, eq=False)
class CursorCell:
    """The cell under the cursor.

    Attributes:
        tensor: The tensor that it is in.
        index: Its index.
        operand: The tensor's position among the operands of `owner`; None if it is its result.
        owner: The node shown, or the one beside it whose result the tensor is.
    """

    tensor: TensorView
    index: Index
    operand: int | None
    owner: NodeView


def cursor_cell(view: View, node: NodeView, beside: tuple[NodeView, ...]) -> CursorCell | None:
    """Return the cell under the cursor, clamped into its tensor; None if the tensor is not in the picture."""
    if view.cursor is None:
        return None
    name, index = view.cursor
    tensors: list[tuple[TensorView, int | None, NodeView]] = [(node.result, None, node)]
    tensors += [(operand, p, node) for p, operand in enumerate(node.operands)]
    tensors += [(other.result, None, other) for other in beside]
    for tensor, operand, owner in tensors:
        shape = tensor.shape
        if tensor.name == name and len(shape) == len(index) and all(shape):
            inside = tuple(max(0, min(i, n - 1)) for i, n in zip(index, shape, strict=True))
            return CursorCell(tensor, inside, operand, owner)
    return None


def cursor_view(
    cursor: CursorCell, made: NodeView, readers: Sequence[Node], followed: FollowedCells | None = None
) -> CursorView:
    """Describe the cell under the cursor: its value, what it was made from, and what it feeds.

    With the lineage of a followed cell, also how the two depend on each other.

    Args:
        cursor: The cell.
        made: The node that made it, at the step that completes it.
        readers: The nodes that may read it.
        followed: The cells that a followed cell depends on.
    """
    from llm_linalg.explain.nan_origin import nan_reason

    tensor, index, node = cursor.tensor, cursor.index, made.node
    done, number = tensor.progress(index) == "done", tensor.number(index)
    sources = [
        cells_name(operand.title_of_cells, cells, operand.shape)
        for operand, cells in zip(made.operands, node.reads(index), strict=True)
    ]
    made_from = ", ".join(source for source in sources if source)
    return CursorView(
        name=tensor.name,
        index=index,
        zero=tensor_cell(tensor, index),
        one=entry_name(tensor.title_of_cells, index),
        value="" if number is None else exact(number, tensor.dtype) + " so far" * (not done),
        mask_rule=node.mask_rule(index) if node.kind == "mask" else None,
        sources=clean(made_from),
        formula=clean(_formula(made) if made_from and done else ""),
        feeds=clean(_feeds(cursor, readers)),
        evidence=node.evidence if made.operands else "",
        maker=made.result.name,
        where=clean(_where(tensor.axis_names, index)),
        nan_reason=clean(nan_reason(node, index) if done else ""),
        relation=clean("" if followed is None or node.composite else followed.about(node, index)),
    )


def _where(names: TensorLabels, index: Index) -> str:
    """Return a cell's place by the names and labels of the axes; empty if no axis has labels."""
    if not any(axis.labels for axis in names):
        return ""
    words = [axis.labels[i] if axis.labels else "" for axis, i in zip(names, index, strict=True)]
    named = [(axis.name, word or str(i)) for axis, word, i in zip(names, words, index, strict=True) if axis]
    return ", ".join(f"{name} {word}".strip() for name, word in named)


def _formula(made: NodeView) -> str:
    """Return the formula of the step that completes the cell."""
    return " ".join("".join(text for text, _ in line).strip() for line in formula(made))


def _feeds(cursor: CursorCell, readers: Sequence[Node]) -> str:
    """Return the cells that the cell goes into."""
    tensor, index = cursor.tensor, cursor.index
    uses = [
        (node, place)
        for node in readers
        for place, operand in enumerate(node.operands)
        if operand.value is tensor.value or operand.node is tensor.node
    ]
    named = [
        cells_name(node.title_of_cells, node.feeds(place, index), node.shape)
        for node, place in uses[:CONSUMERS]
    ]
    more = len(uses) - CONSUMERS
    return ", ".join([text for text in dict.fromkeys(named) if text] + [f"{more} more"] * (more > 0))
