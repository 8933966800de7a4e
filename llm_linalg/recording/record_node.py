"""A node: one operation that torch executed, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple, Self, TypeAlias, TypeVar

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Shape
from llm_linalg.base.cells import NO_CELLS, Cells, Index
from llm_linalg.base.errors import Span
from llm_linalg.base.text import clean, elide_expression
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import Function
from llm_linalg.ops.call_cache import CallPlan, Number
from llm_linalg.ops.fallback import opaque_call
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import Reads
from llm_linalg.ops.terms import Terms
from llm_linalg.recording.gap import Gap

N = TypeVar("N", bound="RecordNode")
TITLE_LIMIT = 24
"""The most characters of a title that is an expression; a longer one is elided in the middle."""

ALIAS = "alias"
"""The operation of a node that refreshes a tensor."""
OUTSIDE = "outside"
"""The operation of a tensor that was written behind the recorder: nobody knows what made its cells."""

MEMBERS = ("weight", "bias")
"""The parameters of calls by which a layer's parameters are known."""
MOST_READ = 400
"""The characters at either end of an expression that its title is made from."""
OPERATORS = frozenset("+-*/%@&|^~<>=!")
WORD_OPERATORS = ("if", "else", "and", "or", "not", "in", "is", "lambda")

Value: TypeAlias = Tensor
"""The type of a node's value, for modules that must not import torch."""


@dataclass(slots=True, eq=False)
class Operand(Generic[N]):
    """A tensor passed to a call.

    Attributes:
        value: Its values at the time of the call.
        node: The node that made it.
    """

    value: Tensor
    node: N

    @property
    def title(self) -> str:
        """The title of the node that made it."""
        return self.node.title

    @property
    def title_of_cells(self) -> str:
        """The same such that an index can follow."""
        return self.node.title_of_cells

    @property
    def name(self) -> str:
        """The name of the node that made it."""
        return self.node.name


@dataclass(slots=True, eq=False)
class LazyCall:
    """A call that was run by a plan, bound only when somebody looks at its node: few of a loop's are.

    Attributes:
        plan: The plan.
        function: The torch function.
        numbers: The numbers that the plan leaves open, in the order in which they were written.
        position: The position of the result among several outputs.
    """

    plan: CallPlan
    function: Function
    numbers: Sequence[Number] = ()
    position: int = 0

    @property
    def operation(self) -> Operation:
        """The table's entry."""
        return self.plan.operation

    @property
    def order(self) -> tuple[int, ...]:
        """For each tensor, its position in the call as it was written."""
        return self.plan.order

    @property
    def written_place(self) -> int | None:
        """The position of the tensor that the call writes to; None if it writes to none."""
        return self.plan.written_place

    def at(self, position: int) -> LazyCall:
        """Return the same call for another of its results."""
        return LazyCall(self.plan, self.function, self.numbers, position)

    def bind(self, operands: Sequence[Operand[Any]], output: Tensor) -> Call:
        """Return the call with its arguments by parameter."""
        values = tuple([operand.value for operand in operands])
        return self.plan.call(self.function, values, self.numbers, output, self.position)


class Origin(NamedTuple):
    """Where a call was made."""

    span: Span | None = None  # the place of its expression
    source: str = ""  # the text of its expression
    file: str = ""  # its file, for trusted Python
    scope: str = ""  # the path of the module or function call that it ran in
    target: str = ""  # the variable that a line of trusted Python assigns the expression to; or empty


class RecordNode:
    """One operation of a trace and its result; an input is a node without operands.

    Attributes:
        index: Its position in the trace.
        op: torch's short name of the operation, whichever way it was written.
        value: The result, a torch tensor, detached.
        operands: The tensors that went in, in the order of the operation's parameters.
        line: The line of the program, counted from 1; None without source.
        source: The text of the expression.
        file: The file of the call, for trusted Python; else empty.
        scope: The path of the module that it was made in, such as `transformer.h.0.attn`; or empty.
        target: The variable that a line of trusted Python assigns it to; or empty.
        dropped: Whether its values were dropped to stay within a byte budget: it is then a meta tensor.
        is_one_of_several: Whether its call had several results.
        is_inner: Whether another node of the same expression reads it, as in a layer of several steps: then
            the expression is not what it is called.
        is_returned: Whether its tensor is the first of floating point that a traced callable returned.
        requires_grad: Of an input, and of what the program made and learns: whether its tensor requires a
            gradient, which a frozen parameter does not.
        checkpoint: The number of the `torch.utils.checkpoint` that makes it again on the way back, and keeps
            only what went in; 0 without.
        words: What it is called where its name is not the program's, such as `mine on device 1`; or empty.
        member: Of a parameter of a layer without a name, which it is: `weight`.
        gap: Of a tensor as turns of a loop left it that were not recorded: these turns.
        flows_on: Whether its gradient flows on into these turns, or other calls that were not recorded.
        missed: The numbers that its name had in such turns, since the last node of that name and line.
        no_grad: Whether it was computed under `torch.no_grad()`, so that no gradient flows through it.
        forward_node: In a gradient program, the node whose VJP this step belongs to.
        why: In a gradient program, the explanation of the step.
        hooks: The functions of the program that may change its gradient, as far as they are at hand.
        has_hook: Of a node that was read: whether it has such functions.
        composite: The composite that it is a part of; None for a node of the program itself.
        part_nodes: The parts of a composite, once they were asked for.
    """

    operands: tuple[Operand[Self], ...]
    dropped = False
    no_grad = False
    is_one_of_several = False
    is_inner = False
    is_returned = False
    requires_grad = False
    checkpoint = 0
    words = ""
    member = ""
    gap: Gap | None = None
    flows_on = False
    missed: tuple[float, ...] = ()
    forward_node: RecordNode | None = None
    why = ""
    hooks: tuple[Callable[[Tensor], Any], ...] = ()
    has_hook = False
    composite: Self | None = None
    part_nodes: tuple[Self, ...] | None = None

    def __init__(
        self,
        index: int,
        op: str,
        value: Tensor,
        operands: tuple[Operand[Self], ...] = (),
        call: Call | LazyCall | None = None,
        origin: Origin = Origin(),  # noqa: B008 - it is a value
        name: str | None = None,
    ) -> None:
        self.index = index
        self.op = op
        self.value = value
        self.operands = operands
        self._call = call.with_output(value) if call.__class__ is Call and call.output is not value else call
        self.span, self.source, self.file, self.scope, self.target = origin
        self.bound_name = name

    def __repr__(self) -> str:
        made = "written from outside" if self.is_made_outside else self.op
        return f"<{clean(self.name, 60)}: {made} {self.shape}>"

    @property
    def call(self) -> Call | None:
        """The call that it records; None for an input."""
        if isinstance(self._call, LazyCall):
            self._call = self._call.bind(self.operands, self.value)
        return self._call

    @property
    def plan(self) -> tuple[object, ...] | None:
        """What its call has in common with others that take and make as much; None if that is not known."""
        call = self._call
        return (id(call.plan), call.position) if isinstance(call, LazyCall) else None

    @property
    def is_input(self) -> bool:
        """Whether its tensor comes from outside, and no call made it."""
        return self._call is None

    @property
    def is_made_outside(self) -> bool:
        """Whether calls that were not recorded made its cells, from others of the trace as may be."""
        made_so = self.flows_on and self.gap is None and self.op != "parameter"
        return self._call is None and (self.op == OUTSIDE or made_so)

    @property
    def written_place(self) -> int | None:
        """The position of the operand that its call wrote to; None if it wrote to none."""
        return None if self._call is None or not self.operands else self._call.written_place

    @property
    def is_write(self) -> bool:
        """Whether its call wrote to an operand."""
        return self.written_place is not None

    @cached_property
    def parameter(self) -> RecordNode | None:
        """The parameter that it is, or is what writes have made of one; None if neither.

        Asked of the nodes of a trace in their order, each has its answer from the one before.
        """
        if self.op == "parameter":
            return self
        place = self.written_place
        return None if place is None else self.operands[place].node.parameter

    def note_written_view(self) -> None:
        """Take note that a view was written, or what it is a view of: autograd then forgets its hooks."""
        self.flows_on = self.flows_on or (bool(self.hooks) and self.kind == "movement")

    def leave_open(self) -> None:
        """Take note that its cells, or what they were made from, were written behind the recorder."""
        self.flows_on = self.flows_on or bool(self.operands)
        self.op, self._call, self.operands = OUTSIDE, None, ()

    def hide_call(self) -> None:
        """Keep of its call only what it was made from: on what is shown of that, it gives another value."""
        position = 0 if self._call is None else self._call.position
        self._call = opaque_call(self.op, [own.value for own in self.operands], self.value, position)

    def drop(self) -> None:
        """Replace its value and its operands' by meta tensors, which keep shape and dtype."""
        self.dropped = True
        self.value = shadow(self.shape, self.value.dtype)
        self.operands = tuple(
            [replace(item, value=shadow(tuple(item.value.shape), item.value.dtype)) for item in self.operands]
        )
        if self.call is not None:
            call = self.call.with_tensors([operand.value for operand in self.operands])
            self._call = call.with_output(self.value)

    @property
    def name(self) -> str:
        """Its name in the program, else one made from its operation and position."""
        return self.bound_name or f"{self.op}_{self.index}"

    @property
    def title(self) -> str:
        """What to call it: its name in the program, else the text of its expression, such as `W.T`.

        A long expression is elided in the middle, so that both of its ends tell it from others.
        """
        if self.words:
            return self.words
        return self.bound_name or (_elide(self._expression) if self.source else self.name)

    def note_inner(self) -> None:
        """Take note of the operands that the same expression made on its way to this node."""
        span = self.span
        for operand in self.operands if span is not None else ():
            made = operand.node
            if made.span is span and not made.is_input:
                made.is_inner = True

    def note_members(self, places: Mapping[str, tuple[int, ...]]) -> None:
        """Take note of which parameters of a layer a call takes, given which of its operands they are."""
        for name in MEMBERS:
            for place in places.get(name, ()):
                if self.operands[place].node.op == "parameter":
                    self.operands[place].node.member = name

    @property
    def title_of_cells(self) -> str:
        """The title such that an index can follow: `K.T`, `(x + 1)`."""
        text = self.words or ("" if self.bound_name or not self.source else self._expression)
        several = has_operator(text) or bool(self.words and " " in _outside_brackets(text))
        return f"({self.title})" if several else self.title

    @property
    def _expression(self) -> str:
        """The text of its expression; of a call with several results, with the place of this one."""
        if self.is_inner:
            return f"{self.op}(…)"
        if self.member:
            return f"{self.source}.{self.member}"
        place = self._call.position if self._call is not None and self.is_one_of_several else None
        return self.source if place is None else f"{self.source}[{place}]"

    @property
    def line(self) -> int | None:
        """The line of the program that made it, counted from 1."""
        return self.span.line if self.span else None

    @property
    def shape(self) -> Shape:
        """The shape of its value."""
        return tuple(self.value.shape)

    @property
    def dtype(self) -> str:
        """Its dtype without `torch.`, such as `float32`."""
        return str(self.value.dtype).removeprefix("torch.")

    @property
    def kind(self) -> str:
        """The kind of operation: contraction, pointwise, reduction, movement, rowwise, mask and so on."""
        return "input" if self._call is None else self._call.operation.kind

    @cached_property
    def evidence(self) -> str:
        """How its reads are known: `rule`, `index`, `autograd`, `opaque`; `outside` if nobody can say."""
        if self.call is None:
            return "outside" if self.is_made_outside else "rule"
        return self.call.operation.evidence_of(lambda: self.operand_reads)

    @cached_property
    def axes(self) -> Axes | None:
        """The axes spec, for operations that have one."""
        return self.call.operation.axes(self.call) if self.call else None

    @cached_property
    def operand_reads(self) -> tuple[Reads, ...]:
        """What its cells read, one entry per operand; a composite's parts are not considered here."""
        return self.call.operation.operand_reads(self.call) if self.call else ()

    def changed_by_hooks(self, gradient: Tensor) -> Tensor:
        """Return a gradient of it as its hooks leave it."""
        for hook in self.hooks:
            changed = hook(gradient)
            gradient = gradient if changed is None else changed
        return gradient

    def require_values(self) -> None:
        """Raise `LookupError` if its values were dropped, or there never were any."""
        if self.dropped:
            raise LookupError(f"the values of {self.name} were dropped: `recomputed` of the trace has them")
        if self.value.is_meta:
            raise LookupError(f"{self.name} has no values: it is on the meta device")

    def reads(self, index: Index) -> tuple[Cells, ...]:
        """Return the cells of each operand that a cell of the result is computed from.

        Args:
            index: A cell of the result.

        Returns:
            One collection of index tuples per operand.

        Raises:
            IndexError: If the result has no such cell.
            LookupError: If the values, on which the answer may depend, were dropped.
        """
        self.require_values()
        _check(index, self.shape, self.name)
        return tuple(relation.reads(tuple(index)) for relation in self.operand_reads)

    def feeds(self, operand: int, index: Index) -> Cells:
        """Return the cells of the result that a cell of an operand contributes to.

        Args:
            operand: The position of the operand.
            index: One of its cells.

        Raises:
            IndexError: If there is no such operand or cell.
            LookupError: If the values were dropped.
        """
        if not 0 <= operand < len(self.operands):
            raise IndexError(f"{self.name} has {len(self.operands)} operands: no operand {operand}")
        self.require_values()
        value = self.operands[operand].value
        _check(index, tuple(value.shape), self.operands[operand].name)
        return self.operand_reads[operand].feeds(tuple(index)) if self.value.numel() else NO_CELLS

    def mask_rule(self, index: Index) -> str | None:
        """Return the rule that masks a cell, such as `j ≥ i + 1: 0 ≥ 2 + 1 is false`; None if unmasked."""
        _check(index, self.shape, self.name)
        return self.call.operation.mask_rule(self.call, tuple(index)) if self.call else None

    @cached_property
    def term_count(self) -> int | None:
        """The number of terms that each cell sums; None if it is not a sum, or the number varies."""
        return self.call.operation.term_count(self.call) if self.call else None

    @property
    def bias_position(self) -> int | None:
        """The position of the operand that is added, not multiplied (a bias); None if there is none."""
        operation = self.call.operation if self.call else None
        return operation.bias_position(self.call) if operation and self.call else None

    def terms(self, index: Index) -> Terms | None:
        """Return the terms that a cell sums; None if it is not a sum."""
        return self.call.operation.terms(self.call, index) if self.call else None


def operand_nodes(node: N) -> list[N]:
    """Return the nodes that a node is computed from."""
    return [operand.node for operand in node.operands]


@lru_cache(4096)
def _elide(source: str) -> str:
    """Return an expression on one line, elided."""
    text = " ".join(source[:MOST_READ].split())
    if len(source) > MOST_READ:
        text += " " + " ".join(source[-MOST_READ:].split())
    return elide_expression(text, TITLE_LIMIT)


@lru_cache(4096)
def _outside_brackets(source: str) -> str:
    """Return a text with `_` for each character that stands within brackets."""
    depth = 0
    bare = []
    for char in source[:MOST_READ]:
        depth += (char in "([{") - (char in ")]}")
        bare.append(char if depth == 0 else "_")
    return "".join(bare)


def has_operator(source: str) -> bool:
    """Return whether an expression has an operator outside all brackets, so that no index can follow it."""
    text = _outside_brackets(source)
    return not OPERATORS.isdisjoint(text) or any(f" {word} " in f" {text} " for word in WORD_OPERATORS)


@lru_cache(1_000)
def shadow(shape: Shape, dtype: torch.dtype) -> Tensor:
    """Return a tensor of a shape without cells."""
    with untraced():
        return torch.empty(shape, dtype=dtype, device="meta")


def _check(index: Sequence[int], shape: Shape, name: str) -> None:
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        raise IndexError(f"{name} has shape {shape}: no cell {tuple(index)}")
