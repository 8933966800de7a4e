"""A number for each row of a tensor, such as its sum, beside the rows of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.cells import TensorSlice
from tui.model.frame import Number

if TYPE_CHECKING:
    from llm_linalg.api.tensor_view import TensorView
    from llm_linalg.recording.record_node import Value


def row_summary(kind: str, value: Value) -> Value:
    """Return a reduction of a tensor's last axis.

    Args:
        kind: `sum`, `mean`, `max` or `min`.
        value: At least one axis; its last is not empty.
    """
    if kind == "sum":
        return value.sum(-1)
    if kind == "mean":
        return (value if value.is_floating_point() or value.is_complex() else value.double()).mean(-1)
    return value.amax(-1) if kind == "max" else value.amin(-1)


def has_rows(shape: tuple[int, ...]) -> bool:
    """Return whether there are rows, and something in them."""
    return bool(shape) and shape[-1] > 0


@dataclass(frozen=True, slots=True, eq=False)
class RowSummaries:
    """The numbers beside the rows of a tensor: each is there when all of its row is.

    Attributes:
        title: The reduction, such as `sum`.
        value: All of them.
        rows: The tensor that they summarise.
    """

    title: str
    value: Value
    rows: TensorView

    @property
    def name(self) -> str:
        """How torch says it."""
        return f"{self.rows.name}.{self.title}(-1)"

    @property
    def title_of_cells(self) -> str:
        """Its title."""
        return self.title

    @property
    def axis_names(self) -> TensorLabels:
        """Those of the rows, without the last."""
        return self.rows.axis_names[:-1]

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window."""
        from llm_linalg.api.tensor_view import numbers_in

        last = len(self.rows.shape) - 1
        beside = matrix._replace(column_axis=last)
        made = self.rows.window(beside, rows, range(self.rows.shape[last]))
        numbers = numbers_in(self.value, matrix, rows, columns)
        ends = [self.rows.progress(beside.cell(row, self.rows.shape[last] - 1)) for row in rows]
        return [
            [None] if None in row or end != "done" else number
            for number, row, end in zip(numbers, made, ends, strict=True)
        ]
