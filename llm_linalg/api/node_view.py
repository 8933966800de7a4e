"""Everything that a picture of one operation shows, as an immutable value.

What grows with the tensor is computed only for the visible part: the numbers of a window, the cells that
one cell reads, the terms of one sum. So the view of a 4096 × 4096 product costs as much as what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from llm_linalg.api.node import Node
from llm_linalg.api.tensor_view import TensorView
from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.explain.combination import Combination, combination_of
from llm_linalg.explain.formula import (
    BlockNumbers,
    block_numbers,
    divisor,
    numbers_below,
    step_text,
)
from llm_linalg.explain.nan_origin import nan_reason
from llm_linalg.ops.mask import Mask
from llm_linalg.ops.terms import Number
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.walks.walk import Step, Walk

WRITTEN = 64
"""The most cells of one step that are checked for NaN and infinity."""


@dataclass(frozen=True, eq=False)
class NodeView:
    """An operation at one step of a loop order.

    Attributes:
        node: The node.
        operands: The operands.
        result: The result, as the step leaves it.
        walk: The steps in a loop order; None for the result without steps.
        position: The step, from 0; -1 before the first.
        line: The line, from 1, of the operation or of the composite that contains it.
        program_line: The same, but for a gradient the line of its forward node.
        file: The file of `line`, for trusted Python; else empty.
    """

    node: Node
    operands: tuple[TensorView, ...]
    result: TensorView
    walk: Walk | None
    position: int
    line: int | None
    program_line: int | None
    file: str

    @property
    def operator(self) -> str:
        """Python's operator for what the operation does, such as `@`; empty if it has none."""
        call = self.node.call
        return call.operation.operator_for(call) if call else ""

    @cached_property
    def divisor(self) -> int | None:
        """The number by which it divides a sum, if it is an average; else None."""
        return divisor(self.node)

    @cached_property
    def combination(self) -> Combination | None:
        """The current step as a weighted sum of vectors, with the words along their axes; else None."""
        if self.walk is None or self.step is None or self.step.cell is not None:
            return None
        return combination_of(self.walk, self.step, self._word)

    @cached_property
    def numbers_below(self) -> list[list[Number]]:
        """The vectors of the current step's outer product, or the values of its wave's front; else []."""
        return [] if self.walk is None or self.step is None else numbers_below(self.walk, self.step)

    @cached_property
    def block(self) -> BlockNumbers | None:
        """The numbers of the current step, if it writes several cells that are no product; else None."""
        return None if self.walk is None or self.step is None else block_numbers(self.walk, self.step)

    def _word(self, node: RecordNode, axis: int, i: int) -> str:
        """Return the word at a position along an axis of one of its tensors; empty if there is none."""
        tensor = next(tensor for tensor in (self.result, *self.operands) if tensor.node is node)
        labels = tensor.axis_names[axis].labels if tensor.axis_names else ()
        return labels[i] if i < len(labels) else ""

    @property
    def order(self) -> str | None:
        """The loop order."""
        return None if self.walk is None else self.walk.order

    @property
    def steps(self) -> int:
        """The number of steps in its order; 0 without an order."""
        return 0 if self.walk is None else len(self.walk)

    @cached_property
    def step(self) -> Step | None:
        """The current step; None before the first."""
        return self.walk[self.position] if self.walk is not None and 0 <= self.position < self.steps else None

    @cached_property
    def sentence(self) -> str:
        """One sentence on what a step of its order does; empty without an order."""
        return "" if self.order is None else self.node.sentence(self.order)

    @cached_property
    def text(self) -> str:
        """One line of arithmetic on the current step; empty before the first."""
        return "" if self.step is None else self.step.text

    @cached_property
    def nan_reason(self) -> str:
        """Why a cell that the current step wrote is NaN or infinite; empty if all are finite."""
        written = self.step.writes if self.step is not None and len(self.step.writes) <= WRITTEN else ()
        return next((text for index in written if (text := nan_reason(self.node, index))), "")

    def masks_to_zero(self) -> bool:
        """Return whether the operation is a mask that sets a cell to 0, and not to −inf or another number."""
        call = self.node.call
        if call is None or not isinstance(call.operation, Mask):
            return False
        masked = call.operation.mask_of(call)
        return bool(((self.node.value == 0) & masked).any())


def node_view(
    node: Node,
    order: str | None = None,
    position: int | None = None,
    axis_names: Callable[[Node], TensorLabels] = lambda _: (),
) -> NodeView:
    """Return the view of a node.

    Without an order it is the complete result, without steps. The position is a step, from 0: -1 is before
    the first, and None is the last. `axis_names` returns the axis names and labels of a node.
    """
    walk = None if order is None else Walk(node, order, step_text)
    last = -1 if walk is None or node.dropped else len(walk) - 1
    position = last if position is None else position
    left = None if 0 <= position == last else walk  # a complete result needs no steps
    outer = node
    while outer.composite is not None:
        outer = outer.composite
    operands = [TensorView(o.node, o.name, o.title, o.value, axis_names(o.node)) for o in node.operands]
    names = axis_names(node)
    result = TensorView(node, node.name, node.title, node.value, names, left, position)
    program_line = (outer.outer_forward_node or outer).line
    return NodeView(node, tuple(operands), result, walk, position, outer.line, program_line, outer.file)
