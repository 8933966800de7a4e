"""A tensor in a picture, read window by window, either complete or as a step leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llm_linalg.api.node import Node
from llm_linalg.base.axes import Shape
from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.cells import Index, TensorSlice
from llm_linalg.ops.terms import Number
from llm_linalg.recording.record_node import Value
from llm_linalg.walks.walk import Walk

Progress = Literal["pending", "partial", "done"]


@dataclass(frozen=True, slots=True, eq=False)
class TensorView:
    """A tensor whose numbers are read window by window.

    Attributes:
        node: The node that made it, for its identity only.
        name: The node's name.
        title: Its name, or the text of a short expression such as `W.T`.
        value: The complete tensor.
        axis_names: The names and labels of its axes; () if none is known.
        walk: The steps that compute it; None if it is complete.
        step: The last step that is done, from 0; -1 before the first.
    """

    node: Node
    name: str
    title: str
    value: Value
    axis_names: TensorLabels = ()
    walk: Walk | None = None
    step: int = -1

    @property
    def title_of_cells(self) -> str:
        """Its title such that an index can follow: `K.T`, `(x + 1)`."""
        return self.node.title_of_cells

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return tuple(self.value.shape)

    @property
    def dtype(self) -> str:
        """The type of its cells, such as `float32`."""
        return str(self.value.dtype).removeprefix("torch.")

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers in a window of one of its matrices; None for a cell not yet computed."""
        if self.walk is None:
            return numbers_in(self.value, matrix, rows, columns)
        rank, (row_axis, column_axis, at) = len(self.shape), matrix
        if row_axis is None or column_axis is None:
            if rank == 1 and row_axis is not None:
                return [[number] for number in self.walk.values(self.step, (), range(1), rows)[0]]
            if rank <= 1:
                return self.walk.values(self.step, (), rows, columns)
        elif (row_axis, column_axis) == (rank - 2, rank - 1):
            return self.walk.values(self.step, at, rows, columns)
        return [[self.number(matrix.cell(row, column)) for column in columns] for row in rows]

    def progress(self, index: Index) -> Progress:
        """Return how far a cell is at this step; of a sum whose terms are not all added, `partial`."""
        if self.walk is None:
            return "done"
        first, last = self.walk.span(index)
        return "pending" if self.step < first else "partial" if self.step < last else "done"

    def number(self, index: Index) -> Number | None:
        """Return a cell's number as it is at this step; None if it is not yet computed."""
        if self.walk is None:
            number: Number = self.value[index].item()
            return number
        row, column = (0, 0, *index)[-2:]
        window = (range(row, row + 1), range(column, column + 1))
        return self.walk.values(self.step, index[:-2], *window)[0][0]

    def tolist(self) -> Any:
        """Return all of its numbers, nested like `torch.Tensor.tolist`; None for a cell not yet computed."""
        return self.value.detach().tolist() if self.walk is None else self._nested(self.walk, ())

    def _nested(self, walk: Walk, at: Index) -> Any:
        left = self.shape[len(at) :]
        if len(left) > 2:
            return [self._nested(walk, (*at, i)) for i in range(left[0])]
        if len(left) == 2:
            return walk.values(self.step, at, range(left[0]), range(left[1]))
        line = walk.values(self.step, (), range(1), range(left[0] if left else 1))[0]
        return line if left else line[0]


def numbers_in(value: Value, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number]]:
    """Return the numbers in a window of one of a tensor's matrices; nothing else is read."""
    if not value.numel():
        return [[] for _ in rows]
    row_axis, column_axis, at = matrix
    rest = iter(at)
    picks = [
        slice(rows.start, rows.stop)
        if axis == row_axis
        else slice(columns.start, columns.stop)
        if axis == column_axis
        else next(rest)
        for axis in range(value.dim())
    ]
    numbers: Any = value.detach()[tuple(picks)].tolist()
    if row_axis is not None and column_axis is not None:
        return numbers if row_axis < column_axis else [list(line) for line in zip(*numbers, strict=True)]
    if row_axis is not None:
        return [[number] for number in numbers]
    return [numbers] if column_axis is not None else [[numbers]]
