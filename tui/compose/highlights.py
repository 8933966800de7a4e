"""Highlighted cells: what a step reads and writes, or what the cell under the cursor is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from llm_linalg.base.cells import Box
from tui.model.frame import CellMark, Index

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView

Cells = Collection[Index]
MANY = 64


@dataclass(frozen=True, slots=True, eq=False)
class Highlight:
    """The marks on one panel, a collection of cells for each, and the cells that must be in view."""

    marks: tuple[tuple[CellMark, Cells], ...] = ()
    focus: Cells = ()
    rule: Callable[[Index], bool] | None = None  # says which cells are masked

    def mark(self, index: Index) -> CellMark:
        """Return the marks of a cell."""
        marks = CellMark.NONE
        for mark, cells in self.marks:
            if index in cells:
                marks |= mark
        if self.rule is not None and self.rule(index):
            marks |= CellMark.MASKED
        return marks

    def first(self) -> Index | None:
        """Return a cell of the focus."""
        return next(iter(self.focus), None)

    def span(self, axis: int | None) -> range:
        """Return the focus along an axis; one cell long for an axis that isn't shown."""
        if axis is None:
            return range(1)
        if isinstance(self.focus, Box):
            return self.focus.ranges[axis]
        places = [index[axis] for index in islice(self.focus, MANY)]
        return range(min(places), max(places) + 1) if places else range(0)


def step_highlights(node: NodeView) -> tuple[tuple[Highlight, ...], Highlight]:
    """Return what a view's step highlights on the operands' panels and on the result's."""
    step = node.step
    if step is None:
        return tuple(Highlight() for _ in node.operands), Highlight()
    reads: tuple[Cells, ...] = step.reads
    current = reads
    target = next(iter(step.writes), None)
    if node.order == "terms" and target is not None:
        reads = node.node.reads(target)  # the whole cell's; the step's own are the current term's
    operands = [
        Highlight(((CellMark.READ, cells), (CellMark.FACTOR, now)), now if len(now) else cells)
        for cells, now in zip(reads, current, strict=True)
    ]
    return tuple(operands), Highlight(((CellMark.WRITE, step.writes),), step.writes)


def cursor_highlights(
    node: NodeView, on: int | None, index: Index
) -> tuple[tuple[Highlight, ...], Highlight]:
    """Return what the cursor lights: what a result's cell (`on` None) is made of, else what a cell feeds."""
    here = Highlight(((CellMark.CURSOR, (index,)),), (index,))
    if on is None:
        made = tuple(Highlight(((CellMark.SOURCE, cells),), cells) for cells in node.node.reads(index))
        return made, here
    fed = node.node.feeds(on, index)
    value = node.operands[on].value
    operands = tuple(here if other.value is value else Highlight() for other in node.operands)
    return operands, Highlight(((CellMark.CONSUMER, fed),), fed)
