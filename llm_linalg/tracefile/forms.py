"""The calls that a log tells: of a form one for all of its nodes, as far as they are alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Generic, NamedTuple

import torch
from torch import Tensor

from llm_linalg.ops.call_cache import CallPlan, Number, split_call
from llm_linalg.ops.fallback import fallback, opaque_call, untold, untold_
from llm_linalg.ops.operation import Call, SlottedArguments
from llm_linalg.ops.randomness import draws_random_numbers
from llm_linalg.ops.table import TableEntry
from llm_linalg.recording.record_node import LazyCall, N, Operand, Origin
from llm_linalg.tracefile import log_format as form_of
from llm_linalg.tracefile.log_format import functions
from llm_linalg.tracefile.opaque import is_described
from llm_linalg.tracefile.plain_values import Decoder
from llm_linalg.tracefile.records import FormRecord, hold


class StoreLayout(NamedTuple):
    """How a tensor lies in its store: `extent` is how many cells of memory it reaches over."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    cells: int
    extent: int

    @classmethod
    def of(cls, dtype: torch.dtype, shape: tuple[int, ...], strides: tuple[int, ...]) -> StoreLayout:
        """Return the layout of a shape and its strides."""
        reach = 1 + sum([(size - 1) * step for size, step in zip(shape, strides, strict=False)])
        return cls(dtype, shape, strides, prod(shape), 0 if 0 in shape else reach)


class ToldCall:
    """A call as it was written: a function, if it is one of the table's, and arguments with open slots."""

    def __init__(self, function: str, op: str, flags: int, args: list[Any], kwargs: dict[str, Any]) -> None:
        known = function in (form_of.INPUT, form_of.ALIAS) or function in functions()
        self.name, self.op = function if known else form_of.OPAQUE, op
        decoder = Decoder()
        self._args = tuple([decoder.decode(value) for value in args])
        self._kwargs = {name: decoder.decode(value) for name, value in kwargs.items()}
        self.tensors, self.numbers = decoder.tensors, decoder.numbers
        hold(self.tensors <= form_of.MOST_OPERANDS, "too many operands")
        self.is_named = self.name in functions()
        if self.is_named:
            self.function, entry = functions()[self.name]
            is_fallback = bool(flags & form_of.FALLBACK)
            self.operation = fallback(entry.operation.name) if is_fallback else entry.operation
            self.entry = TableEntry(entry.operation, entry.swap and not is_fallback)
            self.is_unlike_others = entry.operation.depends_on_cells or draws_random_numbers(self.function)

    def bound(self, values: list[Tensor], numbers: Sequence[Number] = ()) -> Call | None:
        """Return the call of these operands, as they are written; None if it can't be made of them."""
        try:
            slotted = SlottedArguments(self._args, self._kwargs, values).with_numbers(numbers)
            call = slotted.bind(self.operation, self.function, values, self.entry.swap)
        except Exception:  # noqa: BLE001 - forged arguments may be anything, and so may what they raise
            return None
        return call if call.operation.name == self.op and len(call.tensors) == len(values) else None


class Plan(NamedTuple):
    """How the calls of a form are bound, for operands of certain shapes."""

    call: LazyCall | None  # the call; None if each of them is bound for itself
    is_described: bool  # whether the operation's rules describe it; else it is opaque


class Form(Generic[N]):
    """What nodes of one call site have in common.

    Forms that differ by nothing but their place share their plans.
    """

    def __init__(self, form: FormRecord, plans: dict[str, dict[Any, Plan]]) -> None:
        self.call_told = ToldCall(*form[:5])
        self.name, self.op, self.bound_name = self.call_told.name, form.op, form.name
        self.layout = StoreLayout.of(form.dtype, form.shape, form.strides)
        self.origin = Origin(form.span, form.source, form.file, form.scope, form.target)
        self.no_grad = bool(form.flags & form_of.NO_GRAD)
        self.untold = untold_ if form.flags & form_of.WRITES else untold
        self.several = bool(form.flags & form_of.SEVERAL)
        self._position = form.position
        self._plans = plans.setdefault(repr(form[:9]), {})

    def call(
        self,
        written: Sequence[Operand[N]],
        value: Tensor,
        numbers: tuple[Number, ...],
        rng_state: Tensor | None,
    ) -> tuple[Call | LazyCall, tuple[Operand[N], ...]]:
        """Return the call of a node, and its operands in the order of the parameters."""
        form = self.call_told
        if not form.is_named:
            return self._opaque(written, value), tuple(written)
        hold(len(numbers) == form.numbers, "other numbers than its form has")
        if rng_state is not None or form.is_unlike_others:
            call = self._bound(written, value, numbers) or self._opaque(written, value)
            return call.with_rng_state(rng_state), tuple([written[at] for at in call.order])
        key: Any = tuple([(own.value.shape, own.value.dtype, own.value.is_contiguous()) for own in written])
        if numbers:
            slices = any(number.__class__ is slice for number in numbers)
            key = key, repr(numbers) if slices else tuple([number.__class__ for number in numbers])
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(written, value, numbers)
        if plan.call is None:
            own = self._bound(written, value, numbers) if plan.is_described else None
            call = own or self._opaque(written, value)
            return call, tuple([written[at] for at in call.order])
        operands = plan.call.plan.ordered(written)
        if numbers:
            return LazyCall(plan.call.plan, plan.call.function, numbers, self._position), operands
        return plan.call, operands

    def _plan(self, written: Sequence[Operand[N]], value: Tensor, numbers: Sequence[Number]) -> Plan:
        call = self._bound(written, value, numbers)
        if call is None:
            return Plan(None, False)
        entry, function = self.call_told.entry, self.call_told.function
        split = split_call(function, entry.operation, call.args, call.kwargs)
        plan = CallPlan.of(call, SlottedArguments.of(call.args, call.kwargs), entry)
        if split is None or plan.numbers != len(split[2]) or (numbers and list(numbers) != split[2]):
            return Plan(None, True)
        own = LazyCall(plan, function, tuple(split[2]), self._position)
        return Plan(own, True)

    def _bound(self, written: Sequence[Operand[N]], value: Tensor, numbers: Sequence[Number]) -> Call | None:
        """Return the call, bound; None if its operation doesn't describe it."""
        call = self.call_told.bound([own.value for own in written], numbers)
        if call is None:
            return None
        call = call.with_output(value).at(self._position)
        return call if is_described(call, self.layout.shape) else None

    def _opaque(self, written: Sequence[Operand[N]], value: Tensor) -> Call:
        return opaque_call(self.op, [own.value for own in written], value, self._position, self.untold)
