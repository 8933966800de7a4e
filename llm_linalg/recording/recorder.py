"""Record torch calls as nodes, through a torch function mode."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import ref

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.base.errors import stop_if
from llm_linalg.base.untraced import untraced
from llm_linalg.ops import TABLE, Call
from llm_linalg.ops.arguments import (
    may_write,
    outputs,
    tensors_in,
    turns,
    with_plain_numbers,
    writes,
)
from llm_linalg.ops.batch_norms import running_updates
from llm_linalg.ops.call_cache import CallKey, CallPlan, Number, split_call
from llm_linalg.ops.fallback import FallbackOperation, fallback, opaque_call
from llm_linalg.ops.operation import Price, SlottedArguments
from llm_linalg.ops.randomness import draws_random_numbers, rng_state_before
from llm_linalg.ops.slices import ITEM_FUNCTIONS, with_plain_slices
from llm_linalg.ops.table import TableEntry
from llm_linalg.ops.torch_names import GRADIENT_SETTERS, QUERY_FUNCTIONS, resolve, short_name
from llm_linalg.recording.aliasing import version_of
from llm_linalg.recording.autocast import as_dtype, autocasts, dtype_of_cast
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.inline import inline_body
from llm_linalg.recording.record_node import LazyCall, Operand, Origin, RecordNode
from llm_linalg.recording.scopes import FOLD
from llm_linalg.recording.tensor_index import (
    TensorIndex,
    Where,
    detach_value,
    gives_its_value,
    is_same,
    wraps_others,
)

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Operation

MAX_KEYS = 5_000  # calls that are remembered
MAX_KEY_PARTS = 300  # parts of a key: shapes, dtypes, plain values
_TRANSFORMED = torch._C._functorch.peek_interpreter_stack  # noqa: SLF001
_SCRIPTING = torch._C._get_tracing_state  # noqa: SLF001
_mode_is_on = torch._C._is_torch_function_mode_enabled  # noqa: SLF001
_push_mode = torch._C._push_on_torch_function_stack  # noqa: SLF001
_pop_mode = torch._C._pop_torch_function_stack  # noqa: SLF001
_count_modes = torch._C._len_torch_function_stack  # noqa: SLF001
_functions_are_seen = torch._C._is_torch_function_enabled  # noqa: SLF001
_BACKWARD = Tensor.backward
_DETACH, _TO, _SET_DATA = (
    TABLE.entries[function].operation
    for function in (Tensor.detach, Tensor.to, torch.ops.aten.set_data.default)
)
_GRADIENT = TableEntry(fallback("grad"))
# A getter is made anew each time that it is looked up: it is equal to itself, and not the same.
_READ_GRADIENT: Any = Tensor.grad.__get__  # type: ignore[union-attr]
_GRADIENT_READS: Mapping[Any, TableEntry] = {_READ_GRADIENT: _GRADIENT}
_DATA_SETTER = Tensor.data.__set__  # type: ignore[attr-defined]
_FREE = QUERY_FUNCTIONS | GRADIENT_SETTERS
_GIVES_MEMORY = frozenset(
    function
    for name in ("numpy", "__array__", "data_ptr", "storage", "untyped_storage", "__dlpack__")
    for function in resolve(f"torch.Tensor.{name}")
)
"""What hands a tensor's memory to somebody who may write there."""
_DETACHERS = frozenset([Tensor.detach_, torch.detach_])
_LISTED: Mapping[Any, TableEntry] = {
    **{function: entry for function, entry in TABLE.entries.items() if function not in _FREE | _DETACHERS},
    **_GRADIENT_READS,
}
_UNFILLED = frozenset(
    function
    for name in ("empty", "empty_like", "empty_permuted", "empty_strided")
    for function in (*resolve(f"torch.{name}"), *resolve(f"torch.Tensor.new_{name}"))
)
"""What makes a tensor whose cells hold whatever is in memory."""
_PLAIN: frozenset[type] = frozenset([Tensor, torch.nn.Parameter])
_PROFILER = "torch._ops.profiler"  # of the marks that an optimizer sets around its steps for it
_SWITCH = torch._C._set_grad_enabled  # noqa: SLF001  what entering and leaving torch.no_grad() calls

T = TypeVar("T")


class Guard(Protocol):
    """A budget that is charged before each call; any charge may raise."""

    def charge(self, call: Call) -> Price | None:
        """Charge a call, and return its price if that follows from shapes alone."""

    def charge_again(self, name: str, price: Price, written: Tensor | None = None) -> None:
        """Charge a repetition of a call by its known price; `written` is the tensor that it writes."""

    def charge_query(self) -> None:
        """Charge a call of which no more is known than that it is made."""


@dataclass(frozen=True, slots=True)
class KnownCall:
    """What calls with one key have in common.

    Attributes:
        price: Their price.
        writes: Whether they write.
        call: The call itself, if the key leaves no numbers open: then their nodes share it.
    """

    price: Price | None
    writes: bool
    call: LazyCall


class Recorder(TensorIndex, TorchFunctionMode):
    """A function mode that records the calls made while it is entered.

    A call is bound to its entry in the table and charged, made, and recorded. From then on it is known by its
    key, and neither bound nor priced again.

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
        self._depth = 0  # how often it is entered
        self._modes_below: int | None = None  # how many others were entered before it, at the last gap
        self._guard = guard
        self._halt = halt
        self._known: dict[CallKey, KnownCall] = {}
        # To which dtype torch.autocast casts the operands of a call, by its function and dtypes.
        self._casts: dict[tuple[Any, ...], torch.dtype | None] = {}
        self._cast_nodes: dict[tuple[RecordNode, torch.dtype, bool], RecordNode] = {}
        # By id: the tensors whose gradients are known to the program, though nodes don't say so.
        self._leaves: dict[int, ref[Tensor]] = {}
        self._accumulated: dict[int, RecordNode] = {}  # gradients that a pass added to, not read since

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.is_inner is not None and self.is_inner(sys._getframe(1)):
            return func(*args, **kwargs)
        if func is _SWITCH or _TRANSFORMED() is not None or _SCRIPTING() is not None:
            if func is not _SWITCH and may_write(func, args, kwargs):
                self._preserve_beneath(args, kwargs)
            # Switching gradients on and off is not a step, and nothing may interrupt switching them back.
            # Inside torch.vmap and its like tensors are wrappers without cells of their own; while torch.jit
            # traces a function, sizes are tensors.
            if func is not _SWITCH:
                self.expect_unseen()
            return func(*args, **kwargs)
        if self._halt is not None:
            stop_if(self._halt, "stopped: what comes after this was not run")
        entry = _LISTED.get(func)
        if entry is None:
            return self._run_unlisted(func, args, kwargs)
        if func in ITEM_FUNCTIONS:
            args = with_plain_slices(args)
        split = split_call(func, entry.operation, args, kwargs)
        if split is None:
            return self._run_anew(func, args, kwargs, None)
        key, tensors, numbers = split
        known = self._known.get(key)
        if known is None:
            return self._run_anew(func, args, kwargs, key)
        return self._run_known(func, args, kwargs, known, tensors, numbers)

    def expect_unseen(self) -> None:
        """Take note of the tensors that there are, before calls that nobody sees may make others."""
        if self.older is None and not torch.compiler.is_compiling():
            self.older = {id(own): ref(own) for own in gc.get_objects() if _stands_for_itself(own)}

    def _preserve_beneath(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Keep what nodes show of the tensors beneath those of torch.vmap and its like, before a write."""
        from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

        plain = [_unwrapped(tensor) for tensor in tensors_in((args, kwargs))]
        with temporarily_clear_interpreter_stack():
            self._storages.preserve(plain)

    def _run_known(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        known: KnownCall,
        tensors: Sequence[Tensor],
        numbers: Sequence[Number],
    ) -> Any:
        """Run a call of which earlier ones have shown what it is."""
        call = LazyCall(known.call.plan, func, tuple(numbers)) if numbers else known.call
        name = known.call.plan.operation.name
        if self._guard is not None and known.price is not None:
            written = tensors[0] if known.writes else None
            self._guard.charge_again(name, known.price, written)
        before = self._operands_before_write(func, tensors) if known.writes else None
        result = self._run(func, args, kwargs)
        if before is not None:
            self._record_write(call, tensors, before, result)
        elif tensors and result is tensors[0]:  # as `x.float()` of what is one: nothing was made
            pass
        elif type(result) in _PLAIN and name != "grad" and not autocasts():  # most ask no more than this
            operands = call.plan.ordered([self.operand(tensor) for tensor in tensors])
            node = self._node(name, result, operands, call)
            node.note_inner()
            self._add(node, result)
        else:
            self._record(call, tensors, outputs(result), tensors)
        return result

    def _run_unlisted(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a call of a function that asks a tensor something, or that the table lacks."""
        if func in _GIVES_MEMORY and func not in self.handlers and not _asks_itself(sys._getframe(2)):
            self.watch(args[0])
        if func in _FREE:
            if self._guard is not None:
                self._guard.charge_query()
            with suppress(Exception):  # a wrong query fails below, as any call does
                if func in GRADIENT_SETTERS:
                    return self._set_gradient(func, args, kwargs)
                return func(*args, **kwargs)
        elif func == _DATA_SETTER:
            return self._share(*args)
        elif func in _DETACHERS:
            return self._detach(func, args, kwargs)
        elif getattr(func, "__module__", "") == _PROFILER:
            return func(*args, **kwargs)
        elif func in self.handlers:
            if self._guard is not None:
                self._guard.charge_query()
            return self.handlers[func](*args, **kwargs)
        elif func is _BACKWARD:
            return self._run(func, args, kwargs)
        elif (body := inline_body(func)) is not None:
            with self:
                return body(*args, **kwargs)
        return self._run_anew(func, args, kwargs, None)

    def _set_gradient(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Have a leaf's gradient set, or be followed by autograd from now on, or no longer."""
        leaf = args[0]
        self._leaves[id(leaf)] = ref(leaf)
        was_followed = leaf.requires_grad
        result = func(*args, **kwargs)
        if leaf.requires_grad != was_followed:
            self.note_switch(leaf)
        return result

    def _run_anew(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], key: CallKey | None
    ) -> Any:
        """Run a call that has to be bound first; if it has a key, it is known by it later."""
        written = SlottedArguments.of(args, kwargs)
        tensors = written.tensors
        if tensors:  # else NumPy's numbers lead to other dtypes
            plain = with_plain_numbers(written.args), with_plain_numbers(written.kwargs)
            written = SlottedArguments(*plain, tensors)
        call, price = self._charge(func, written)
        state = rng_state_before(func, args, kwargs)
        call = call.with_rng_state(state)
        # What nobody knows may draw: it has drawn if the generator has another state afterwards.
        state = torch.get_rng_state() if func not in _LISTED and state is None else None
        may = may_write(func, args, kwargs)
        updates = running_updates(func, args, kwargs)  # each is a node, also the next time
        operands = self._operands_before_write(func, tensors) if may else []
        before = [(self.operand(own), self.operand(batch)) for _, own, batch, _ in updates]
        self._storages.preserve([own for _, own, _, _ in updates])
        versions = list(map(version_of, tensors))
        result = self._run(func, args, kwargs)
        for _, own, _, _ in updates:
            self._storages.expect(own)
        if state is not None and not torch.equal(state, torch.get_rng_state()):
            call = call.with_rng_state(state)
        written_to = [own for own, before in zip(tensors, versions, strict=True) if version_of(own) != before]
        if may and func not in _LISTED:
            # Some of them count nothing, and others write what was there.
            changed = self._written(tensors, operands)
            written_to = [own for own in tensors if _is_one_of(own, [*written_to, *changed])]
        wrote = bool(written_to) or (may and None in versions)
        # Into several tensors that it was given, as with `out=(values, indices)`: no node shows that.
        several = may and wrote and isinstance(result, tuple) and not _is_one_of(tensors[0], written_to)
        if price is None and self._guard:  # torch took what our rules refuse: they don't describe it
            other = written.bind(fallback(call.operation.name), func, tensors)
            call = other.with_rng_state(call.rng_state)
        if written_to and (
            several or (func not in _LISTED and not (may and _is_one(written_to, tensors[0])))
        ):
            self._note_written(written_to, preserved=may)
            made = [output for output in outputs(result) if not _is_one_of(output, tensors)]
            self._record(opaque_call(call.operation.name, tensors, None, 0), tensors, made)
        elif wrote and may:
            self._record_write(call, tensors, operands, result)
        elif not _same(call, result, tensors):
            self._record(call, tensors, outputs(result), tensors)
        for (update, own, _, momentum), known in zip(updates, before, strict=True):
            arguments = SlottedArguments.of((*[operand.value for operand in known], momentum), {})
            self._add(self._node(update.__name__, own, known, call_of(update, arguments)), own, wrote=True)
        is_recorded = wrote or (outputs(result) and not _same(call, result, tensors))
        if is_recorded and wrote == may and not (updates or several):
            self._remember(key, call, written, price, may)
        return result

    def _run(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make the call, remembering it and its exception if it fails."""
        try:
            if func is _BACKWARD:
                return self.run_backward(func, *args, **kwargs)
            result = func(*args, **kwargs) if kwargs else func(*args)
            return _with_zeros(result) if func in _UNFILLED else result
        except Exception as error:
            self._fail(func, SlottedArguments.of(args, kwargs), error)
            raise

    def _fail(self, func: Any, written: SlottedArguments, error: Exception) -> None:
        self.failed, self.failure = call_of(func, written), error

    def _charge(self, func: Any, written: SlottedArguments) -> tuple[Call, Price | None]:
        """Return a bound call and its price, charged to the guard if there is one."""
        call = call_of(func, written)
        if self._guard is None:
            return call, None
        if any(tensor.__class__ not in _PLAIN for tensor in call.tensors):  # it may say anything of itself
            with untraced():
                priced = call.with_tensors([tensor.as_subclass(Tensor) for tensor in call.tensors])
        else:
            priced = call
        try:
            return call, self._guard.charge(priced)
        except ShapeMismatch as mismatch:
            self._fail(func, written, mismatch)
            raise ValueError(mismatch.rule) from mismatch

    def _remember(
        self, key: CallKey | None, call: Call, written: SlottedArguments, price: Price | None, may: bool
    ) -> None:
        """Remember the plan and the price of a call for later calls with its key."""
        entry = _LISTED.get(call.function)
        if key is None or entry is None or len(key) > MAX_KEY_PARTS:
            return
        if (
            (self._guard is None or price is not None)
            and not draws_random_numbers(call.function)
            and call.rng_state is None
            and _is_alike(call)
        ):
            if len(self._known) >= MAX_KEYS:
                self._known.clear()
            lazy = LazyCall(CallPlan.of(call, written, entry), call.function)
            self._known[key] = KnownCall(price, may, lazy)

    # Recording

    def _record(
        self,
        call: Call | LazyCall,
        tensors: Sequence[Tensor],
        given: Sequence[Tensor],
        returned: Sequence[Tensor] = (),
    ) -> None:
        """Add a node for each output of a call that has been made on some tensors, as they were written.

        An output that is one of `returned` has a node already: `x.float()` of what is one makes nothing.
        """
        made = [own for own in enumerate(given) if not _is_one_of(own[1], returned)]
        if not made:  # it told a fact, or gave what it got, and its operands need no nodes
            return
        call, operands = _with_operands(call, [self.operand(tensor) for tensor in tensors])
        if autocasts():
            call, operands = self._as_cast(call, operands, given[0])
        origin, name = self._where(), call.operation.name
        for position, output in made:
            if name == "grad" and self._has_node(output, origin):
                continue
            node = self._node(name, output, operands, call.at(position) if position else call, origin)
            if name == "grad" and output.requires_grad:  # it has a gradient itself
                node.flows_on = True
            if len(given) > 1:
                node.is_one_of_several = True
            node.note_inner()
            if isinstance(call, Call):  # later ones of its kind are like it
                node.note_members(call.places)
                self._doubt(node, (output, *tensors))
            elif output.__class__ not in _PLAIN:  # the tensors of a call that is known are plain
                self._doubt(node, (output,))
            self._add(node, output)

    def _as_cast(
        self, call: Call | LazyCall, operands: tuple[Operand[RecordNode], ...], output: Tensor
    ) -> tuple[Call | LazyCall, tuple[Operand[RecordNode], ...]]:
        """Return a call and its operands as `torch.autocast` has cast them before it; each cast is a node."""
        with untraced():
            known = call.bind(operands, output) if isinstance(call, LazyCall) else call.with_output(output)
            key = (call.function, output.dtype, *[tensor.dtype for tensor in known.tensors])
            if key not in self._casts:
                try:
                    self._casts[key] = dtype_of_cast(known)
                except LookupError:
                    return opaque_call(call.operation.name, known.tensors, output, 0), operands
            dtype = self._casts[key]
            if dtype is not None:
                operands = tuple([self._cast(operand, dtype) for operand in operands])
            if dtype is not None and call.__class__ is Call:
                call = call.with_tensors([operand.value for operand in operands])
            return call, operands

    def _cast(self, operand: Operand[RecordNode], dtype: torch.dtype) -> Operand[RecordNode]:
        """Return an operand as another dtype; it has one node as each, with gradients and without."""
        value = as_dtype(operand.value, dtype)
        if value.dtype == operand.value.dtype:
            return operand
        key = operand.node, dtype, torch.is_grad_enabled()
        node = self._cast_nodes.get(key)
        if node is None or node.dropped:
            written = SlottedArguments.of((operand.value, dtype), {})
            call = written.bind(_TO, Tensor.to, written.tensors)
            origin = self._where()._replace(target="")
            node = self._add(self._node(_TO.name, value, (operand,), call, origin), value)
            node.words = f"{operand.title} as {node.dtype}"
            self._cast_nodes[key] = node
        return Operand(node.value, node)

    def _operands_before_write(self, func: Any, tensors: Sequence[Tensor]) -> Sequence[Operand[RecordNode]]:
        """Return the operands of a call that may write, and keep what nodes show of where it writes."""
        operands = [self.operand(tensor) for tensor in tensors]
        # By its name it writes into its first operand; with `out=` and the like, nobody says into which.
        if not turns(func):
            self._storages.preserve(tensors[:1] if writes(func) and func in _LISTED else tensors)
        return operands

    def _record_write(
        self,
        call: Call | LazyCall,
        tensors: Sequence[Tensor],
        known: Sequence[Operand[RecordNode]],
        result: Any,
    ) -> None:
        """Add a node for a call that wrote to an operand, with the values after the write."""
        call, operands = _with_operands(call, known)
        known[0].node.note_written_view()
        target = result if isinstance(result, Tensor) else tensors[0]  # of several the first is the target
        node = self._node(call.operation.name, target, operands, call)
        self._storages.expect(target)
        self._doubt(node, tensors)
        if turns(call.function):  # its cells are as they were, for it and for its views
            self._add(node, target)
            self._rename(target, node)
        else:
            self._add(node, target, wrote=True)

    def _written(self, tensors: Sequence[Tensor], known: Sequence[Operand[RecordNode]]) -> list[Tensor]:
        """Return those of some tensors that hold other cells than they did as operands."""
        with untraced():
            pairs = zip(tensors, known, strict=True)
            return [own for own, operand in pairs if not is_same(detach_value(own), operand.value)]

    def _note_written(self, tensors: Sequence[Tensor], *, preserved: bool) -> None:
        """Add nodes for tensors that a call has written of which no rule says what it writes.

        Args:
            tensors: The tensors.
            preserved: Whether what nodes show of them was moved away before.
        """
        for tensor in tensors:
            if preserved:
                self.watch(tensor)
            self.node_of(tensor)

    def _doubt(self, node: RecordNode, tensors: Sequence[Tensor]) -> None:
        """Take a call on tensors that wrap others as opaque, unless it is true of what is shown of them."""
        if any(map(wraps_others, tensors)):
            with untraced():
                if not gives_its_value(node):
                    node.hide_call()

    def _detach(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Do `x.detach_()`: autograd takes for a constant what has been a result."""
        if self._guard is not None:
            self._guard.charge_query()
        (tensor,) = tensors_in((args, kwargs))
        before = self.operand(tensor)
        if not before.node.operands:  # a leaf
            return self._set_gradient(func, (tensor,), {})
        result = self._run(func, args, kwargs)
        node = self._note(tensor, (before,), _DETACH, Tensor.detach)
        if node is not None:
            self._rename(tensor, node)
        return result

    def _share(self, tensor: Tensor, source: Tensor) -> None:
        """Do `tensor.data = source`: from now on the tensor lies where the source does."""
        before, other = self.operand(tensor), self.operand(source)
        with untraced():  # the weight of a lazy layer refuses questions until it has its class
            self._storages.leave(tensor)
            tensor.data = source
        if (before.value.shape, before.value.dtype) == (source.shape, source.dtype):
            node = self._note(tensor, (before, other), _SET_DATA, torch.ops.aten.set_data.default)
        elif (node := self._note(tensor, (other,), _DETACH, Tensor.detach)) is not None:
            # Autograd goes on as if nothing had happened.
            node.flows_on = not (tensor.is_leaf and (tensor.requires_grad or not before.node.operands))
        if node is not None:
            self._rename(tensor, node)

    def note_gradient(self, gradient: Tensor, source: Tensor) -> None:
        """Add a node for a gradient that the program asked for, as if it were read from `source`."""
        node = self.note_result(gradient, [source], _GRADIENT.operation, _READ_GRADIENT)
        if node is not None:
            node.flows_on = gradient.requires_grad  # it has a gradient itself

    def note_result(
        self, tensor: Tensor, sources: Sequence[Tensor], operation: Operation, function: Any
    ) -> RecordNode | None:
        """Add a node for a tensor that no call under the mode has made, and return it; None in a gap.

        Args:
            tensor: The tensor.
            sources: What it is made from.
            operation: The operation.
            function: What makes it from the sources, for who asks again.
        """
        if self.is_paused:
            return None
        with untraced():
            operands = tuple([self.operand(source) for source in sources])
        return self._note(tensor, operands, operation, function)

    def _note(
        self, tensor: Tensor, operands: tuple[Operand[RecordNode], ...], operation: Operation, function: Any
    ) -> RecordNode | None:
        if self.is_paused:
            return None
        with untraced():
            values = [operand.value for operand in operands]
            call = SlottedArguments.of(values, {}).bind(operation, function, values)
            return self._add(self._node(operation.name, tensor, operands, call), tensor)

    def note_call(
        self,
        function: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        result: Tensor | tuple[Tensor, ...],
        operation: Operation | None = None,
        rng_state: Tensor | None = None,
    ) -> None:
        """Add nodes for a call that was not made through torch, and has the result that torch would give.

        Without an operation it is that of the function.
        """
        written = SlottedArguments.of(args, kwargs)
        if operation is None:
            call = call_of(function, written)
        else:
            call = written.bind(operation, function, written.tensors).with_rng_state(rng_state)
        if not self.is_paused and not _same(call, result, written.tensors):
            with untraced():  # what is asked of tensors here is no call of the program
                self._record(call, written.tensors, outputs(result))

    def note_write_call(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], target: Tensor
    ) -> None:
        """Add a node for a call that was not made through torch, and has written into a tensor.

        `preserve` comes before the write, once all its operands have nodes.
        """
        if not self.is_paused:
            written = SlottedArguments.of(args, kwargs)
            with untraced():
                operands = [self.operand(tensor) for tensor in written.tensors]
                self._record_write(call_of(function, written), written.tensors, operands, target)

    def note_same(self, tensor: Tensor, known: Tensor) -> None:
        """Take a tensor for another that it is a second object of, in the same memory."""
        if not self.is_paused:
            with untraced():
                self._tracked[id(tensor)] = self._storages.track(tensor, self.operand(known).node)

    # Gradients

    def run_backward(self, go: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a backward pass, which adds to `.grad` in place, and keep what nodes show of gradients.

        A gradient that the program had read, and that the pass added to, gets a new node. `go` runs the pass.
        """
        for known, gradient in self._leaf_gradients() if self._leaves else ():
            if id(gradient) not in self._gradients and self._storages.shows(gradient):
                self.note_gradient(gradient, known)
        with untraced():
            added = [
                (tensor, leaf, node, tensor._version)
                for tensor, node in self._gradients.values()
                if (leaf := self._leaf(node)) is not None and leaf.grad is tensor
            ]
            self._storages.preserve([tensor for tensor, *_ in added])
        self._gradients = {id(tensor): (tensor, node) for tensor, _, node, _ in added}
        result = go(*args, **kwargs)
        with untraced():
            for tensor, leaf, node, version in added:
                if tensor._version != version and node.call is not None:
                    source = self.operand(leaf)
                    call = node.call.with_tensors([source.value])
                    new = self._node(node.op, tensor, (source,), call)
                    self._add(new, tensor, wrote=True)
                    self._accumulated[id(tensor)] = new
        return result

    def _has_node(self, gradient: Tensor, origin: Origin) -> bool:
        """Return whether reading a gradient adds no node to the one that it has.

        That is so once after a backward pass has added to it, and always within a fold: torch's own Python
        looks at a gradient several times for each step.
        """
        accumulated = self._accumulated.pop(id(gradient), None) is not None
        if not accumulated and FOLD not in origin.scope:
            return False
        tracked = self._tracked.get(id(gradient))
        return tracked is not None and not self._storages.is_stale(tracked)

    def _leaf(self, gradient: RecordNode) -> Tensor | None:
        """Return the tensor whose gradient a node is, if it is still alive."""
        index = gradient.operands[0].node.index
        gone = self._dropped_tensors.get(index)
        return gone() if gone is not None else self._tensors[index]

    def _leaf_gradients(self) -> list[tuple[Tensor, Tensor]]:
        """Return the leaves whose gradients nodes may show without saying so, and these."""
        with untraced():
            known = [(leaf, leaf.grad) for own in self._leaves.values() if (leaf := own()) is not None]
        pairs = [(leaf, gradient) for leaf, gradient in known if gradient is not None]
        self._leaves = {id(leaf): ref(leaf) for leaf, _ in pairs}
        return pairs

    def release(self) -> None:
        """Let go of all tensors, and of who handles calls: they know the recorder, and so hold its nodes."""
        super().release()
        self.handlers, self.is_inner = {}, None

    # Gaps

    def __enter__(self) -> Recorder:
        """Begin to record, unless within a gap."""
        self._depth += 1
        if not self.is_paused:
            _push_mode(self)
        return self

    def __exit__(self, *error: object) -> None:
        """Record no more."""
        self._depth -= 1
        if not self.is_paused:
            _pop_mode()

    def pause(self) -> None:
        """Record nothing from now on: calls go to torch at once, and nobody sees them."""
        super().pause()
        self._accumulated.clear()
        self._gradients.clear()
        modes = [_pop_mode() for _ in range(_count_modes())][::-1]
        self._modes_below = modes.index(self) if self in modes else None
        for mode in modes:
            if mode is not self:
                _push_mode(mode)

    def resume(self, gap: Gap) -> None:
        """Record again, among the modes of the program where it was. Any leaf may have a gradient by now."""
        super().resume(gap)
        if self._depth and self._modes_below is not None:
            above = [_pop_mode() for _ in range(self._modes_below, _count_modes())]
            for mode in (self, *reversed(above)):
                _push_mode(mode)
        with untraced():
            for tensor in (*[tracked.tensor for tracked in self._tracked.values()], *self._bound.values()):
                if tensor.is_leaf and tensor.requires_grad:
                    self._leaves[id(tensor)] = ref(tensor)


def is_recording() -> bool:
    """Return whether torch calls made now reach a recorder."""
    return _mode_is_on() and _functions_are_seen() and _TRANSFORMED() is None


@contextmanager
def recording_again(recorder: Recorder) -> Iterator[None]:
    """Record torch calls while the context is open, also within one of torch's own or an untraced one."""
    with torch._C._EnableTorchFunction():  # noqa: SLF001
        if _mode_is_on() or recorder.is_paused:
            yield
        else:
            with recorder:
                yield


def call_of(func: Any, written: SlottedArguments) -> Call:
    """Return a torch function's call bound to its entry in the table, else to a fallback operation."""
    entry = TABLE.entry(func)
    if entry is not None:
        try:
            return written.bind(entry.operation, func, written.tensors, entry.swap)
        except (TypeError, IndexError, ValueError):
            pass  # an overload that the entry doesn't describe, or a wrong call: torch will say
    operation = fallback(entry.operation.name if entry else short_name(func))
    return written.bind(operation, func, written.tensors)


def _with_operands(
    call: Call | LazyCall, written: Sequence[Operand[RecordNode]]
) -> tuple[Call | LazyCall, tuple[Operand[RecordNode], ...]]:
    """Return a call on the values of operands, given as they were written, and these in its order."""
    operands = tuple([written[place] for place in call.order])
    if call.__class__ is Call:
        call = call.with_tensors([operand.value for operand in operands])
    return call, operands


def _is_alike(call: Call) -> bool:
    """Return whether calls like this one are described alike, and make as much."""
    operation = call.operation
    measured = operation.kind == "measured" and operation.name != "grad"
    return not (measured or operation.depends_on_cells)


def _with_zeros(made: Tensor) -> Tensor:
    """Fill a tensor that promises nothing of its cells, so that two runs of a program are alike."""
    with untraced():
        made.detach().zero_()
    return made


def _asks_itself(frame: FrameType) -> bool:
    """Return whether a call comes from this package, which writes nowhere unseen."""
    return str(frame.f_globals.get("__name__", "")).startswith(__package__.partition(".")[0] + ".")


def _is_one(tensors: Sequence[Tensor], only: Tensor) -> bool:
    return len(tensors) == 1 and tensors[0] is only


def _is_one_of(tensor: Tensor, others: Sequence[Tensor]) -> bool:
    return any(other is tensor for other in others)


def _stands_for_itself(value: object) -> bool:
    """Return whether an object is a tensor, and not one that torch.vmap and its like give to a function."""
    kind = type(value)  # not what it says of itself, which may be anything
    return issubclass(kind, Tensor) and not torch._C._functorch.is_functorch_wrapped_tensor(value)  # type: ignore[arg-type]  # noqa: SLF001


def _unwrapped(tensor: Tensor) -> Tensor:
    """Return the tensor that those within torch.vmap and its like stand for."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):  # noqa: SLF001
        tensor = torch._C._functorch.get_unwrapped(tensor)  # noqa: SLF001
    return tensor


def _same(call: Call, result: Any, tensors: Sequence[Tensor]) -> bool:
    """Return whether an unknown operation returned one of its operands, as `requires_grad_()` does."""
    return isinstance(call.operation, FallbackOperation) and any(result is tensor for tensor in tensors)
