"""Loop orders: the order in which a node's cells are computed.

An order maps a step's number to the cells that it writes and the term that it adds, by arithmetic alone:
no order holds a list of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

from llm_linalg.base.axes import Shape
from llm_linalg.base.cells import Box, Cells, Diagonal, Index, ravel, unravel
from llm_linalg.recording.record_node import RecordNode


class Grid(NamedTuple):
    """A result as a stack of matrices whose cells are sums of `terms` terms.

    A vector is one row, a scalar one cell.
    """

    shape: Shape
    terms: int

    @property
    def batch(self) -> Shape:
        """The shape of the stack."""
        return self.shape[:-2]

    @property
    def rows(self) -> int:
        """The rows of each matrix."""
        return self.shape[-2] if len(self.shape) > 1 else 1

    @property
    def columns(self) -> int:
        """The columns of each matrix."""
        return self.shape[-1] if self.shape else 1

    @property
    def matrices(self) -> int:
        """The number of matrices in the stack."""
        return prod(self.batch)

    def matrix(self, index: Index) -> int:
        """Return the position in the stack of a cell's matrix."""
        return ravel(index[:-2], self.batch) if len(index) > 1 else 0

    def box(self, matrix: int, rows: range, columns: range) -> Box:
        """Return a block of one matrix as cells of the result."""
        prefix = tuple(range(i, i + 1) for i in unravel(matrix, self.batch)) if self.batch else ()
        return Box((*prefix, rows, columns)[-len(self.shape) :] if self.shape else ())


@dataclass(frozen=True, slots=True)
class Order:
    """A loop order, as a nest of loops: a step's number counts through them, the innermost fastest.

    Attributes:
        loops: What they run over, outermost first: `matrices`, `rows`, `columns`, `terms`, or `fronts`, the
            cells with equal i + j, which a systolic array computes at the same time. What none of them runs
            over is done whole in each step.
    """

    loops: tuple[str, ...]

    def steps(self, grid: Grid) -> int:
        """Return the number of steps."""
        return prod(_sizes(self.loops, grid)) if grid.rows and grid.columns else 0

    def writes(self, grid: Grid, step: int) -> Cells:
        """Return the cells that a step writes."""
        at = dict(zip(self.loops, unravel(step, _sizes(self.loops, grid)), strict=True))
        if "fronts" in at:
            return Diagonal(unravel(at["matrices"], grid.batch), at["fronts"], grid.rows, grid.columns)
        rows, columns = (
            range(at[loop], at[loop] + 1) if loop in at else range(size)
            for loop, size in (("rows", grid.rows), ("columns", grid.columns))
        )
        return grid.box(at["matrices"], rows, columns)

    def term(self, grid: Grid, step: int) -> int | None:
        """Return the term that a step adds; None if it adds all of them."""
        return step % grid.terms if self.loops[-1] == "terms" else None

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        """Return the first and the last step that write a cell."""
        row, column = (0, 0, *index)[-2:]
        at = {"matrices": grid.matrix(index), "rows": row, "columns": column, "fronts": row + column}
        first = ravel([at.get(loop, 0) for loop in self.loops], _sizes(self.loops, grid))
        return first, first + (max(grid.terms - 1, 0) if self.loops[-1] == "terms" else 0)


@lru_cache(256)
def _sizes(loops: tuple[str, ...], grid: Grid) -> Shape:
    """Return how far each of some loops runs."""
    sizes = {"matrices": grid.matrices, "rows": grid.rows, "columns": grid.columns, "terms": grid.terms}
    sizes["fronts"] = grid.rows + grid.columns - 1
    return tuple([sizes[loop] for loop in loops])


ORDERS: Mapping[str, Order] = {
    "cells": Order(("matrices", "rows", "columns")),
    "terms": Order(("matrices", "rows", "columns", "terms")),
    "rows": Order(("matrices", "rows")),
    "columns": Order(("matrices", "columns")),
    "outer": Order(("matrices", "terms")),  # a sum of outer products; of columns, for a vector
    "wave": Order(("matrices", "fronts")),
}


def orders_of(node: RecordNode) -> tuple[str, ...]:
    """Return the names of the orders that apply to a node, the default first."""
    matrix = len(node.shape) >= 2
    names = ["cells"]
    if node.term_count is not None:
        names.append("terms")
    if matrix:
        names += ["rows", "columns"]
    if node.kind == "contraction" and node.axes is not None:
        i, j = node.axes.output[-2:] if matrix else (None, None)
        if node.axes.reduction_labels and node.shape:
            names.append("outer")
        if matrix and not any(i in labels and j in labels for labels in node.axes.operands):
            names.append("wave")
    return tuple(names)
