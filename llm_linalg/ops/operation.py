"""Operations, as entries of the table describe them, and calls of them.

An operation is one entry: its name, its signature, the torch functions that mean it, and how its cells are
computed. A family in this folder implements what its operations have in common; an entry states the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from math import isfinite, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch, pointwise
from llm_linalg.base.cells import Index
from llm_linalg.base.rng import lock_rng
from llm_linalg.ops.arguments import (
    PLAIN,
    ArgumentSlot,
    Function,
    NumberSlot,
    copy_laid_like,
    fill_slots,
    leaves,
    map_leaves,
    map_tensors,
    may_write,
    outputs,
    tensors_in,
    writes,
)
from llm_linalg.ops.randomness import own_generator
from llm_linalg.ops.reads import AxesReads, OpaqueReads, Reads
from llm_linalg.ops.signature import parse_signature
from llm_linalg.ops.terms import Term, Terms

NO_DERIVATIVE = "?"
"""In place of a cotangent: torch raises an error where it would have to be computed."""
VJPRule = Callable[["Call"], Mapping[str, str]]
HALF_PRECISION = (torch.float16, torch.bfloat16)


CELL = 48  # multiplications in a matrix product that take as long as one cell of a sum


class Price(NamedTuple):
    """What a call takes, about."""

    cells: int  # the cells of the largest tensor that torch allocates
    products: int = 0  # the multiplications, or like work, that are more than a few a cell
    outputs: int = 1  # the number of tensors that it returns

    @property
    def multiplications(self) -> int:
        """All that it does, in multiplications: one thread does about 6·10⁹ of these in a second."""
        return self.products + CELL * self.cells


@dataclass(frozen=True, eq=False)
class Operation:
    """An entry of the table.

    Attributes:
        name: torch's own short name.
        signature: Its parameters, as in `input, dim=None, keepdim=False, *, dtype=None`.
        aliases: torch's other names for it.
        spellings: Other torch functions that mean it, such as Python's operators.
        functions: Functions of our own that mean it.
        reflected: Spellings that take the first two parameters in reverse, such as `__rsub__`.
        operator: Python's operator for it, which also stands between the operands on the stage.
        symbol: The sign between the shapes of its operands, if Python has no operator for it.
        phrase: How a cell is computed, with the operands' values in braces: `exp({input})`.
        later_phrase: The same of its second result: `position of max({cells})`.
        gradient: For each parameter, its cotangent in torch terms; without one it is left to autograd; `?` if
            torch has none. See `llm_linalg.analysis.gradients.gradient_program`.
            Lines above the last bind names that it uses; they are named after the node in the program.
            A last line `{to}` means that the lines above have bound the cotangent itself.
        vjp_explanation: Why the cotangent is what it is, in a sentence; see
            `llm_linalg.analysis.gradients.explanations`.
        vjp_for_call: The cotangents of a call, where they depend on the call.
        joint_vjp: The cotangent of the operand of a call with several outputs, from all of theirs, `{all}`.
        program: The operation as a small program of simpler ones.
        other_for: Returns the operation that some arguments mean instead of this one; None if they mean this.
        canonical_arguments: Rewrites the arguments of a call into one form, or raises `TypeError`.
        output_count_for_call: The tensors that a call returns, if they may be many.
        rule: The shape rule, which may find a mismatch.
        price_for_call: What a call takes, if not what its family says.
        depends_on_cells: Whether cells decide what it is, or how large or how many its results are.
        multiplications_per_cell: Multiplications (or divisions) that a result's cell takes, beside those
            that a pointwise phrase shows; functions such as exp count none. A program counts its own.
        multiplications_for_call: Those of a call, in place of what its family or its program counts.
        in_float32: Whether torch computes it in float32 where its numbers are of half precision, and rounds
            the end alone: so do its program and its cotangents.
        first_free_number: Position of the first argument whose number, or slice, does not matter to the price
            of a call.
    """

    name: str
    signature: str
    aliases: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()
    reflected: tuple[str, ...] = ()
    operator: str = ""
    symbol: str = ""
    phrase: str = ""
    later_phrase: str = ""
    gradient: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    vjp_explanation: str = ""
    vjp_for_call: VJPRule | None = None
    joint_vjp: Callable[[Call], str] | None = None
    kind: str = "opaque"
    evidence: str = "rule"
    other_for: Callable[[Mapping[str, Any]], Operation | None] | None = None
    canonical_arguments: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    output_count_for_call: Callable[[Call], int] | None = None
    rule: Callable[[Call], Shape] | None = None
    price_for_call: Callable[[Call], Price] | None = None
    depends_on_cells: bool = False
    multiplications_per_cell: int = 0
    multiplications_for_call: Callable[[Call], int] | None = None
    in_float32: bool = False
    first_free_number: int = 100

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], swap: bool = False) -> dict[str, Any]:
        """Return the arguments by parameter; `TypeError` if they don't fit the signature."""
        if swap:
            args = (args[1], args[0], *args[2:])
        arguments = parse_signature(self.signature).bind(args, kwargs)
        return self.canonical_arguments(arguments) if self.canonical_arguments else arguments

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        """Return the operation that these arguments mean, since an overload may be another one."""
        return (self.other_for and self.other_for(arguments)) or self

    def infer(self, call: Call) -> Shape | None:
        """Return the output's shape from the operands' shapes, or raise `ShapeMismatch`; None if no rule."""
        if self.rule:
            return self.rule(call)
        axes = self.axes(call)
        return axes.shape if axes else None

    def price(self, call: Call, shape: Shape | None) -> Price:
        """Return what a call takes whose output has a shape, if that is known."""
        price = self.price_for_call(call) if self.price_for_call else self.own_price(call, shape)
        count = self.output_count_for_call
        return price._replace(outputs=count(call)) if count else price

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        """Return what a call takes, for operations without a rule of their own for its price."""
        return Price(output_cells(call, shape))

    def multiplications(self, call: Call) -> int | None:
        """Return the multiplications and divisions of a call that was run; None if not known.

        Those of a program of simpler operations are counted there: see `llm_linalg.analysis.parts`.
        """
        return self.multiplications_per_cell * prod(call.shape)

    def axes(self, call: Call) -> Axes | None:
        """Return the axes spec, for operations that have one."""
        return None

    def label_axes(self, call: Call) -> Axes | None:
        """Return the axes spec by which names of axes carry over from the operands to the output."""
        return self.axes(call)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        """Return what each operand gives to every cell of the output, by the axes spec where there is one."""
        axes = self.axes(call)
        if axes is None:
            return tuple(OpaqueReads(call.shape, shape) for shape in call.shapes)
        return tuple(AxesReads(axes, operand) for operand in range(len(call.tensors)))

    def terms(self, call: Call, index: Index) -> Terms:
        """Return the terms of a cell; the only term of an operation that is not a sum is its value."""
        value = call.result[index].item()
        return Terms(tail=(Term((value,), value),))

    def factor(self, call: Call, place: int) -> Tensor:
        """Return the numbers of an operand as they are multiplied."""
        return call.tensors[place]

    def bias_position(self, call: Call) -> int | None:
        """Return the position of the operand that is added, not multiplied."""
        return None

    def term_count(self, call: Call) -> int | None:
        """Return the number of terms that each cell sums; None if it is not a sum, or the number varies."""
        return None

    def unmoved_outputs(self, call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
        """Return the output's cells (bool) that don't change with an operand; None for none.

        `fixed` are for each operand its cells (bool) that masks fixed; None for none.
        """
        return None

    def ignored_cells(self, call: Call, place: int) -> Tensor | None:
        """Return the cells (bool) of an operand whose values make them irrelevant; None for none."""
        return None

    def evidence_of(self, reads: Callable[[], tuple[Reads, ...]]) -> str:
        """Return how the reads are known: `rule`, `index`, `autograd` or `opaque`."""
        return self.evidence

    def cotangents(self, call: Call) -> Mapping[str, str]:
        """Return the VJP: for each parameter, its cotangent in torch terms."""
        return self.vjp_for_call(call) if self.vjp_for_call else self.gradient

    def phrase_for(self, call: Call) -> str:
        """Return the phrase of a call, as that of its result."""
        return self.later_phrase if self.later_phrase and call.position else self.phrase

    def vjp_explanation_for(self, call: Call) -> str:
        """Return the explanation of the cotangents of a call."""
        return self.vjp_explanation

    def operator_for(self, call: Call) -> str:
        """Return the operator that a call means, of the operands alone; empty for none."""
        return self.operator

    def program_for(self, call: Call) -> str:
        """Return the operation as a small program of simpler ones, over its parameters' names."""
        return fill_template(self.program, call.arguments)

    def mask_rule(self, call: Call, index: Index) -> str | None:
        """Return the rule that masks a cell, in a few words; None if it passes."""
        return None


def price_of(call: Call) -> Price | None:
    """Return what a call takes, from its shapes and plain arguments alone, before it is made.

    What a function of several steps makes on the way is not counted: the process that runs a program has a
    bound of its own for memory, and a clock.

    Returns:
        None if its operands don't fit, which torch will say.
    """
    try:
        return call.operation.price(call, call.operation.infer(call))
    except ShapeMismatch:
        return None
    except (TypeError, ValueError, IndexError, OverflowError, KeyError, ZeroDivisionError):
        return Price(output_cells(call, None))  # an argument that the rule doesn't know


def output_cells(call: Call, shape: Shape | None) -> int:
    """Return the cells of the output; where its shape is not known, those of the operands, broadcast."""
    if shape is not None:
        return prod(shape)
    try:
        return max(prod(pointwise(call.shapes).shape), operand_cells(call))
    except ShapeMismatch:
        return operand_cells(call)


def broadcast_price(call: Call, shape: Shape | None) -> Price:
    """Return what a call takes that may broadcast its operands on the way to a smaller result."""
    return Price(max(output_cells(call, shape), output_cells(call, None)))


def operand_cells(call: Call) -> int:
    """Return the cells of all operands."""
    return sum(map(prod, call.shapes))


def operand_names(call: Call) -> dict[int, str]:
    """Return the names of a call's operands in rules and programs of the table, by their positions.

    They are those of the parameters, numbered where a parameter is a list.
    """
    names: dict[int, str] = {}
    for name, places in call.places.items():
        several = isinstance(call.arguments.get(name), list | tuple | dict)
        names |= {place: f"{name}_{number}" if several else name for number, place in enumerate(places)}
    return names


def fill_template(text: str, values: Mapping[str, Any]) -> str:
    """Fill the plain values into the braces of a template."""
    for name, value in values.items():
        if "{" + name + "}" in text and not isinstance(value, Tensor):
            text = text.replace("{" + name + "}", literal(value))
    return text


def literal(value: Any) -> str:
    """Return the source text of a number, of None, or of a tuple or list of such.

    Raises:
        TypeError: For anything else: a trace may come from anybody, and its texts are no part of a program.
    """
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if isfinite(value) else f"float('{float.__repr__(value)}')"
    if isinstance(value, tuple | list):
        items = ", ".join(map(literal, value))
        if isinstance(value, list):
            return f"[{items}]"
        return f"({items},)" if len(value) == 1 else f"({items})"
    raise TypeError(f"{type(value).__name__} is no number")


@dataclass(slots=True, eq=False)
class Call:
    """One call of an operation, with its arguments by the names of its parameters.

    It is treated as immutable, but not frozen: that takes a microsecond more, thrice for each torch call.
    """

    operation: Operation  # the table's entry
    function: Function
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    arguments: Mapping[str, Any]  # all arguments by parameter, with defaults
    tensors: tuple[Tensor, ...]  # the tensors among them, in the order of the parameters
    places: Mapping[str, tuple[int, ...]]  # for each parameter, which of the tensors are its own
    order: tuple[int, ...]  # for each tensor, its position in the call as it was written
    output: Tensor | None = None  # the result (None before the call is run)
    position: int = 0  # the position of the result among several outputs
    rng_state: Tensor | None = None  # the state of torch's generator before it, if it draws random numbers

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The operands' shapes."""
        return tuple([tuple(tensor.shape) for tensor in self.tensors])

    @property
    def shape(self) -> Shape:
        """The output's shape."""
        return tuple(self.result.shape)

    @property
    def result(self) -> Tensor:
        """The result; `LookupError` before the call is run."""
        if self.output is None:
            raise LookupError(f"{self.operation.name} has not been run")
        return self.output

    def __getitem__(self, parameter: str) -> Any:
        return self.arguments[parameter]

    def tensor(self, parameter: str) -> Tensor:
        """Return the argument of a parameter that takes a tensor."""
        value = self.arguments[parameter]
        if not isinstance(value, Tensor):
            raise TypeError(f"{parameter} is a plain value here")
        return value

    def place(self, parameter: str) -> int | None:
        """Return the position among the operands of a parameter's tensor; None for a plain value."""
        places = self.places.get(parameter, ())
        return places[0] if places else None

    def dim(self, rank: int | None = None) -> int:
        """Return the argument `dim` as an axis counted from 0, of the first operand or among `rank` axes."""
        total = self.tensors[0].dim() if rank is None else rank
        return int(self.arguments["dim"]) % max(total, 1)

    def dims(self) -> tuple[int, ...]:
        """Return the axes that a reduction reduces, counted from 0: all if none is given."""
        rank = self.tensors[0].dim()
        given = self.arguments.get("dim")
        if given is None or (isinstance(given, Sequence) and not given):
            return tuple(range(rank))
        axes = given if isinstance(given, Sequence) else (given,)
        return tuple(sorted({int(axis) % max(rank, 1) for axis in set(axes)})) if rank else ()

    def replay(self, tensors: Sequence[Tensor]) -> Tensor:
        """Run the same call on other tensors, with the same random numbers if it draws any.

        The state of torch's generator does not change.
        """
        return self.replay_all(tensors)[self.position]

    def replay_all(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Run the same call on other tensors, and return all its results."""
        return self.run(self.private(tensors))

    def private(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return tensors for the same call: copies of those that it might write to."""
        if self.may_write:
            return [copy_laid_like(*pair) for pair in zip(tensors, self.tensors, strict=True)]
        if self.operation.kind == "measured" or "running_mean" in self.arguments:  # which it may write
            return [tensor if tensor.requires_grad else tensor.clone() for tensor in tensors]
        return tensors

    def run(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Run the same call on tensors that it may write to, and return all its results."""
        if self.rng_state is None and self.operation.kind != "measured":
            return outputs(self._run(tensors))
        with lock_rng():  # one that the table lacks may draw, too
            if self.rng_state is not None:
                torch.set_rng_state(self.rng_state)
            return outputs(self._run(tensors))

    def _run(self, tensors: Sequence[Tensor]) -> Any:
        written = dict(zip(self.order, tensors, strict=True))
        feed = iter([written[position] for position in range(len(tensors))])
        args = tuple(map_tensors(value, lambda _: next(feed)) for value in self.args)
        kwargs = {name: map_tensors(value, lambda _: next(feed)) for name, value in self.kwargs.items()}
        if "generator" in kwargs:
            kwargs["generator"] = own_generator(kwargs["generator"], self.rng_state)
        result = self.function(*args, **kwargs)
        return written[0] if result is None else result  # None: ``x[key] = value``

    def with_tensors(self, tensors: Sequence[Tensor]) -> Call:
        """Return the same call on other tensors."""
        others = {id(old): new for old, new in zip(self.tensors, tensors, strict=True)}

        def other(value: Any) -> Any:
            new = others.get(id(value))
            return map_tensors(value, other) if new is None else new

        return self._with(
            tuple([other(value) for value in self.args]),
            {name: other(value) for name, value in self.kwargs.items()},
            {name: other(value) for name, value in self.arguments.items()},
            tuple(tensors),
            self.output,
        )

    def _with(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        arguments: Mapping[str, Any],
        tensors: tuple[Tensor, ...],
        output: Tensor | None,
    ) -> Call:
        """Return the same call with other values; `replace` takes eight times as long."""
        places, order, position, state = self.places, self.order, self.position, self.rng_state
        own = self.operation, self.function
        return Call(*own, args, kwargs, arguments, tensors, places, order, output, position, state)

    def at(self, position: int) -> Call:
        """Return the same call for another of its results."""
        return replace(self, position=position)

    def with_output(self, output: Tensor) -> Call:
        """Return the same call with its result."""
        return self._with(self.args, self.kwargs, self.arguments, self.tensors, output)

    def with_rng_state(self, state: Tensor | None) -> Call:
        """Return the same call with the state of torch's generator before it."""
        return self if state is None else replace(self, rng_state=state)

    @property
    def may_write(self) -> bool:
        """Whether the call may write into an operand, judged by its name and arguments."""
        return may_write(self.function, self.args, self.kwargs)

    @property
    def written_place(self) -> int | None:
        """The position of the operand that the call writes to; None if it writes to none."""
        if not self.order:
            return None
        if writes(self.function) or self.kwargs.get("inplace") or self.arguments.get("inplace") is True:
            return self.order.index(0)
        if not isinstance(self.kwargs.get("out"), Tensor):
            return None
        before = takewhile(lambda name: name != "out", self.kwargs)
        return self.order.index(len([*tensors_in((self.args, [self.kwargs[name] for name in before]))]))

    @property
    def write_target(self) -> Tensor:
        """The first tensor in the call's source order, to which an in-place call writes."""
        return self.tensors[self.order.index(0)]


@dataclass(slots=True, eq=False)
class SlottedArguments:
    """The arguments of a call in the order of its source, with a slot for each tensor."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    tensors: list[Tensor]

    @classmethod
    def of(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> SlottedArguments:
        """Replace the tensors in some arguments by slots."""
        tensors: list[Tensor] = []

        def slot(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return map_tensors(value, slot)
            tensors.append(value)
            return ArgumentSlot(len(tensors) - 1)

        slotted = tuple([slot(value) for value in args])
        named = {name: slot(value) for name, value in kwargs.items()} if kwargs else {}
        return cls(slotted, named, tensors)

    def with_numbers(self, numbers: Iterable[Any]) -> SlottedArguments:
        """Return the same with some numbers in the places that are left open for them."""
        feed = iter(numbers)
        args, kwargs = map_leaves((self.args, self.kwargs), NumberSlot, lambda _: next(feed))
        return SlottedArguments(args, kwargs, self.tensors)

    def bind(
        self, operation: Operation, function: Function, tensors: Sequence[Tensor], swap: bool = False
    ) -> Call:
        """Bind the arguments to an operation's parameters, these tensors in the slots.

        Raises:
            TypeError: If they don't fit.
        """
        bound = operation.bind(self.args, self.kwargs, swap)
        order: list[int] = []
        places: dict[str, tuple[int, ...]] = {}
        arguments: dict[str, Any] = {}
        for name, value in bound.items():
            first = len(order)
            if value.__class__ is ArgumentSlot:
                order.append(value.position)
                places[name] = (first,)
                arguments[name] = tensors[value.position]
            elif value is None or value.__class__ in PLAIN:
                places[name] = ()
                arguments[name] = value
            else:
                order += [item.position for item in leaves(value, ArgumentSlot)]
                places[name] = tuple(range(first, len(order)))
                arguments[name] = fill_slots(value, tensors)
        chosen = operation.overload_for(arguments)
        if chosen is not operation:
            return self.bind(chosen, function, tensors, swap)
        args = tuple([fill_slots(value, tensors) for value in self.args])
        kwargs = {name: fill_slots(value, tensors) for name, value in self.kwargs.items()}
        inputs = tuple([tensors[position] for position in order])
        return Call(operation, function, args, kwargs, arguments, inputs, places, tuple(order))
