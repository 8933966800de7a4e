"""What a picture of one operation shows, as a value: the only question that a picture puts to the engine.

:func:`node_view` answers for a node at a step of a loop order, :func:`cell_view` for one cell of its result.
What they return never changes. It is small, and what grows with the tensor is worked out for the part that is
looked at: the numbers of a window, the cells that one cell reads, the terms of one sum. So a view of a
4096 × 4096 product costs what is drawn of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from llm_linalg.api.node import Node
from llm_linalg.api.tensor_view import TensorView
from llm_linalg.base.axes import Axes, Shape
from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.cells import Cells, Index
from llm_linalg.explain.formula import operand_name, step_text
from llm_linalg.explain.nan_origin import nan_reason
from llm_linalg.ops import TABLE
from llm_linalg.ops.terms import Number
from llm_linalg.walks.walk import Step, Walk

WRITTEN = 64
"""Cells written by one step that are looked at for what is no number."""

AxisNames = Callable[[Node], TensorLabels]


def no_axis_names(_: Node) -> TensorLabels:
    """Return no names for a node's axes."""
    return ()


@dataclass(frozen=True, eq=False)
class NodeView:
    """An operation at one step of a loop order.

    Attributes:
        node: The node. It tells operations apart; all questions to it are here.
        operands: The tensors that went in.
        result: What came out, as the step leaves it.
        walk: The steps in a loop order; None if the view is of the result without its steps.
        position: The step, from 0; -1 before the first.
        line: The line, from 1, of the operation or of the composite that it is a part of.
        program_line: The same; of a gradient the line of what it is the gradient of.
        file: The file in which `line` counts, of trusted Python; else empty.
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
    def name(self) -> str:
        """The node's name."""
        return self.result.name

    @property
    def shape(self) -> Shape:
        """The shape of its result."""
        return self.result.shape

    @property
    def op(self) -> str:
        """The operation, by torch's short name."""
        return self.node.op

    @property
    def operator(self) -> str:
        """Python's operator for it, such as ``@``; or empty."""
        return TABLE.operator(self.op)

    @property
    def why(self) -> str:
        """In a gradient program, why it is what it is; else empty."""
        return self.node.why

    @property
    def dropped(self) -> bool:
        """Whether its values were dropped: then nothing may be asked about its cells."""
        return self.node.dropped

    @cached_property
    def kind(self) -> str:
        """The kind of operation: contraction, pointwise, reduction and so on."""
        return self.node.kind

    @cached_property
    def axes(self) -> Axes | None:
        """The axes spec, for operations that have one."""
        return self.node.axes

    @cached_property
    def evidence(self) -> str:
        """How its reads are known: ``rule``, ``index``, ``autograd`` or ``opaque``."""
        return self.node.evidence

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a composite."""
        return self.node.composite is not None

    @cached_property
    def has_parts(self) -> bool:
        """Whether it has parts."""
        return bool(self.node.parts)

    @cached_property
    def shape_line(self) -> str:
        """The shapes in one line: ``(3, 2) @ (2, 4) → (3, 4)   inner 2 = 2 ✓``."""
        return self.node.shape_line

    @cached_property
    def is_sum(self) -> bool:
        """Whether each cell is the sum of a fixed number of terms."""
        return self.node.term_count is not None

    @property
    def order(self) -> str | None:
        """The loop order."""
        return None if self.walk is None else self.walk.order

    @property
    def steps(self) -> int:
        """How many steps it has in its order."""
        return 0 if self.walk is None else len(self.walk)

    @cached_property
    def step(self) -> Step | None:
        """The step; None before the first."""
        return self.walk[self.position] if self.walk is not None and 0 <= self.position < self.steps else None

    @cached_property
    def sentence(self) -> str:
        """How a step of its order makes its cells; empty without an order."""
        return "" if self.order is None else self.node.sentence(self.order)

    @cached_property
    def text(self) -> str:
        """What its step does, in one line; empty before the first."""
        return "" if self.step is None else self.step.text

    @cached_property
    def nan_reason(self) -> str:
        """Why a cell that its step wrote is no finite number; empty if all are."""
        written = self.step.writes if self.step is not None and len(self.step.writes) <= WRITTEN else ()
        return next((text for index in written if (text := nan_reason(self.node, index))), "")

    def reads(self, index: Index) -> tuple[Cells, ...]:
        """Return the cells of each operand that a cell is made from."""
        return self.node.reads(index)

    def feeds(self, operand: int, index: Index) -> Cells:
        """Return the cells of the result that a cell of an operand goes into."""
        return self.node.feeds(operand, index)

    def is_masked(self, index: Index) -> bool:
        """Whether a rule of the operation masks a cell."""
        return self.node.mask_rule(index) is not None


def node_view(
    node: Node, order: str | None = None, position: int | None = None, axis_names: AxisNames = no_axis_names
) -> NodeView:
    """Return a node as a picture shows it.

    Args:
        node: The node.
        order: The loop order; None for the result without its steps, all of it computed.
        position: The step, from 0; -1 is before the first, None the last.
        axis_names: What is known of the names of a node's axes.
    """
    walk = None if order is None else Walk(node, order, step_text)
    last = -1 if walk is None or node.dropped else len(walk) - 1
    position = last if position is None else position
    left = None if 0 <= position == last else walk  # what is done needs no steps
    outer = node
    while outer.composite is not None:
        outer = outer.composite
    operands = [TensorView(o.node, o.name, o.title, o.value, axis_names(o.node)) for o in node.operands]
    names = axis_names(node)
    result = TensorView(node, node.name, node.title, node.value, names, left, position)
    program_line = (forward_node_of(outer) or outer).line
    return NodeView(node, tuple(operands), result, walk, position, outer.line, program_line, outer.file)


def forward_node_of(step: Node) -> Node | None:
    """Return the node of the program whose gradient a node computes; None if it computes none.

    Of a composite's part it is the composite.
    """
    node = step.forward_node
    while node is not None and node.composite is not None:
        node = node.composite
    return node


class NamedCells(NamedTuple):
    """Some cells of a tensor.

    Attributes:
        name: What the tensor is called where an index follows.
        cells: Which cells.
        shape: The tensor's shape.
    """

    name: str
    cells: Cells
    shape: Shape


@dataclass(frozen=True, eq=False)
class CellView:
    """One cell of a result: what it is made from, how, and where it goes.

    Attributes:
        index: The cell.
        value: Its number.
        maker: The node at the step that completes the cell.
        sources: What it is made from, an entry an operand.
        consumers: Where it goes, an entry for each node that reads it, as many as were asked for.
        more: How many nodes read it besides.
        mask_rule: The rule that masks it; None if none does.
        nan_reason: Why it is no finite number; empty if it is one.
    """

    index: Index
    value: Number
    maker: NodeView
    sources: tuple[NamedCells, ...]
    consumers: tuple[NamedCells, ...]
    more: int
    mask_rule: str | None
    nan_reason: str


def cell_view(
    tensor: TensorView,
    index: Index,
    readers: Iterable[Node],
    most: int,
    axis_names: AxisNames = no_axis_names,
) -> CellView:
    """Return what there is to say about one cell of a tensor.

    Args:
        tensor: The tensor.
        index: The cell.
        readers: The nodes that may read it.
        most: How many of those that do are listed.
        axis_names: What is known of the names of a node's axes.
    """
    maker = tensor.node
    consumers = [
        (node, position)
        for node in readers
        for position, operand in enumerate(node.operands)
        if operand.value is tensor.value or operand.node is maker
    ]
    order = maker.orders[0]
    return CellView(
        index=index,
        value=tensor.value[index].item(),
        maker=node_view(maker, order, maker.walk(order).locate(index), axis_names),
        sources=tuple(
            NamedCells(operand_name(operand), cells, tuple(operand.value.shape))
            for operand, cells in zip(maker.operands, maker.reads(index), strict=True)
        ),
        consumers=tuple(
            NamedCells(node.name, node.feeds(position, index), node.shape)
            for node, position in consumers[:most]
        ),
        more=max(0, len(consumers) - most),
        mask_rule=maker.mask_rule(index) if maker.kind == "mask" else None,
        nan_reason=nan_reason(maker, index),
    )
