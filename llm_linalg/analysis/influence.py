"""Influence: how much a cell changes when another one does, through a whole program.

Lineage says which cells matter at all, whatever their values. Influence is the derivative at the program's
values, carried back (or forward) through each node's own call by autograd. A cell in the lineage of a result
may have influence 0, for example before a relu that is off, or beside a factor of 0. Where torch has no
derivative of a call, such as `x // 2`, nothing is said of the nodes before (or after) it: what arrives on
other ways is but a part of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from typing import Generic

import torch
from torch import Tensor

from llm_linalg.analysis.own_programs import Bounds
from llm_linalg.base.cells import Index
from llm_linalg.base.errors import stop_if
from llm_linalg.ops.reads import one
from llm_linalg.ops.vjp import autograd_jvp, autograd_vjp, rerun
from llm_linalg.recording.record_node import N, RecordNode

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

    def back(self, node: N, index: Index, halt: Callable[[], bool] | None = None) -> dict[N, Tensor]:
        """Return the gradient of one cell with respect to each node that it depends on, its own included.

        Args:
            node: The node of the cell; its dtype must be floating-point.
            index: The cell.
            halt: Asked at each node whether to stop.

        Returns:
            By node, a tensor of its shape: the derivative of the cell with respect to each of its cells.

        Raises:
            ValueError: If the node is not floating-point.
            IndexError: If it has no such cell.
            HaltedError: If `halt` stopped it.
            LimitError: If a call is too large to be run again.
        """
        found = {node: _seed(node, index)}
        unknown: set[N] = set()
        for current in reversed(self._nodes[: node.index + 1]):
            stop_if(halt)
            if (current not in found and current not in unknown) or not current.operands:
                continue
            pulled = None
            with suppress(*_UNKNOWN):
                pulled = None if current in unknown else self._pulled(current, found[current])
            if pulled is None:
                unknown |= {own.node for own in current.operands if own.value.is_floating_point()}
                continue
            for operand, taken in zip(current.operands, pulled, strict=True):
                if taken is not None:
                    before = found.get(operand.node)
                    found[operand.node] = taken if before is None else before + taken
        return {one: gradient for one, gradient in found.items() if one not in unknown}

    def forward(self, node: N, index: Index, halt: Callable[[], bool] | None = None) -> dict[N, Tensor]:
        """Return the derivative of the cells of each later node with respect to one cell; see `back`."""
        found = {node: _seed(node, index)}
        unknown: set[N] = set()
        for current in self._nodes[node.index + 1 :]:
            stop_if(halt)
            sources = [operand.node for operand in current.operands]
            if not current.value.is_floating_point():
                continue
            if any(source in unknown for source in sources):
                unknown.add(current)
            elif any(source in found for source in sources):
                try:
                    carried = self._pushed(current, [found.get(source) for source in sources])
                except _UNKNOWN:
                    unknown.add(current)
                    continue
                if carried is not None:
                    found[current] = carried
        return found

    def _pulled(self, node: N, cotangent: Tensor) -> list[Tensor | None]:
        """Return the VJP of a node for each operand; None where no gradient arrives."""
        leaves, result = self._graph(node)
        if result is None:
            return [None] * len(leaves)
        return autograd_vjp([result], leaves, [cotangent], keep=True)

    def _pushed(self, node: N, tangents: Sequence[Tensor | None]) -> Tensor | None:
        """Return the JVP of a node for tangents of some operands; None where nothing arrives."""
        leaves, result = self._graph(node)
        return None if result is None else autograd_jvp(result, leaves, tangents)

    def _graph(self, node: N) -> Graph:
        """Return the autograd graph of a node's call, run again on detached leaves."""
        if node not in self._graphs:
            if node.call is not None:
                Bounds(node.call.tensors).charge_replay(node.call)
            leaves = [
                own.value.detach().requires_grad_(
                    own.value.is_floating_point() and own.node not in self._skip
                )
                for own in node.operands
            ]
            result = None
            real = node.value.is_floating_point() and any(leaf.requires_grad for leaf in leaves)
            if node.call is not None and real:
                with torch.enable_grad():
                    made = rerun(node.call, leaves)
                result = made if made.requires_grad else None  # None for such as a detach
            self._graphs[node] = leaves, result
        return self._graphs[node]


def _seed(node: RecordNode, index: Index) -> Tensor:
    if not node.value.is_floating_point():
        raise ValueError(f"{node.name} is {node.dtype}: only what is made of real numbers has a derivative")
    node.reads(index)  # raises for a cell that is not there
    return one(node.shape, index).to(node.value.dtype)
