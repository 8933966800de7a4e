"""Influence: how much a cell changes when another one does, through a whole program.

Lineage says which cells matter at all, whatever their values. Influence is the derivative at the program's
values, carried back (or forward) through each node's own call by autograd. A cell in the lineage of a result
may have influence 0, for example before a relu that is off, or beside a factor of 0. Where torch has no
derivative of a call, such as `x // 2`, what arrives on other ways is but a part of the sum: on the way back
it is refused, and on the way forward nothing is said of the nodes after the call, or after one that no node
shows and that may have been fed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Generic

import torch
from torch import Tensor

from llm_linalg.analysis.gradients import flow
from llm_linalg.analysis.own_programs import Bounds
from llm_linalg.base.errors import stop_if
from llm_linalg.ops.reads import one
from llm_linalg.ops.vjp import autograd_vjp, has_gradient, rerun
from llm_linalg.recording.record import AskFunction
from llm_linalg.recording.record_node import N, RecordNode

if TYPE_CHECKING:
    from llm_linalg.base.cells import Index


MOST_BY_CELLS = 4_096
"""Cells of a result up to which a derivative that is no number is asked for cell by cell."""
Graph = tuple[list[Tensor], Tensor | None]
"""A node's operands as autograd leaves, and its result computed from them; None if it has no gradient."""

# What torch raises for a call that it can run but not differentiate.
_UNKNOWN = (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError)


class Influence(Generic[N]):
    """The derivatives of a trace's cells; each node's autograd graph is built once.

    Nothing is differentiated by the nodes in `skip`; none of them has operands.
    """

    def __init__(self, nodes: Sequence[N], skip: Container[N] = ()) -> None:
        self._nodes = nodes
        self._skip = skip
        self._graphs: dict[N, Graph] = {}

    def back(
        self,
        node: N,
        index: Index,
        ask: AskFunction | None = None,
        *,
        partial: bool = False,
        halt: Callable[[], bool] | None = None,
    ) -> dict[N, Tensor]:
        """Return the gradient of one cell with respect to each node that it depends on, its own included.

        Args:
            node: The node of the cell; its dtype must be floating-point.
            index: The cell.
            ask: Calls functions that the trace does not hold; None if nobody can.
            partial: Whether nodes of which not all is known are left out, and not refused.
            halt: Asked at each node whether to stop.

        Returns:
            By node, a tensor of its shape: the derivative of the cell with respect to each of its cells.

        Raises:
            ValueError: If the node is not floating-point.
            IndexError: If it has no such cell.
            LookupError: If it flows through what has no derivative.
            HaltedError: If `halt` stopped it.
            LimitError: If a call is too large to be run again.
        """
        gradients = {node: _seed(node, index)}
        ends = flow.ends_of(self._nodes, node, can_ask=ask is not None, partial=partial)
        unknown = {own for end in ends for own in flow.unknown_beyond(self._nodes, end)}
        for current in reversed(self._nodes[: node.index + 1]):
            stop_if(halt)
            if current not in gradients or current in ends:
                continue
            outputs = flow.outputs_of(self._nodes, current) if flow.is_own(current) else [current]
            if any(other.index > current.index and other in gradients for other in outputs):
                continue  # it went back from them all together
            try:
                carried = self._carried(outputs, current, gradients, ask)
            except LookupError:
                if not partial:
                    raise
                unknown |= flow.unknown_beyond(self._nodes, current)
                continue
            for place, taken in zip(flow.open_places(current), carried, strict=True):
                target = current.operands[place].node
                if taken is not None and target not in self._skip:
                    before = gradients.get(target)
                    gradients[target] = taken if before is None else before + taken
        return {own: gradient for own, gradient in gradients.items() if own not in unknown}

    def _carried(
        self, outputs: list[N], node: N, gradients: dict[N, Tensor], ask: AskFunction | None
    ) -> Sequence[Tensor | None]:
        """Return what goes back to each operand to which a gradient flows; None for nothing."""
        places = flow.open_places(node)
        several: Sequence[Tensor | None]
        with flow.refusing(flow.place_of(node)):
            for other in outputs:
                if other in gradients:
                    gradients[other] = flow.after_hooks(other, gradients[other], ask)
            if flow.kept_places(node) is not None:
                return [gradients[node]] * len(places)
            if flow.is_own(node):
                several = flow.own_gradients(node, [gradients.get(other) for other in outputs], ask)
            else:
                several = self._pulled(node, gradients[node])
        return [several[place] for place in places]

    def forward(self, node: N, index: Index, halt: Callable[[], bool] | None = None) -> dict[N, Tensor]:
        """Return the derivative of the cells of each later node with respect to one cell; see `back`."""
        derivatives = {node: _seed(node, index)}
        unknown: set[N] = set()
        for current in self._nodes[node.index + 1 :]:
            stop_if(halt)
            sources = [current.operands[place].node for place in flow.open_places(current)]
            if not has_gradient(current.value):
                continue
            is_fed = any(own.node in derivatives or own.node in unknown for own in current.operands)
            is_lost = (current.flows_on or is_fed) and flow.is_lost(current)  # it may be fed unseen
            if is_lost or any(source in unknown for source in sources):
                unknown.add(current)
            elif any(source in derivatives for source in sources):
                try:
                    if current.hooks:
                        raise NotImplementedError
                    carried = self._pushed(current, [derivatives.get(own.node) for own in current.operands])
                except _UNKNOWN:
                    unknown.add(current)
                    continue
                if carried is not None:
                    derivatives[current] = carried
        return derivatives

    def _pulled(self, node: N, cotangent: Tensor, *, twice: bool = False) -> list[Tensor | None]:
        """Return the VJP of a node for each operand; None where no gradient arrives."""
        leaves, result = self._graph(node)
        if result is None:
            return [None] * len(leaves)
        real = [leaf for leaf in leaves if leaf.requires_grad]
        taken = iter(autograd_vjp([result], real, [cotangent], keep=True, twice=twice))
        return [next(taken) if leaf.requires_grad else None for leaf in leaves]

    def _pushed(self, node: N, tangents: Sequence[Tensor | None]) -> Tensor | None:
        """Return the JVP of a node for tangents of some operands; None where nothing arrives.

        A VJP is linear in its cotangent, so the VJP of the VJP is the JVP (the double-backward trick), at any
        cotangent but 0, of which some kernels take the logarithm, or by which they divide.
        """
        kept = flow.kept_places(node)
        if kept is not None:
            return tangents[kept[0]] if kept else None
        if self._graph(node)[1] is None:
            return None
        if flow.is_own(node):  # it may give anything for zeros
            return self._by_cells(node, tangents)
        cotangent = torch.ones_like(node.value).requires_grad_()
        pairs = [
            (taken, tangent)
            for taken, tangent in zip(self._pulled(node, cotangent, twice=True), tangents, strict=True)
            if taken is not None and tangent is not None and taken.requires_grad
        ]
        if not pairs:
            return None
        pulled, pushed = zip(*pairs, strict=True)
        try:
            (carried,) = autograd_vjp(pulled, [cotangent], pushed)
        except RuntimeError:  # a kernel whose backward pass has none of its own
            return self._by_cells(node, tangents)
        is_known = carried is None or node.value.numel() > MOST_BY_CELLS or carried.isfinite().all()
        return carried if is_known else self._by_cells(node, tangents)

    def _by_cells(self, node: N, tangents: Sequence[Tensor | None]) -> Tensor:
        """Return the JVP by one backward pass for each cell of the result."""
        carried = node.value.new_zeros(node.shape)
        for cell in torch.ones(node.shape).nonzero().tolist():
            taken = self._pulled(node, one(node.shape, tuple(cell)).to(node.value.dtype))
            carried[tuple(cell)] = sum(
                (gradient.conj() * tangent).real.sum()
                for gradient, tangent in zip(taken, tangents, strict=True)
                if gradient is not None and tangent is not None
            )
        return carried

    def _graph(self, node: N) -> Graph:
        """Return the autograd graph of a node's call, run again on detached leaves."""
        if node not in self._graphs:
            if node.call is not None:
                Bounds(node.call.tensors).charge_replay(node.call)
            values = [own.value.clone() if own.value.is_inference() else own.value for own in node.operands]
            leaves = [
                value.detach().requires_grad_(has_gradient(value) and own.node not in self._skip)
                for value, own in zip(values, node.operands, strict=True)
            ]
            result = None
            real = has_gradient(node.value) and any(leaf.requires_grad for leaf in leaves)
            if node.call is not None and real:
                with torch.enable_grad():
                    made = rerun(node.call.replay, leaves)
                result = made if made.requires_grad else None  # None for such as a detach
            self._graphs[node] = leaves, result
        return self._graphs[node]


def _seed(node: RecordNode, index: Index) -> Tensor:
    if not node.value.is_floating_point():
        raise ValueError(f"{node.name} is {node.dtype}: only what is made of real numbers has a derivative")
    node.reads(index)  # raises for a cell that is not there
    return one(node.shape, index).to(node.value.dtype)
