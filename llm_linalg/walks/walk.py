"""Walks: one operation as an indexable sequence of steps in a loop order.

Step *k* is computed from *k* alone, so going back, jumping and scrubbing cost the same as going on, and a
walk over a huge product holds no list of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import overload

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes
from llm_linalg.base.cells import NO_CELLS, Box, Cells, Index, unravel
from llm_linalg.base.text import clean
from llm_linalg.ops.contraction import widen
from llm_linalg.ops.reads import AxesReads, Reads
from llm_linalg.ops.terms import Number, State, Terms
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.walks.orders import ORDERS, Grid

_ROUNDED = 0.01  # the share of a sum by which rounding in 8 bits may move it
_FINE = 1e-4  # the share of its largest term by which it may where terms cancel


class Step:
    """One step of a walk; its attributes are computed on access.

    Attributes:
        index: Its position in the walk, counted from 0.
    """

    def __init__(self, walk: Walk, index: int) -> None:
        self._walk = walk
        self.index = index

    def __repr__(self) -> str:
        return f"<step {self.index}: {clean(self.text)}>"

    @cached_property
    def writes(self) -> Cells:
        """The cells of the result that it writes."""
        return self._walk.loop.writes(self._walk.grid, self.index)

    @cached_property
    def cell(self) -> Index | None:
        """The cell that it writes in an order that goes cell by cell; else None."""
        return next(iter(self.writes)) if self._walk.order in ("cells", "terms") else None

    @cached_property
    def reads(self) -> tuple[Cells, ...]:
        """The cells of each operand that it reads."""
        return self._walk.reads(self.index, self.writes)

    @cached_property
    def terms(self) -> Terms:
        """The terms of its cell with their states; none if it writes several cells."""
        terms = None if self.cell is None else self._walk.node.terms(self.cell)
        if not terms:
            return Terms()
        term = self._walk.loop.term(self._walk.grid, self.index)
        return replace(terms, current=len(terms) - 1 if term is None else term)

    @property
    def current(self) -> int | None:
        """The position in `terms` of the current term; None if there are no terms."""
        return self.terms.current

    @cached_property
    def value(self) -> Number | None:
        """The cell's value so far: the sum of the terms that are not pending; None for several cells.

        After the last term it is the cell itself, which its dtype may have made of the sum.
        """
        if self.cell is None:
            return None
        node, current = self._walk.node, self.current
        # Without a current term it is no sum, or an empty one: 0, or nan for a mean.
        if node.term_count is None or current is None or current == len(self.terms) - 1:
            return node.value[self.cell].item()
        return self.terms.total(current + 1)

    @cached_property
    def exceeded(self) -> str:
        """The dtype whose range or precision the sum of all terms exceeds, so that it is no more the cell."""
        node, terms, own = self._walk.node, self.terms, self.value
        if node.term_count is None or own is None or not terms or self.current != len(terms) - 1:
            return ""
        exact = terms.total(len(terms))
        if exact == own or (exact != exact and own != own):
            return ""
        is_rounded = node.value.is_floating_point() or node.value.is_complex()
        gap = abs(exact - own)
        if is_rounded and (gap <= _ROUNDED * abs(exact) or gap <= _FINE * max(abs(t.value) for t in terms)):
            return ""
        return node.dtype

    @cached_property
    def text(self) -> str:
        """What happens, in one line: `Y[1,1] = -2.1788·0.8380 + [0.5684·0.1820] = -1.7224`."""
        return self._walk.text_of(self._walk, self)


class Walk(Sequence[Step]):
    """The steps of a node in a loop order.

    Attributes:
        node: The node.
        order: The loop order's name.
        text_of: Returns one line on what a step does.
        loop: The loop order.
        grid: The node's result as a stack of matrices.
    """

    def __init__(self, node: RecordNode, order: str, text_of: Callable[[Walk, Step], str]) -> None:
        self.node = node
        self.order = order
        self.text_of = text_of
        self.loop = ORDERS[order]
        self.grid = Grid(node.shape, 1 if node.term_count is None else node.term_count)

    def __repr__(self) -> str:
        return f"<walk of {clean(self.node.name, 60)}, {self.order}: {len(self)} steps>"

    def __len__(self) -> int:
        return self.loop.steps(self.grid)

    @overload
    def __getitem__(self, k: int) -> Step: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[Step]: ...
    def __getitem__(self, k: int | slice) -> Step | Sequence[Step]:
        if isinstance(k, slice):
            return [Step(self, index) for index in range(*k.indices(len(self)))]
        if not -len(self) <= k < len(self):
            raise IndexError(f"the walk has {len(self)} steps: no step {k}")
        return Step(self, k % len(self))

    def locate(self, index: Index) -> int:
        """Return the first step that writes a cell."""
        return self.loop.when(self.grid, index)[0]

    def span(self, index: Index) -> tuple[int, int]:
        """Return the first and the last step that write a cell."""
        return self.loop.when(self.grid, index)

    def state(self, k: int, index: Index) -> State:
        """Return a cell's state after step `k`; `k = -1` is before the first."""
        first, last = self.loop.when(self.grid, index)
        if k < first:
            return "pending"
        return "current" if k <= last else "done"

    def values(self, k: int, at: Index, rows: range, columns: range) -> list[list[Number | None]]:
        """Return a window of the result as it is after step `k`.

        Args:
            k: The step, counted from 0; -1 is before the first.
            at: The index of the matrix in the stack.
            rows: The window's rows in it; a vector has one.
            columns: The window's columns.

        Returns:
            A list of rows; None stands for a cell that is not yet computed.
        """
        node, sums = self.node, None
        if not node.value.numel():
            return [[] for _ in rows]
        final = _as_matrix(node.value[at])[rows.start : rows.stop, columns.start : columns.stop].tolist()
        if self.order == "outer" and k >= 0 and node.axes is not None:
            sums = _outer(node, node.axes, k % self.grid.terms, at, rows, columns)
        result: list[list[Number | None]] = []
        for r, row in enumerate(rows):
            line: list[Number | None] = []
            for c, column in enumerate(columns):
                first, last = self.span((*at, row, column)[-len(node.shape) :] if node.shape else ())
                if k < first:
                    line.append(None)
                elif k >= last:
                    line.append(final[r][c])
                else:
                    line.append(self[k].value if sums is None else sums[r][c])
            result.append(line)
        return result

    def reads(self, k: int, writes: Cells) -> tuple[Cells, ...]:
        """Return the cells of each operand that step `k` reads."""
        term = self.loop.term(self.grid, k)
        if term is not None and self.node.axes is not None:
            return self._term_reads(self.node.axes, writes, term)
        return tuple(_read_by(relation, writes) for relation in self.node.operand_reads)

    def _term_reads(self, axes: Axes, writes: Cells, term: int) -> tuple[Cells, ...]:
        """Return the cells that one term of the written cells reads: one index along each reduced label."""
        beside, inner = self.node.bias_position, axes.reduction_labels
        inside = term < axes.terms
        spans = dict(zip(axes.output, bounds(writes), strict=True))
        at = unravel(term, [axes.sizes[label] for label in inner]) if inside else ()
        spans |= {label: range(i, i + 1) for label, i in zip(inner, at, strict=False)}
        return tuple(
            AxesReads(axes, operand).span_cells(spans) if inside != (operand == beside) else NO_CELLS
            for operand in range(len(axes.operands))
        )


def _read_by(relation: Reads, writes: Cells) -> Cells:
    """Return the cells of an operand that a set of output cells reads.

    A wave's front has a cell in each row and column of its bounding block, and waves are offered only if no
    operand has both axes, so the front reads what the block reads.
    """
    if len(writes) == 1:
        return relation.reads(next(iter(writes)))
    return relation.block(bounds(writes))


def bounds(cells: Cells) -> tuple[range, ...]:
    """Return the bounding block of some cells, one range per axis."""
    if isinstance(cells, Box):
        return cells.ranges
    columns = list(zip(*cells, strict=True))
    return tuple(range(min(column), max(column) + 1) for column in columns)


def _as_matrix(value: Tensor) -> Tensor:
    return value if value.dim() > 1 else value.reshape(1, -1)


def _outer(
    node: RecordNode, axes: Axes, term: int, at: Index, rows: range, columns: range
) -> list[list[Number]]:
    """Return the sum of the outer products up to a term, for the window alone."""
    spans = dict(
        zip(axes.output, [*(range(i, i + 1) for i in at), rows, columns][-len(axes.output) :], strict=True)
    )
    labels, call = axes.letters, node.call
    factors, names = [], []
    for operand in range(len(node.operands)):
        if call is not None and operand != node.bias_position:
            sides = zip(axes.operands[operand], axes.shapes[operand], strict=True)
            ranges = [spans.get(label) if size > 1 else None for label, size in sides]
            window = tuple(slice(None) if span is None else slice(span.start, span.stop) for span in ranges)
            factors.append(widen(call.operation.factor(call, operand)[window]))
            names.append("".join(labels[label] for label in axes.operands[operand]))
    reduced = "".join(labels[label] for label in axes.reduction_labels)
    output = "".join(labels[label] for label in axes.output)
    sizes = [axes.sizes[label] for label in axes.reduction_labels]
    taken = (torch.arange(axes.terms).reshape(sizes) <= term).to(factors[0].dtype)
    result = torch.einsum(f"{','.join([*names, reduced])}->{output}", *factors, taken)
    result = _as_matrix(result.expand([len(spans[label]) for label in axes.output]))
    cells: list[list[Number]] = result.reshape(result.shape[-2:]).tolist()
    return cells
