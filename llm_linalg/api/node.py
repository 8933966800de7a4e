"""The documented node: one torch call, with its parts, orders, walks and descriptions."""

from __future__ import annotations

from functools import cached_property

from llm_linalg.analysis.parts import multiplications_of, parts_of, reads_of
from llm_linalg.explain.descriptions import sentence, shape_line
from llm_linalg.explain.formula import walk_of
from llm_linalg.ops.reads import Reads
from llm_linalg.recording import record_node
from llm_linalg.walks.orders import orders_of
from llm_linalg.walks.walk import Walk


class Node(record_node.RecordNode):
    """One operation of a trace and its result; an input is a node without operands."""

    forward_node: Node | None = None

    @cached_property
    def operand_reads(self) -> tuple[Reads, ...]:
        """What its cells read, one entry per operand; those of a composite go through its parts."""
        return reads_of(self)

    @property
    def parts(self) -> tuple[Node, ...]:
        """The nodes inside a composite call (softmax: max, sub, exp, sum, div), else ()."""
        return parts_of(self)

    @property
    def outer_forward_node(self) -> Node | None:
        """The program's node whose VJP it belongs to, for a part of a composite the composite; else None."""
        node = self.forward_node
        while node is not None and node.composite is not None:
            node = node.composite
        return node

    @cached_property
    def multiplications(self) -> int | None:
        """The number of its multiplications and divisions, by its axes; None if unknown."""
        return multiplications_of(self)

    @cached_property
    def orders(self) -> tuple[str, ...]:
        """The loop orders in which its cells can be walked."""
        return orders_of(self)

    def walk(self, order: str | None = None) -> Walk:
        """Return the operation as a sequence of steps.

        Args:
            order: One of `orders`; the first when left out.

        Raises:
            ValueError: If the node has no such order.
            LookupError: If its values were dropped.
        """
        return walk_of(self, order)

    @cached_property
    def shape_line(self) -> str:
        """The shapes in one line: `(3, 2) @ (2, 4) → (3, 4)   inner 2 = 2 ✓`."""
        return shape_line(self)

    def sentence(self, order: str | None = None) -> str:
        """Return one sentence on what a step of an order does."""
        return sentence(self, order or self.orders[0])


Operand = record_node.Operand[Node]
"""A tensor passed to a call: its value, and the node that made it."""
