"""A trace as documented: the record of what torch did, and the questions that can be put to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.api.node import Node
from llm_linalg.backward import backward
from llm_linalg.cells import Cells, Index
from llm_linalg.edge import Declared, Edges
from llm_linalg.influence import Influence
from llm_linalg.lineage import Lineage
from llm_linalg.maps import Map
from llm_linalg.naming import Naming
from llm_linalg.tracing import Record, fed_by, made_from

if TYPE_CHECKING:
    from torch import Tensor


class Trace(Record[Node]):
    """What torch did for a program: its nodes, and what they have to do with each other."""

    @classmethod
    def of(cls, record: Record[Node]) -> Trace:
        """Return a record as a trace."""
        trace = cls(record.nodes, record.names, record.source, record.seed, record.printed)
        trace.refused, trace.failed = record.refused, record.failed
        trace.lists, trace.lines = record.lists, record.lines
        return trace

    @cached_property
    def _gradients(self) -> dict[Node, Trace]:
        return {}

    def backward(self, loss: str | Node) -> Trace:
        """Return the gradient program of a node: each step in torch terms, such as ``dW = dY.T @ X``.

        Args:
            loss: The node, or its name. If it has more than one cell, the gradient is that of their sum.

        Returns:
            A trace whose nodes are named ``d`` + the name of what they are the gradient of.

        Raises:
            LookupError: If values that it was made from were dropped.
        """
        node = self.node(loss)
        if node not in self._gradients:
            self.hold(made_from(self.nodes, node))
            self._gradients[node] = Trace.of(backward(self, node))
        return self._gradients[node]

    def lineage(self, node: str | Node, index: Index) -> dict[Node, Cells]:
        """Return what a cell depends on, back to the inputs: the cells of each node.

        A cell that a mask set to 0, or to −inf before a softmax, carries nothing.

        Raises:
            LookupError: If values that it was made from were dropped; so do `reach` and the like.
        """
        found = self.node(node)
        self.hold(made_from(self.nodes, found))
        return self._lineage.back(found, tuple(index))

    def reach(self, node: str | Node, index: Index) -> dict[Node, Cells]:
        """Return what a cell feeds, on to the end: the cells of each node."""
        found = self.node(node)
        self.hold(made_from(self.nodes, *fed_by(self.nodes, found)))  # what they are made of may be masked
        return self._lineage.forward(found, tuple(index))

    def influence(self, node: str | Node, index: Index) -> dict[Node, Tensor]:
        """Return the derivative of a cell by the cells of each node that it is made from, at their values.

        Beside `lineage`, which says what a cell depends on at all.

        Returns:
            For each node of real numbers that it is made from, and its own, a tensor of that node's shape.

        Raises:
            ValueError: If the node holds no real numbers.
        """
        found = self.node(node)
        self.hold(made_from(self.nodes, found))
        return self._influence.back(found, tuple(index))

    def effect(self, node: str | Node, index: Index) -> dict[Node, Tensor]:
        """Return the derivative of the cells of each node that a cell feeds by that cell, at their values."""
        found = self.node(node)
        self.hold(fed_by(self.nodes, found))
        return self._influence.forward(found, tuple(index))

    @cached_property
    def map(self) -> Map[Node]:
        """Its operations folded by scopes: boxes, arrows, and what each takes, a level at a time."""
        return Map(self.nodes, self.scopes)

    @cached_property
    def _influence(self) -> Influence[Node]:
        return Influence(self.nodes)

    @cached_property
    def _lineage(self) -> Lineage[Node]:
        return Lineage(self.nodes)

    def edges(
        self, axes: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[str] | str] | None = None
    ) -> dict[Node, Edges]:
        """Return what the axes of each node are called, derived from what is said of a few.

        Args:
            axes: For a tensor's name the names of its axes, in order: ``{"Q": ("query", "")}``.
            labels: For an axis's name the words at its places, or the name of a list in the program.

        Returns:
            An `Edge` (``name``, ``labels``) for each axis of each node of which there is something to say.
        """
        words = {name: x if isinstance(x, str) else tuple(x) for name, x in (labels or {}).items()}
        named = tuple((name, tuple(own)) for name, own in axes.items())
        naming = Naming(Declared(named, tuple(words.items())), self.lists)
        found = {node: naming.of(node) for node in self.nodes}
        return {node: edges for node, edges in found.items() if edges}
