"""Lineage: what a cell depends on through a whole program, and what it feeds.

It composes the reads of the nodes, and takes masks into account. A cell that a mask set to a constant (0, or
−inf before a softmax) carries nothing, and neither does the partner of a factor that was masked to 0. So a
token's output in causal attention leads back to the tokens up to it and no further, which is also what
perturbing an input shows.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Generic

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Labels
from llm_linalg.base.cells import Cells, Index
from llm_linalg.base.errors import stop_if
from llm_linalg.ops.contraction import Contraction
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.reads import AxesReads, cells_of, has_any, is_whole, meeting, one, whole
from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record import ancestors, derive
from llm_linalg.recording.record_node import N, RecordNode, operand_nodes


class Lineage(Generic[N]):
    """The dependences between a trace's cells.

    Args:
        nodes: The nodes of the trace.
        is_composite: Whether they are the parts of an operation, in which zeros are always zeros.

    Attributes:
        halt: Asked at each node whether to stop, with a `HaltedError`; None if nobody does.
    """

    def __init__(self, nodes: Sequence[N], *, is_composite: bool = False) -> None:
        self._nodes, self._is_composite = nodes, is_composite
        self.halt: Callable[[], bool] | None = None
        self._fixed: dict[N, Tensor | None] = {}
        self._reached: dict[N, bool] = {}

    def back(self, node: N, index: Index, skip: Container[N] = ()) -> dict[N, Cells]:
        """Return the cells of each node that a cell depends on, its own node included.

        Nothing is said of the nodes in `skip`; none of them has operands.
        """
        return {key: cells_of(mask) for key, mask in self.masks_back(node, _one(node, index), skip).items()}

    def forward(self, node: N, index: Index) -> dict[N, Cells]:
        """Return the cells of each node that a cell feeds, its own node included."""
        return {key: cells_of(mask) for key, mask in self.masks_forward(node, _one(node, index)).items()}

    def masks_forward(self, node: N, mask: Tensor) -> dict[N, Tensor]:
        """Return the cells that a set of cells feeds, as a boolean mask for each node."""
        reached = {node: mask}
        for later in self._nodes:
            stop_if(self.halt)
            is_fed = any(operand.node in reached for operand in later.operands)
            if later is node or not is_fed or 0 in later.shape:
                continue
            fed: Tensor | None = None
            for place, operand in enumerate(later.operands):
                if operand.node in reached:
                    fed = _both(fed, self._carried_on(later, place, reached[operand.node]))
            if fed is not None and has_any(fed):
                reached[later] = fed
        return reached

    def masks_back(self, node: N, mask: Tensor, skip: Container[N] = ()) -> dict[N, Tensor]:
        """Return the cells that a set of cells depends on, as a boolean mask for each node."""
        masks = {node: mask}
        for current in ancestors(self._nodes, node):
            stop_if(self.halt)
            own = masks.get(current)
            if own is None:
                continue
            for place, operand in enumerate(current.operands):
                before = masks.get(operand.node)
                if operand.node in skip or (before is not None and is_whole(before)):
                    continue
                carried = self._carried_back(current, place, own)
                if has_any(carried):
                    masks[operand.node] = _both(before, carried)
        return masks

    def constant_cells(self, node: N) -> Tensor | None:
        """Return a mask (bool) of the cells that masks made constant; None if nothing upstream is cut off."""
        if node in self._fixed:
            return self._fixed[node]
        return derive(self._fixed, node, operand_nodes, self._find_fixed)

    def _find_fixed(self, node: N) -> Tensor | None:
        stop_if(self.halt)
        if self._is_composite and node.op == "new_zeros":
            return whole(node.shape)
        if not node.operands or node.kind == "creation":
            return None
        live: Tensor | None = None
        for place, operand in enumerate(node.operands):
            live = _both(live, self._carried_on(node, place, whole(operand.value.shape)))
            if is_whole(live):
                return None
        return None if live is None else ~live

    def _live(self, node: N, place: int) -> Tensor | None:
        """Return a mask (bool) of an operand's cells that are not constant; None if all are live."""
        operand = node.operands[place]
        fixed = self.constant_cells(operand.node)
        return None if fixed is None else ~fixed

    def _carrying(self, node: N, place: int) -> Tensor | None:
        """Return a mask (bool) of an operand's cells that are live and matter to a node; None for all."""
        live = self._live(node, place)
        inert = node.call.operation.ignored_cells(node.call, place) if node.call else None
        if inert is None or not has_any(inert) or self._reaches_infinity(node.operands[place].node):
            return live
        return ~inert if live is None else live & ~inert

    def _carried_back(self, node: N, place: int, mask: Tensor) -> Tensor:
        axes, others = self._partners(node, place)
        if axes is not None and others:
            reads = AxesReads(axes, place)
            own = reads.place(meeting(axes, [(axes.output, mask), *others], reads.labels))
        else:
            own = node.operand_reads[place].back(self._absorbed(node, place, mask))
        carrying = self._carrying(node, place)
        return own if carrying is None else own & carrying

    def _carried_on(self, node: N, place: int, mask: Tensor) -> Tensor:
        carrying = self._carrying(node, place)
        if carrying is not None:
            mask = mask & carrying
        axes, others = self._partners(node, place)
        if axes is not None and others:
            own = mask.expand(node.operands[place].value.shape)
            return meeting(axes, [(axes.operands[place], own), *others], axes.output)
        return self._absorbed(node, place, node.operand_reads[place].forward(mask))

    def _partners(self, node: N, place: int) -> tuple[Axes | None, list[tuple[Labels, Tensor]]]:
        """Return the axes of a product, and the other factors that masks set to 0 somewhere.

        With each factor's labels comes a mask (bool) of its other cells.
        """
        axes, factors = _product_axes(node), []
        for other, operand in enumerate(node.operands if axes else ()):
            if axes is not None and other != place and node.bias_position not in (other, place):
                live = self._live(node, other)
                if live is not None:
                    factors.append((axes.operands[other], live | (operand.value != 0)))
        return axes, factors

    def _absorbed(self, node: N, place: int, mask: Tensor) -> Tensor:
        """Return an output mask without the cells that an operand can't change."""
        if node.call is None:
            return mask
        fixed = [self.constant_cells(operand.node) for operand in node.operands]
        still = node.call.operation.unmoved_outputs(node.call, place, fixed)
        if still is None or not has_any(still) or any(map(self._reaches_infinity, operand_nodes(node))):
            return mask
        return mask & ~still

    def _reaches_infinity(self, node: N) -> bool:
        """Return whether infinities of a node, or before it, were computed from finite numbers, as log 0.

        Such a one moves with them; one that a mask set, or that came from outside, stays.
        """
        return derive(self._reached, node, operand_nodes, self._find_infinity)

    def _find_infinity(self, node: N) -> bool:
        if any(map(self._reaches_infinity, operand_nodes(node))):
            return True
        if not node.operands or node.kind in ("mask", "movement", "creation") or not has_gradient(node.value):
            return False
        values = [node.value, *(own.value for own in node.operands)]
        if any(value.is_meta or value.layout is not torch.strided for value in values):
            return True  # nobody knows
        after, *before = [bool(value.isinf().any()) for value in values]
        return after and not any(before)


def _both(one: Tensor | None, other: Tensor) -> Tensor:
    """Return the cells (bool) that are in one of two masks; all cells take the memory of one."""
    either = other if one is None else one | other
    return whole(either.shape) if either.numel() and not is_whole(either) and either.all() else either


def _product_axes(node: RecordNode) -> Axes | None:
    """Return the axes spec of a sum of products, including an elementwise product; else None."""
    operation = node.call.operation if node.call else None
    if isinstance(operation, Contraction) or (isinstance(operation, Pointwise) and operation.product):
        return node.axes
    return None


def _one(node: RecordNode, index: Index) -> Tensor:
    node.reads(index)  # raises for a cell that is not there
    return one(node.shape, index)
