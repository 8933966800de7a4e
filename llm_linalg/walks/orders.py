"""Loop orders: the order in which a node's cells are computed.

An order maps a step's number to the cells that it writes and the term that it adds, by arithmetic alone:
no order holds a list of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import NamedTuple, Protocol

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


class Order(Protocol):
    """A loop order: the number of steps, what each writes, and when a cell is written."""

    def steps(self, grid: Grid) -> int:
        """Return the number of steps."""

    def writes(self, grid: Grid, step: int) -> Cells:
        """Return the cells that a step writes."""

    def term(self, grid: Grid, step: int) -> int | None:
        """Return the term that a step adds; None if it adds all of them."""

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        """Return the first and the last step that write a cell."""


class CellsOrder:
    """One cell per step, row by row."""

    def steps(self, grid: Grid) -> int:
        return prod(grid.shape)

    def writes(self, grid: Grid, step: int) -> Cells:
        return Box.cell(unravel(step, grid.shape))

    def term(self, grid: Grid, step: int) -> int | None:
        return None

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        step = ravel(index, grid.shape)
        return step, step


class TermsOrder:
    """One term per step, cell by cell."""

    def steps(self, grid: Grid) -> int:
        return prod(grid.shape) * grid.terms

    def writes(self, grid: Grid, step: int) -> Cells:
        return Box.cell(unravel(step // grid.terms, grid.shape))

    def term(self, grid: Grid, step: int) -> int | None:
        return step % grid.terms

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        start = ravel(index, grid.shape) * grid.terms
        return start, start + max(grid.terms - 1, 0)


class RowsOrder:
    """One row of the result per step."""

    def steps(self, grid: Grid) -> int:
        return grid.matrices * grid.rows if grid.columns else 0

    def writes(self, grid: Grid, step: int) -> Cells:
        matrix, row = divmod(step, grid.rows)
        return grid.box(matrix, range(row, row + 1), range(grid.columns))

    def term(self, grid: Grid, step: int) -> int | None:
        return None

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        step = grid.matrix(index) * grid.rows + index[-2]
        return step, step


class ColumnsOrder:
    """One column of the result per step."""

    def steps(self, grid: Grid) -> int:
        return grid.matrices * grid.columns if grid.rows else 0

    def writes(self, grid: Grid, step: int) -> Cells:
        matrix, column = divmod(step, grid.columns)
        return grid.box(matrix, range(grid.rows), range(column, column + 1))

    def term(self, grid: Grid, step: int) -> int | None:
        return None

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        step = grid.matrix(index) * grid.columns + index[-1]
        return step, step


class OuterOrder:
    """One term of every cell per step: a sum of outer products (or of columns, for a vector)."""

    def steps(self, grid: Grid) -> int:
        return grid.matrices * grid.terms if grid.rows and grid.columns else 0

    def writes(self, grid: Grid, step: int) -> Cells:
        return grid.box(step // grid.terms, range(grid.rows), range(grid.columns))

    def term(self, grid: Grid, step: int) -> int | None:
        return step % grid.terms

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        start = grid.matrix(index) * grid.terms
        return start, start + max(grid.terms - 1, 0)


class WaveOrder:
    """In step d the cells with i + j = d: those that a systolic array computes at the same time."""

    def steps(self, grid: Grid) -> int:
        return grid.matrices * self._fronts(grid)

    def writes(self, grid: Grid, step: int) -> Cells:
        matrix, front = divmod(step, self._fronts(grid))
        return Diagonal(unravel(matrix, grid.batch), front, grid.rows, grid.columns)

    def term(self, grid: Grid, step: int) -> int | None:
        return None

    def when(self, grid: Grid, index: Index) -> tuple[int, int]:
        step = grid.matrix(index) * self._fronts(grid) + index[-2] + index[-1]
        return step, step

    def _fronts(self, grid: Grid) -> int:
        return grid.rows + grid.columns - 1 if grid.rows and grid.columns else 0


ORDERS: Mapping[str, Order] = {
    "cells": CellsOrder(),
    "terms": TermsOrder(),
    "rows": RowsOrder(),
    "columns": ColumnsOrder(),
    "outer": OuterOrder(),
    "wave": WaveOrder(),
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
