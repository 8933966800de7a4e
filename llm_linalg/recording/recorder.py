"""Record torch calls as nodes, through a torch function mode."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.base.errors import HaltedError
from llm_linalg.base.untraced import untraced
from llm_linalg.ops import TABLE, Call
from llm_linalg.ops.arguments import may_write, outputs, turns, writes
from llm_linalg.ops.batch_norms import running_updates
from llm_linalg.ops.call_cache import CallKey, CallPlan, Number, split_call
from llm_linalg.ops.fallback import FallbackOperation, fallback
from llm_linalg.ops.number_arguments import ITEM_FUNCTIONS, with_plain_numbers, with_plain_slices
from llm_linalg.ops.operation import SlottedArguments
from llm_linalg.ops.price import Price, total
from llm_linalg.ops.randomness import draws_random_numbers, rng_state_before
from llm_linalg.ops.table import TableEntry
from llm_linalg.ops.torch_names import GRADIENT_SETTERS, QUERY_FUNCTIONS, short_name
from llm_linalg.recording.aliasing import version_of
from llm_linalg.recording.guard import Guard
from llm_linalg.recording.inline import inline_body
from llm_linalg.recording.record_node import LazyCall, Operand, RecordNode
from llm_linalg.recording.tensor_index import TensorIndex, Where, detach_value

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Operation


@dataclass(frozen=True, slots=True)
class CachedCall:
    """What calls with one key have in common.

    Attributes:
        plan: Their plan.
        price: Their price.
        writes: Whether they write.
        fits_always: Whether that is so of all of them, whatever is in their cells.
        call: The call itself, if the key leaves no numbers open: then their nodes share it.
    """

    plan: CallPlan
    price: Price | None
    writes: bool
    fits_always: bool
    call: LazyCall

    def call_of(self, numbers: Sequence[Number]) -> LazyCall:
        """Return the call with the numbers that the key leaves open."""
        return LazyCall(self.plan, self.call.function, tuple(numbers)) if numbers else self.call


class CallCache:
    """Calls by key, so that a repeated call is not bound and priced again."""

    def __init__(self) -> None:
        self._met: set[CallKey] = set()
        self.entries: dict[CallKey, CachedCall] = {}  # only of keys that came twice

    def first(self, key: CallKey) -> bool:
        """Return whether a call is the first with its key, and remember the key.

        A call whose key is long, such as one with a long list, always counts as the first.
        """
        if key in self._met:
            return False
        if len(key) > MAX_KEY_PARTS:
            return True
        if len(self._met) >= MAX_KEYS:
            self._met.clear()
            self.entries.clear()
        self._met.add(key)
        return True

    def store(self, key: CallKey | None, call: Call, price: Price | None, *, bounded: bool) -> None:
        """Remember the plan and the price of a call for later calls with its key."""
        entry = TABLE.entry(call.function) or _GRADIENT_READS.get(call.function)
        if key is None or entry is None or self.first(key):
            return
        if (bounded and price is None) or draws_random_numbers(call.function) or not _is_alike(call):
            return
        plan, fits_always = CallPlan.of(call, entry), not entry.operation.chosen_by_cells
        lazy = LazyCall(plan, call.function)
        self.entries[key] = CachedCall(plan, price, call.may_write, fits_always, lazy)


def _is_alike(call: Call) -> bool:
    """Return whether calls like this one are described alike, and make as much."""
    operation = call.operation
    measured = operation.kind == "measured" and operation.name != "grad"
    return not (measured or operation.sized_by_cells)


MAX_KEYS = 5_000  # keys that are remembered
MAX_KEY_PARTS = 300  # parts of a key: shapes, dtypes, plain values
# Shared by all traces of trusted code. A guarded run has its own, so that its cost depends on no other run.
_TRUSTED = CallCache()
_TRANSFORMED = torch._C._functorch.peek_interpreter_stack  # noqa: SLF001
_mode_is_on = torch._C._is_torch_function_mode_enabled  # noqa: SLF001
_functions_are_seen = torch._C._is_torch_function_enabled  # noqa: SLF001
_BACKWARD = Tensor.backward
_GRADIENT = TableEntry(fallback("grad"))
# A getter is made anew each time that it is looked up: it is equal to itself, and not the same.
_GRADIENT_READS: Mapping[Any, TableEntry] = {Tensor.grad.__get__: _GRADIENT}  # type: ignore[union-attr]
_DATA_SETTER = Tensor.data.__set__  # type: ignore[attr-defined]
_FREE = QUERY_FUNCTIONS | GRADIENT_SETTERS
_LISTED: Mapping[Any, TableEntry] = {
    **{function: entry for function, entry in TABLE.entries.items() if function not in _FREE},
    **_GRADIENT_READS,
}
# What writes to no operand, unless `may_write` says so: others may, such as batch_norm and embedding.
_ONLY_READ = frozenset(
    function
    for function, entry in TABLE.entries.items()
    if entry.operation.kind in ("pointwise", "contraction", "reduction", "movement") and not writes(function)
)
_PROFILER = "torch._ops.profiler"  # of the marks that an optimizer sets around its steps for it
_SWITCH = torch._C._set_grad_enabled  # noqa: SLF001  what entering and leaving torch.no_grad() calls

T = TypeVar("T")


class Recorder(TensorIndex, TorchFunctionMode):
    """A function mode that records the calls made while it is entered.

    Args:
        where: Returns the place of the call that is being made.
        guard: Charged before each call; None for trusted code.
        keep: The most bytes of values to keep; None for all.
        around: The position of a node around which they are kept; None for the latest.
        halt: Asked at each call whether the run is to stop.

    Attributes:
        failed: The last call that failed; None if none did.
        failure: The exception that it raised.
        is_inner: Asked at each call, with the frame that makes it, whether it is part of what is recorded as
            a whole, or not at all; None if none is.
        skims_gaps: Whether a call in a gap is charged by what it gives, which is quicker than by its shapes.
        handlers: What is called in place of torch functions that are no operations, with the same arguments.
    """

    def __init__(
        self,
        where: Where,
        guard: Guard | None = None,
        keep: int | None = None,
        around: int | None = None,
        halt: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(where, keep, around)
        self.failed: Call | None = None
        self.failure: BaseException | None = None
        self.is_inner: Callable[[FrameType], bool] | None = None
        self.handlers: Mapping[Any, Callable[..., Any]] = {}
        self.skims_gaps = False
        self._guard = guard
        if guard is not None:
            self._storages.on_inspect = guard.charge_inspection
        self._halt = halt
        self._prices: dict[int, Price] = {}  # by node
        # By id: the tensors whose gradients are known to the program, though nodes don't say so.
        self._leaves: dict[int, ref[Tensor]] = {}
        self._calls = _TRUSTED if guard is None else CallCache()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_inner is not None and self.is_inner(sys._getframe(1)):
            return func(*args, **kwargs)
        if func is _SWITCH or _TRANSFORMED() is not None:
            # Switching gradients on and off is not a step, and nothing may interrupt switching them back.
            # Inside torch.vmap and its like tensors are wrappers without cells of their own.
            return func(*args, **kwargs)
        if self._halt is not None and self._halt():
            raise HaltedError("stopped: what comes after this was not run")
        entry = _LISTED.get(func)
        if entry is None:
            return self._run_unlisted(func, args, kwargs)
        skims = self._written is not None and self.skims_gaps
        if skims and func in _ONLY_READ and not may_write(func, args, kwargs):
            return self._skim(func, args, kwargs)
        if func in ITEM_FUNCTIONS:
            args = with_plain_slices(args)
        split = split_call(func, entry.operation, args, kwargs)
        if split is None:
            return self._run_anew(func, args, kwargs, None)
        key, tensors, numbers = split
        cached = self._calls.entries.get(key)
        if cached is None or not (cached.fits_always or cached.plan.describes(func, tensors, numbers)):
            return self._run_anew(func, args, kwargs, key)
        if self._written is not None:
            return self._run_cached_in_gap(func, args, kwargs, cached, tensors)
        go = self._run_cached_write if cached.writes else self._run_cached
        return go(func, args, kwargs, cached, tensors, numbers)

    def _skim(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a call in a gap that writes nothing, with a look at what it gives alone."""
        if self._guard is not None:
            self._guard.charge_query()
        result = self._run(func, args, kwargs)
        if self._guard is not None and result.__class__ is Tensor:
            self._guard.charge_inspection(result.numel())
        return result

    def _run_unlisted(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a call of a function that asks a tensor something, or that the table lacks."""
        if func in _FREE:
            if self._guard is not None:
                self._guard.charge_query()
            if func in GRADIENT_SETTERS:
                self._leaves[id(args[0])] = ref(args[0])
                if self._written is not None and isinstance(args[1], Tensor):
                    self.note_unrecorded_write(args[1:])
            try:
                return func(*args, **kwargs)
            except Exception:  # noqa: BLE001, S110 - a wrong query fails below, as any call does
                pass
        elif func == _DATA_SETTER:
            return self._share(*args)
        elif getattr(func, "__module__", "") == _PROFILER:
            return func(*args, **kwargs)
        elif func in self.handlers:
            return self.handlers[func](*args, **kwargs)
        elif (body := inline_body(func)) is not None:
            with self:
                return body(*args, **kwargs)
        return self._run_anew(func, args, kwargs, None)

    def _run_anew(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], key: CallKey | None
    ) -> Any:
        """Run a call without a plan, which becomes one under its key, if it has one."""
        numbered = with_plain_numbers(func, args, kwargs)
        written = SlottedArguments.of(*(numbered or (args, kwargs)))
        key = None if numbered else key  # the next call's number may be another
        if self._guard or may_write(func, args, kwargs):
            return self._run_guarded(func, args, kwargs, written, key)
        return self._run_unguarded(func, args, kwargs, written, key)

    def _run_unguarded(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        written: SlottedArguments,
        key: CallKey | None,
    ) -> Any:
        """Run a call without a guard whose name doesn't say that it writes; notice afterwards if it did."""
        versions = list(map(version_of, written.tensors))
        state = rng_state_before(func, args, kwargs)
        result = self._run(func, args, kwargs)
        if list(map(version_of, written.tensors)) != versions:
            self._record(call_of(func, written, written.tensors), result)  # batch_norm's running means
            return result
        given = outputs(result)
        if given and (
            TABLE.entry(func) is not None or not any(result is tensor for tensor in written.tensors)
        ):
            operands = [self._operand(tensor) for tensor in written.tensors]
            call = call_of(func, written, [operand.value for operand in operands]).with_rng_state(state)
            self._nodes(call, tuple([operands[place] for place in call.order]), given)
            self._calls.store(key, call, None, bounded=False)
        return result

    def _run_cached(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        cached: CachedCall,
        tensors: Sequence[Tensor],
        numbers: Sequence[Number],
    ) -> Any:
        """Run a call by the plan of an earlier one; it writes nothing and draws no random numbers."""
        plan, price = cached.plan, cached.price
        known = None if self._guard is None else self._current_operands(tensors)
        if self._guard is not None and price is not None:
            self._guard.charge_again(plan.operation.name, price)
        result = self._run(func, args, kwargs)
        if known is None:
            known = [self._operand(tensor) for tensor in tensors]
        operands = tuple([known[place] for place in plan.order])
        origin, name, nodes = self._where(), plan.operation.name, self.nodes
        call = cached.call_of(numbers)
        given = (result,) if result.__class__ is Tensor else outputs(result)
        several = len(given) > 1
        for position, output in enumerate(given):
            if name == "grad" and self._has_node(output, origin):
                continue
            own = call.at(position) if position else call
            node = self.node_type(len(nodes), name, detach_value(output), operands, own, origin)
            if several:
                node.is_one_of_several = True
            node.note_inner()
            self._add(node, output)
            if price is not None:
                self._prices[node.index] = price
        return result

    def _run_cached_write(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        cached: CachedCall,
        tensors: Sequence[Tensor],
        numbers: Sequence[Number],
    ) -> Any:
        """Run a call that writes by the plan of an earlier one."""
        plan, price = cached.plan, cached.price
        if self._guard is not None and price is not None:
            self._guard.charge_again(plan.operation.name, price, tensors[0])
        operands = tuple([self._operand(tensors[place]) for place in plan.order])
        # By its name it writes into its first operand; with `out=` and the like, nobody says into which.
        if not turns(func):
            self._storages.preserve(tensors[:1] if writes(func) else tensors)
        result = self._run(func, args, kwargs)
        target = result if isinstance(result, Tensor) else tensors[0]  # the first of several is the target
        call, first = cached.call_of(numbers), len(self.nodes)
        self._record_write(plan.operation.name, detach_value(target), call, operands, target)
        if result.__class__ is tuple:
            self._record_beside(plan.operation.name, call, operands, result)
        self._remember_price(first, price)
        return result

    def _run_cached_in_gap(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        cached: CachedCall,
        tensors: Sequence[Tensor],
    ) -> Any:
        """Run a call by the plan of an earlier one, and record nothing."""
        price = cached.price
        if self._guard is not None and price is not None:
            self._guard.charge_again(cached.plan.operation.name, price)
            self._guard.refund(price)
        if cached.writes:
            self.note_unrecorded_write(tensors[:1] if writes(func) else tensors)
        if cached.plan.operation.name == "grad":
            self._leaves[id(tensors[0])] = ref(tensors[0])
        return self._run(func, args, kwargs)

    def _run_in_gap(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        written: SlottedArguments,
        key: CallKey | None,
    ) -> Any:
        """Run a call that must be bound first, and record nothing."""
        call, price = self._charge(func, written, written.tensors)
        if self._guard is not None and price is not None:
            self._guard.refund(price)
        if call.may_write:
            self.note_unrecorded_write(call.tensors)
        elif call.operation.name == "grad":
            self._leaves[id(call.tensors[0])] = ref(call.tensors[0])
        self.note_unrecorded_write([own for _, own, _, _ in running_updates(func, args, kwargs)])
        versions = list(map(version_of, written.tensors))
        result = self._run(func, args, kwargs)
        wrote = list(map(version_of, written.tensors)) != versions
        if wrote and not call.may_write:
            self.note_unrecorded_write(written.tensors)
        given = bool(outputs(result)) and not _same(call, result, written.tensors)
        if price is not None and (wrote if call.may_write else given and not wrote):
            self._calls.store(key, call, price, bounded=True)
        return result

    def _run(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make the call, remembering it and its exception if it fails."""
        try:
            if func is _BACKWARD:
                return self.run_backward(func, *args, **kwargs)
            return func(*args, **kwargs) if kwargs else func(*args)
        except Exception as error:
            written = SlottedArguments.of(args, kwargs)
            self.failed, self.failure = call_of(func, written, written.tensors), error
            raise

    def _run_guarded(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        written: SlottedArguments,
        key: CallKey | None,
    ) -> Any:
        """Run a call that must be bound first, because it is charged to a guard or may write."""
        if self._written is not None:
            return self._run_in_gap(func, args, kwargs, written, key)
        writes = may_write(func, args, kwargs)
        known = None if writes else self._current_operands(written.tensors)
        tensors = written.tensors if known is None else [operand.value for operand in known]
        call, price = self._charge(func, written, tensors)
        call = call.with_rng_state(rng_state_before(func, args, kwargs))
        operands: tuple[Operand[RecordNode], ...] = ()
        if writes:  # the operands are looked up before they change
            operands = tuple(self._operand(tensor) for tensor in call.tensors)
            if not turns(func):
                self._storages.preserve(call.tensors)
        updates = running_updates(func, args, kwargs)
        before = [(self._operand(own), self._operand(batch)) for _, own, batch, _ in updates]
        self._storages.preserve([own for _, own, _, _ in updates])
        versions = list(map(version_of, written.tensors))
        result = self._run(func, args, kwargs)
        if price is None and self._guard:  # torch took what our rules refuse: they don't describe this call
            call = written.bind(fallback(call.operation.name), func, tensors).with_rng_state(call.rng_state)
        first = len(self.nodes)
        wrote = list(map(version_of, written.tensors)) != versions or (writes and None in versions)
        if wrote and writes:
            self._record_in_place(call, result, operands)
            self._calls.store(key, call, price, bounded=self._guard is not None)
        elif wrote:
            self._record(call_of(func, written, written.tensors), result)
        elif (given := outputs(result)) and not _same(call, result, written.tensors):
            if known is None:
                known = [self._operand(tensor) for tensor in written.tensors]
                call = call.with_tensors([known[place].value for place in call.order])
            self._nodes(call, tuple([known[place] for place in call.order]), given)
            if not writes:
                self._calls.store(key, call, price, bounded=self._guard is not None)
        self._remember_price(first, price)
        for (update, own, _, momentum), operands in zip(updates, before, strict=True):
            values = [operand.value for operand in operands]
            bound = SlottedArguments.of((*values, momentum), {}).bind(
                fallback(update.__name__), update, values
            )
            self._record_write(update.__name__, detach_value(own), bound, operands, own)
        return result

    def _remember_price(self, first: int, price: Price | None) -> None:
        """Remember the price of the call whose nodes start at position `first`."""
        if price is not None:
            for index in range(first, len(self.nodes)):
                self._prices[index] = price

    def backward_pass(self, tensor: Tensor) -> Price:
        """Return the price of a backward pass from a tensor."""
        nodes, leaves = self.backward_path(self.node_of(tensor))
        prices: dict[int, Price] = {}  # by the operands, which a call's nodes share
        for node in nodes:
            price = self._prices.get(node.index)
            if price is not None:
                prices[id(node.operands)] = price
        return total(list(prices.values()), leaves)

    def _share(self, tensor: Tensor, source: Tensor) -> None:
        """Do `tensor.data = source`: from now on the tensor lies where the source does."""
        if self._written is not None:
            with untraced():
                self._storages.keep(tensor)
                self.note_unrecorded_write([tensor])
                tensor.data = source
            return
        operand = self._operand(source)
        if self._guard is not None:
            self._guard.charge_alias_update(0, 0)
        detach = Tensor.detach
        with untraced():
            self._storages.keep(tensor)
            tensor.data = source
            value = detach_value(tensor)
            call = call_of(detach, SlottedArguments.of((operand.value,), {}), [operand.value])
        node = self.node_type(
            len(self.nodes), "detach", value, (operand,), call.with_output(value), self._where()
        )
        with untraced():  # the weight of a lazy layer refuses questions until it has its class
            self._add(node, tensor)
        self._name_table.note_write(tensor, node)

    def note_gradient(self, gradient: Tensor, source: Tensor, price: Price | None) -> None:
        """Add a node for a gradient that the program asked for, as if it were read from `source`.

        Args:
            gradient: The gradient.
            source: The tensor whose gradient it is.
            price: The price of a backward pass that starts from it; None if there can be none.
        """
        if self._written is not None:
            return
        read = next(iter(_GRADIENT_READS))
        operand, value = self._operand(source), detach_value(gradient)
        call = SlottedArguments.of((source,), {}).bind(_GRADIENT.operation, read, [operand.value])
        node = self.node_type(
            len(self.nodes), "grad", value, (operand,), call.with_output(value), self._where()
        )
        self._add(node, gradient)
        self._remember_price(node.index, price)

    def note_result(
        self, tensor: Tensor, operands: Sequence[Tensor], operation: Operation, function: Any, price: Price
    ) -> None:
        """Add a node for a tensor that the program's own function returned.

        Args:
            tensor: The tensor.
            operands: What it is made from.
            operation: The operation.
            function: What makes it from the operands, for who asks again.
            price: The price of a backward pass through it.
        """
        if self._written is not None:
            return
        known = tuple([self._operand(operand) for operand in operands])
        values, value = [operand.value for operand in known], detach_value(tensor)
        call = SlottedArguments.of(values, {}).bind(operation, function, values).with_output(value)
        node = self.node_type(len(self.nodes), operation.name, value, known, call, self._where())
        self._add(node, tensor)
        self._remember_price(node.index, price)

    def operand(self, tensor: Tensor) -> Operand[RecordNode]:
        """Return a tensor as an operand; one that is new comes in from outside."""
        return self._operand(tensor)

    def note_call(
        self,
        function: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        result: Tensor | tuple[Tensor, ...],
    ) -> None:
        """Add nodes for a call that was not made through torch, and has the result that torch would give."""
        if self._written is None:
            written = SlottedArguments.of(args, kwargs)
            self._record(call_of(function, written, written.tensors), result)

    def note_write_call(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], target: Tensor
    ) -> None:
        """Add a node for a call that was not made through torch, and has written into a tensor.

        `note_unrecorded_write` comes before the write, once all its operands have nodes.
        """
        if self._written is not None:
            return
        written = SlottedArguments.of(args, kwargs)
        known = [self._operand(tensor) for tensor in written.tensors]
        call = call_of(function, written, [operand.value for operand in known])
        operands = tuple([known[place] for place in call.order])
        self._record_write(call.operation.name, detach_value(target), call, operands, target)

    def note_same(self, tensor: Tensor, known: Tensor) -> None:
        """Take a tensor for another that it is a second object of, in the same memory."""
        if self._written is None:
            self._tracked[id(tensor)] = self._storages.track(tensor, self._operand(known).node)

    def pause(self) -> None:
        """Record nothing from now on: calls are made and charged, and what they write is taken note of."""
        super().pause()
        leaves = [self._leaf(node) for _, node in self._gradients.values()]
        self._leaves.update({id(leaf): ref(leaf) for leaf in leaves if leaf is not None})
        self._gradients = {}
        self.note_unrecorded_write([gradient for _, gradient in self._leaf_gradients()])

    def run_backward(self, go: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a backward pass, and record what it adds to gradients that nodes show."""
        if self._leaves and self._written is None:
            for leaf, gradient in self._leaf_gradients():
                if id(gradient) not in self._gradients and self._storages.shows(gradient):
                    self.note_gradient(gradient, leaf, None)
        return super().run_backward(go, *args, **kwargs)

    def _leaf_gradients(self) -> list[tuple[Tensor, Tensor]]:
        """Return the leaves whose gradients nodes may show without saying so, and these."""
        with untraced():
            known = [(leaf, leaf.grad) for own in self._leaves.values() if (leaf := own()) is not None]
        found = [(leaf, gradient) for leaf, gradient in known if gradient is not None]
        self._leaves = {id(leaf): ref(leaf) for leaf, _ in found}
        return found

    def _charge(
        self, func: Any, written: SlottedArguments, tensors: Sequence[Tensor]
    ) -> tuple[Call, Price | None]:
        """Return a bound call and its price, charged to the guard if there is one."""
        call = call_of(func, written, tensors)
        if self._guard is None:
            return call, None
        try:
            return call, self._guard.charge(call)
        except ShapeMismatch as mismatch:
            self.failed, self.failure = call_of(func, written, written.tensors), mismatch
            raise ValueError(mismatch.rule) from mismatch

    def _record(self, call: Call, result: Any) -> None:
        given = outputs(result)
        if not given or _same(call, result, call.tensors):
            return
        operands = tuple(self._operand(tensor) for tensor in call.tensors)
        self._nodes(call.with_tensors([operand.value for operand in operands]), operands, given)

    def _nodes(self, call: Call, operands: tuple[Operand[RecordNode], ...], given: Sequence[Tensor]) -> None:
        """Add a node for each output of a call."""
        origin = self._where()
        for position, output in enumerate(given):
            own = call if position == 0 else call.at(position)
            name = call.operation.name
            if name != "grad" or not self._has_node(output, origin):
                node = self.node_type(len(self.nodes), name, detach_value(output), operands, own, origin)
                node.is_one_of_several = len(given) > 1
                node.note_inner()
                node.note_members(own)
                self._add(node, output)

    def _record_in_place(self, call: Call, result: Any, operands: tuple[Operand[RecordNode], ...]) -> None:
        """Add a node for a call that wrote to an operand, with the values after the write."""
        target = result if isinstance(result, Tensor) else call.write_target
        own = call.with_tensors([operand.value for operand in operands])
        self._record_write(call.operation.name, detach_value(target), own, operands, target)
        if result.__class__ is tuple and writes(call.function):
            self._record_beside(call.operation.name, own, operands, result)

    def _record_beside(
        self,
        name: str,
        call: Call | LazyCall,
        operands: tuple[Operand[RecordNode], ...],
        results: Sequence[Tensor],
    ) -> None:
        """Add nodes for what a call returned beside the operand that it wrote to, which comes first."""
        self.nodes[-1].is_one_of_several = True
        for position, output in enumerate(results[1:], 1):
            value = detach_value(output)
            node = self.node_type(len(self.nodes), name, value, operands, call.at(position), self._where())
            node.is_one_of_several = True
            self._add(node, output)

    def _record_write(
        self,
        name: str,
        value: Tensor,
        call: Call | LazyCall,
        operands: tuple[Operand[RecordNode], ...],
        target: Tensor,
    ) -> None:
        node = self.node_type(len(self.nodes), name, value, operands, call, self._where())
        if turns(call.function):  # its cells are as they were, for it and for its views
            self._add(node, target)
            self._name_table.note_write(target, node)
        else:
            self._add(node, target, wrote=True)


def is_recording() -> bool:
    """Return whether torch calls made now reach a recorder."""
    return _mode_is_on() and _functions_are_seen()


@contextmanager
def recording_again(recorder: Recorder) -> Iterator[None]:
    """Record torch calls while the context is open, also within one of torch's own or an untraced one."""
    with torch._C._EnableTorchFunction():  # noqa: SLF001
        if _mode_is_on():
            yield
        else:
            with recorder:
                yield


def call_of(func: Any, written: SlottedArguments, tensors: Sequence[Tensor]) -> Call:
    """Return a torch function's call bound to its entry in the table, else to a fallback operation."""
    entry = TABLE.entry(func)
    if entry is not None:
        try:
            return written.bind(entry.operation, func, tensors, entry.swap)
        except (TypeError, IndexError, ValueError):
            pass  # an overload that the entry doesn't describe, or a wrong call: torch will say
    return written.bind(fallback(entry.operation.name if entry else short_name(func)), func, tensors)


def _same(call: Call, result: Any, tensors: Sequence[Tensor]) -> bool:
    """Return whether an unknown operation returned one of its operands, as `requires_grad_()` does."""
    return isinstance(call.operation, FallbackOperation) and any(result is tensor for tensor in tensors)
