"""The placement of a node's tensors on the stage: derived from its axes, for every operation alike.

A contraction `ik,kj->ij` is Falk's scheme: the operand with the result's row label stands left, the one
with its column label on top, each with the summed label on its other side; so a weight stored (out, in) is
shown transposed because its labels say so. Operands without such axes stand in a row, or, if everything is
one-dimensional, in a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.base.cells import TensorSlice
from tui.model.frame import Arrangement, Index, Role

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.base.axes import Axes


@dataclass(frozen=True, slots=True)
class Placement:
    """One tensor's role, and which of its axes run down and across."""

    role: Role
    row_axis: int | None
    column_axis: int | None
    sign: str = ""

    def slice_at(self, at: Index) -> TensorSlice:
        """Return the matrix that is shown, by its index along the other axes."""
        return TensorSlice(self.row_axis, self.column_axis, at)

    @property
    def is_transposed(self) -> bool:
        """Whether rows and columns are swapped."""
        return self.row_axis is not None and self.column_axis is not None and self.row_axis > self.column_axis


@dataclass(frozen=True, slots=True)
class Placements:
    """The placements of all tensors of a node."""

    arrangement: Arrangement
    operands: tuple[Placement, ...]
    output: Placement


def plain_placement(role: Role, rank: int, sign: str = "", *, column: bool = False) -> Placement:
    """Place the last two axes; a 1-D tensor as a row, or as a column."""
    if rank >= 2:
        return Placement(role, rank - 2, rank - 1, sign)
    if rank == 0:
        return Placement(role, None, None, sign)
    return Placement(role, 0, None, sign) if column else Placement(role, None, 0, sign)


def placements(node: NodeView, *, stacked: bool = False) -> Placements:
    """Return how a node's tensors stand.

    `stacked`: in a column, for comparison with others on the same operands.
    """
    if not stacked and node.node.kind == "contraction":
        falk = _falk(node)
        if falk is not None:
            return falk
    return _side_by_side(node, stacked)


def _falk(node: NodeView) -> Placements | None:
    axes = node.node.axes
    if axes is None or len(set(axes.output)) < len(axes.output):
        return None
    main = _main(axes)
    if main is None:
        return None
    first, second = main
    row, column = _output_labels(axes.output, axes.operands[first], axes.operands[second])
    left, top = (first, second)
    if (row is None and column is not None and column in axes.operands[first]) or (
        row is not None and row not in axes.operands[first]
    ):
        left, top = second, first
    shared = [
        label
        for label in axes.reduction_labels
        if label in axes.operands[left] and label in axes.operands[top]
    ]
    inner = shared[0] if shared else None
    if (row is not None and row in axes.operands[top]) or (
        column is not None and column in axes.operands[left]
    ):
        return None
    if inner is None and (row is None or column is None):
        return None
    operands = []
    for p, labels in enumerate(axes.operands):
        if p == left:
            operands.append(Placement("left", _place(labels, row), _place(labels, inner)))
        elif p == top:
            operands.append(Placement("top", _place(labels, inner), _place(labels, column)))
        else:
            if _place(labels, row) is not None:
                return None  # an addend with rows of its own has no place in the scheme
            operands.append(Placement("addend", None, _place(labels, column), "+"))
    output = Placement("result", _place(axes.output, row), _place(axes.output, column))
    return Placements("falk", tuple(operands), output)


def _main(axes: Axes) -> tuple[int, int] | None:
    """Return the two operands that are multiplied; the others are addends."""
    summed = set(axes.reduction_labels)
    main = [p for p, labels in enumerate(axes.operands) if summed & set(labels)]
    if not summed:
        main = list(range(len(axes.operands)))
    return (main[0], main[1]) if len(main) == 2 else None


def _output_labels(
    output: tuple[str, ...], first: tuple[str, ...], second: tuple[str, ...]
) -> tuple[str | None, str | None]:
    """Return the labels of the result's rows and columns."""
    own = [label for label in output if (label in first) != (label in second)]
    if len(own) >= 2:
        return own[-2], own[-1]
    if len(own) == 1:
        return (own[0], None) if own[0] in first else (None, own[0])
    return None, None


def _place(labels: tuple[str, ...], label: str | None) -> int | None:
    return labels.index(label) if label in labels else None


def _side_by_side(node: NodeView, stacked: bool) -> Placements:
    ranks = [len(operand.shape) for operand in node.operands]
    rank = len(node.result.shape)
    flat = max([*ranks, rank]) <= 1
    sign = node.operator
    columns = _columns(node) if not (stacked or flat) else [False] * (len(ranks) + 1)
    operands = tuple(
        plain_placement("operand", size, sign if p and sign else "", column=columns[p])
        for p, size in enumerate(ranks)
    )
    equals = "" if not ranks else "=" if sign and len(ranks) > 1 else "→"
    output = plain_placement("result", rank, equals, column=columns[-1])
    below = stacked or flat or (rank <= 1 and not columns[-1])
    return Placements("column" if below and ranks else "row", operands, output)


def _columns(node: NodeView) -> list[bool]:
    """Return whether each operand, and the output, is a column.

    Whether a 1-D one runs along the rows of the others: then it is a column.
    """
    axes = node.node.axes
    if axes is None:
        return [False] * (len(node.operands) + 1)
    every = [*axes.operands, axes.output]
    widest = max(every, key=len)
    if len(widest) < 2:
        return [False] * len(every)
    return [len(labels) == 1 and labels[0] != widest[-1] for labels in every]
