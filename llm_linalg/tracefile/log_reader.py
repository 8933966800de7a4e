"""Read a log of which nothing is believed, while it is written."""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from struct import unpack_from
from typing import Any, Generic, NamedTuple, cast, get_args

import torch
from torch import Tensor

from llm_linalg.base.errors import (
    FormatError,
    MismatchedAxis,
    MissingValueError,
    OperandInfo,
    ProgramError,
    Repair,
    ShapeError,
    Span,
    StackFrame,
)
from llm_linalg.base.text import clean
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import ArgumentSlot, Function
from llm_linalg.ops.call_cache import CallPlan, Number, split_call
from llm_linalg.ops.fallback import fallback
from llm_linalg.ops.operation import Call, SlottedArguments
from llm_linalg.ops.randomness import draws_random_numbers
from llm_linalg.ops.table import TableEntry
from llm_linalg.recording.aliasing import alias_call
from llm_linalg.recording.cell_state import CellState, State
from llm_linalg.recording.ending import ENDING_KINDS, Ending
from llm_linalg.recording.failed_call import FailedCall, FailedOperand
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.plot import Plot, PlotKind, PlotSeries
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import LazyCall, N, Operand, Origin
from llm_linalg.recording.retention import MOST_NODES
from llm_linalg.recording.write_log import WriteSource
from llm_linalg.tracefile import log_format as form_of
from llm_linalg.tracefile.log_format import DTYPES, functions
from llm_linalg.tracefile.opaque import is_described, opaque_call, untold_hook
from llm_linalg.tracefile.plain_values import Decoder, NumberSlot

MOST_AT_ONCE = 5_000  # records that one look reads
_MOST_FILES = 1_000
MOST_CELLS = 2**26  # of a view that has more cells than its memory; of one with more there is only the shape
_MOST_COLUMN = 2**31
_TRUTH = bytes([0, *[1] * 255])  # whatever a byte of a bool is, it is one of two


class _Store(NamedTuple):
    """Cells: where they begin in a buffer that nobody else writes, and their bytes."""

    buffer: bytearray
    first: int
    size: int


@dataclass(slots=True)
class _Form:
    """What nodes of one call site have in common."""

    number: int
    op: str
    fallback: bool
    no_grad: bool
    several: bool
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: int
    numbers: int
    position: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    cells: int
    extent: int
    origin: Origin
    name: str | None
    plans: dict[Any, _Plan]


class _Plan(NamedTuple):
    """How the calls of a form are bound, for operands of certain shapes.

    Attributes:
        call: The call; None if each of them is bound for itself.
        is_described: Whether the operation's rules describe it; else it is opaque.
        order: For each operand, its position among those of the call as it was written.
        in_order: Whether these are in the order of the parameters.
    """

    call: LazyCall | None
    is_described: bool
    order: tuple[int, ...] = ()
    in_order: bool = True


class Reader(Generic[N]):
    """Reads a log.

    It copies what it reads, checks it, and only then makes nodes of it: a writer that changes what it has
    written changes nothing here. All raise `FormatError` for a log that is not as a writer makes it, and
    nothing else.

    Args:
        memory: The log.
        node_type: The class of its nodes.
        whole: Whether it is a file: nobody else writes it, and it must say how the run ended.

    Attributes:
        nodes: The nodes so far.
        names: The node that each name means so far.
        failed: The call that ended the run, if one did.
        cell_calls: The calls whose failures the errors of cells show, by the positions of those.
        ending: How the run ended; None if it has not said so.
        error: The error that ended it; None if none did.
    """

    def __init__(self, memory: mmap.mmap | bytearray, node_type: type[N], *, whole: bool = False) -> None:
        self._memory = memory
        self._view = memoryview(memory)
        self._whole = whole
        self._type = node_type
        self._at = form_of.START
        self._text = self._links = self._cell_bytes = 0
        self._told: dict[int, int] = {}
        self._damage: FormatError | None = None
        self._same_table = False
        self._about: tuple[str, int] | None = None
        self._forms: list[_Form] = []
        self._plans: dict[str, dict[Any, _Plan]] = {}
        self._stores: list[_Store] = []
        self._truths: dict[int, _Store] = {}
        self._operands: list[Operand[N]] = []
        self._spans: dict[Span, Span] = {}
        self.nodes: list[N] = []
        self.names: dict[str, N] = {}
        self.lines: dict[int, N] = {}
        self.prints: list[tuple[int, str]] = []
        self._gaps: dict[Gap, Gap] = {}
        self.cells: dict[int, CellState] = {}
        self.lists: dict[str, tuple[str, ...]] = {}
        self.files: dict[str, dict[int, str]] = {}
        self.failed: FailedCall | None = None
        self.cell_calls: dict[int, FailedCall] = {}
        self._failed_calls: list[FailedCall] = []
        self.ending: Ending | None = None
        self.error: ProgramError | None = None
        self._plain_scopes: dict[str, str] = {}
        self._rest: tuple[str | None, int | None, tuple[ProgramError, ...]] = (None, None, ())
        self._read: dict[int, Callable[[bytes], None]] = {
            form_of.NODES: self._node,
            form_of.NAME: self._name,
            form_of.LINE_RESULT: self._line_result,
            form_of.ABOUT: self._json(self._read_about, form_of.MOST_WHOLE),
            form_of.FORM: self._json(self._read_form),
            form_of.AMEND: self._json(self._amend),
            form_of.PRINT: self._json(self._print),
            form_of.GAP: self._json(self._gap),
            form_of.CELL: self._json(self._cell),
            form_of.LISTED: self._json(self._list),
            form_of.FILE: self._json(self._file),
            form_of.FAILED: self._json(self._failed),
            form_of.SCOPES: self._json(self._scopes, form_of.MOST_WHOLE),
            form_of.REST: self._json(self._read_rest, form_of.MOST_WHOLE),
            form_of.END: self._json(self._end),
        }
        if whole:
            self.read()
            if self.ending is None:
                raise FormatError("it has no end")

    @property
    def line(self) -> int | None:
        """The line that runs; None if the writer doesn't say so."""
        line = unpack_from("<Q", self._memory, 8 * form_of.LINE)[0]
        return line if 0 < line < form_of.MOST_LINE else None

    def read(self) -> None:
        """Read all that is there now, and nothing that comes meanwhile."""
        end = self._end_now()
        while self._at < end:
            self.poll()

    def poll(self, most: int = MOST_AT_ONCE) -> int:
        """Read what has come since, at most so many records; return how many they were."""
        if self._damage is not None:
            raise self._damage
        try:
            with untraced():
                return self._poll(most)
        except FormatError as error:
            self._damage = error
            raise
        except (RuntimeError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            self._damage = FormatError(f"torch refuses what it holds: {type(error).__name__}")
            raise self._damage from None

    def record(self) -> Record[N]:
        """Return what was read so far as a record."""
        source, seed = self._about or ("", 0)
        printed, failed_line, errors = self._rest
        printed = "".join(text for _, text in self.prints) if printed is None else printed
        for node in self.nodes:
            node.scope = self._plain_scopes.get(node.scope, node.scope)
        record: Record[N] = Record(self.nodes, self.names, source, seed, printed)
        record.prints, record.gaps = tuple(self.prints), tuple(self._gaps)
        record.lines, record.lists = dict(self.lines), dict(self.lists)
        record.cells = tuple([self.cells[number] for number in sorted(self.cells)])
        record.cell_errors, record.failed_line = errors, failed_line
        for error in errors:
            error.source = source
        record.files = {path: _lines_of(texts) for path, texts in self.files.items()}
        record.ending = self.ending or Ending("exit", self.line, "it did not say how")
        return record

    def value(self, told: Any) -> Any:
        """Return a value that `Writer.value` has told, once the log up to then was read."""
        encoded, references = _items(told, 2)
        decoder = Decoder()
        value = decoder.decode(encoded)
        tensors = [self._referenced(reference) for reference in _list(references)]
        _hold(decoder.tensors == len(tensors) and not decoder.numbers, "a value with other tensors")
        return _with_tensors(value, tensors)

    def _poll(self, most: int) -> int:
        end = self._end_now()
        if not end:
            return 0
        magic, _, _, version = form_of.HEAD.unpack_from(self._memory)
        _hold(magic == form_of.MAGIC, "it is no trace")
        if version != form_of.VERSION:
            raise FormatError(f"it has version {version}, and this reads version {form_of.VERSION}")
        _hold(end <= len(self._memory), "it ends beyond its memory")
        count = 0
        while self._at < end and count < most:
            _hold(self._at + 8 <= end, "a record without its length")
            length, kind = form_of.RECORD.unpack_from(self._memory, self._at)
            first, after = self._at + 8, self._at + 8 + length
            _hold(after <= end, "a record beyond its end")
            _hold(self.ending is None or kind == form_of.CELLS, "a record after its end")
            _hold(kind == form_of.ABOUT or self._about is not None, "it does not begin as it should")
            self._told[kind] = told = self._told.get(kind, 0) + 1
            most_told = form_of.MOST_RECORDS.get(kind, form_of.MOST_OTHERS)
            _hold(told <= (most_told * form_of.IN_A_FILE if self._whole else most_told), "too many records")
            if kind == form_of.CELLS:
                self._cell_bytes += 0 if self._whole else length
                _hold(self._cell_bytes <= form_of.MOST_CELL_BYTES, "too many cells")
                buffer = self._memory if self._whole else bytearray(self._view[first:after])
                self._stores.append(_Store(buffer, first if self._whole else 0, length))  # type: ignore[arg-type]
            else:
                read = self._read.get(kind)
                if read is None:
                    raise FormatError("a record of no kind")
                read(bytes(self._view[first:after]))
            self._at = -(-after // 8) * 8
            count += 1
        return count

    def _end_now(self) -> int:
        """Return where the log ends: in a memory, as its writer says."""
        if len(self._memory) < form_of.START:
            raise FormatError("it is shorter than its header")
        return len(self._memory) if self._whole else int(form_of.HEAD.unpack_from(self._memory)[1])

    def _link(self, count: int) -> None:
        """Count operands, numbers or words that are about to be kept."""
        self._links += count
        most = form_of.MOST_LINKS * (form_of.IN_A_FILE if self._whole else 1)
        _hold(self._links <= most, "too many operands, numbers or words")

    def _json(self, read: Callable[[Any], None], most: int = form_of.MOST_JSON) -> Callable[[bytes], None]:
        def decoded(payload: bytes) -> None:
            self._text += len(payload)
            _hold(len(payload) <= most and self._text <= form_of.MOST_TEXT, "too long a text")
            read(_parsed(payload))

        return decoded

    def _read_about(self, told: Any) -> None:
        _hold(self._about is None, "it begins twice")
        fingerprint, source, seed = _items(told, 3)
        _hold(fingerprint.__class__ is str, "a table without a mark")
        self._same_table = fingerprint == functions().fingerprint
        _hold(seed.__class__ is int and abs(seed) <= form_of.MOST_NUMBER, "a seed that is none")
        self._about = _text(source, form_of.MOST_SOURCE + 1, lines=True), seed

    # Nodes

    def _read_form(self, told: Any) -> None:
        number, spelling, op, flags, args, kwargs, position, dtype, shape, strides, *where = _items(told, 16)
        span, source, file, scope, target, name = where
        _hold(number.__class__ is int and spelling.__class__ is str, "a function that is none")
        known = functions()
        if number >= 0:
            if not self._same_table:
                number = known.number_of(spelling)
            _hold(number < len(known.entries), "a function beyond the table")
        _hold(number >= form_of.ALIAS, "a function that is none")
        _hold(flags.__class__ is int and 0 <= flags < 8, "flags that are none")
        _hold(dtype.__class__ is str and dtype in DTYPES, "a dtype that is none")
        _hold(kwargs.__class__ is dict and len(kwargs) < form_of.MOST_RANK, "arguments that are none")
        sizes, steps = _sizes(shape), _strides(strides)
        decoder = Decoder()
        decoded = tuple([decoder.decode(value) for value in _list(args)])
        named = {name: decoder.decode(value) for name, value in kwargs.items()}
        _hold(decoder.tensors <= form_of.MOST_OPERANDS, "too many operands")
        self._forms.append(
            _Form(
                number,
                _text(op),
                bool(flags & form_of.FALLBACK),
                bool(flags & form_of.NO_GRAD),
                bool(flags & form_of.SEVERAL),
                decoded,
                named,
                decoder.tensors,
                decoder.numbers,
                _count(position, form_of.MOST_OPERANDS),
                DTYPES[dtype],
                sizes,
                steps,
                prod(sizes),
                _extent(sizes, steps),
                Origin(
                    self._span(span),
                    _text(source, form_of.MOST_SOURCE, lines=True),
                    _text(file),
                    _text(scope),
                    _text(target),
                ),
                None if name is None else _text(name),
                # Call sites often differ by nothing but their place: one plan serves them all.
                self._plans.setdefault(
                    repr((number, op, flags, args, kwargs, position, dtype, shape, strides)), {}
                ),
            )
        )

    def _span(self, told: Any) -> Span | None:
        if told is None:
            return None
        span = _span_of(told)
        return self._spans.setdefault(span, span)

    def _node(self, payload: bytes) -> None:
        _hold(len(payload) >= form_of.NODE.size, "a node without its form")
        number, store, place, count, flags, _ = form_of.NODE.unpack_from(payload)
        _hold(number < len(self._forms), "a node of no form")
        form, index = self._forms[number], len(self.nodes)
        _hold(index < MOST_NODES, "more nodes than a trace can hold")
        _hold(
            count == form.tensors or (form.number < form_of.INPUT), "a node with other operands than its form"
        )
        end = form_of.NODE.size + 4 * count
        _hold(end <= len(payload), "a node without its operands")
        self._link(count)
        more: dict[str, Any] = {}
        raw = unpack_from(f"<{count}I", payload, form_of.NODE.size)
        if flags & form_of.MORE:
            more, end = self._more(payload, end)
        operands = [self._operand(number) for number in raw]
        _hold(not more or form.number != form_of.INPUT, "an input with other parts")
        if "own" in more:
            self._put_own(operands, more["own"])
        value = self._value(form, store, place, flags, payload, end)
        missing = value is None or any(
            own.value.is_meta and own.node.dropped and own.value is own.node.value for own in operands
        )
        if missing:
            value = shadow(form.shape, form.dtype)
            operands = [Operand(_shadow_of(own.value), own.node) for own in operands]
        assert value is not None  # noqa: S101
        call, ordered = (
            (None, ()) if form.number == form_of.INPUT else self._call(form, operands, value, more)
        )
        if flags & form_of.SAME:
            ordered = self._same_operands(ordered)
        node = self._type(index, form.op, value, cast("Any", ordered), call, form.origin, form.name)
        if form.no_grad:
            node.no_grad = True
        if form.several:
            node.is_one_of_several = True
        if missing:
            node.dropped = True
        self.nodes.append(node)
        self._operands.append(Operand(value, node))

    def _operand(self, number: int) -> Operand[N]:
        index = number & ~form_of.INNER
        _hold(index < len(self._operands), "a node made of a later one")
        operand = self._operands[index]
        if number & form_of.INNER:
            operand.node.is_inner = True
        return operand

    def _same_operands(self, operands: tuple[Operand[N], ...]) -> tuple[Operand[N], ...]:
        """Return the operands of the node before, which is another result of the same call."""
        _hold(bool(self.nodes), "a result of no call")
        before = self.nodes[-1].operands
        _hold([own.node for own in before] == [own.node for own in operands], "a result of another call")
        return before

    def _more(self, payload: bytes, at: int) -> tuple[dict[str, Any], int]:
        _hold(at + 4 <= len(payload), "a node that ends before it does")
        (length,) = unpack_from("<I", payload, at)
        end = at + 4 + length
        _hold(length <= form_of.MOST_JSON and end <= len(payload), "a node that ends before it does")
        more = _parsed(payload[at + 4 : end])
        _hold(more.__class__ is dict and more.keys() <= _PARTS, "a node with other parts")
        return more, end

    def _put_own(self, operands: list[Operand[N]], told: Any) -> None:
        """Put in the values of operands that are not those of their nodes."""
        _hold(told.__class__ is dict and len(told) <= len(operands), "operands of no node")
        for word, reference in told.items():
            _hold(word.isdecimal() and len(word) < 6 and int(word) < len(operands), "operands of no node")
            own = operands[int(word)]
            operands[int(word)] = Operand(self._referenced(reference), own.node)

    def _value(
        self, form: _Form, store: int, place: int, flags: int, payload: bytes, end: int
    ) -> Tensor | None:
        """Return a node's value; None if its cells were not kept."""
        if flags & form_of.INLINE:
            first = end + -end % 8 if form.cells else end
            size = form.cells * form.dtype.itemsize
            _hold(
                len(payload) == first + size and form.extent in (form.cells, 0),
                "other cells than its shape has",
            )
            return self._tensor(_Store(bytearray(payload[first:]), 0, size), None, form, 0)
        _hold(len(payload) == end, "a node with cells of another")
        if flags & form_of.META:
            return shadow(form.shape, form.dtype)
        if flags & form_of.DROPPED:
            return None
        _hold(store < len(self._stores), "cells of no store")
        return self._tensor(self._stores[store], store, form, place)

    def _tensor(self, store: _Store, number: int | None, form: _Form | _Layout, place: int) -> Tensor | None:
        """Return a view of a store; None for one that has many more cells than it."""
        size = form.dtype.itemsize
        _hold(len(form.strides) == len(form.shape), "strides of another shape")
        _hold(place % size == 0 and place + form.extent * size <= store.size, "cells beyond their store")
        if not form.cells:
            return torch.empty(form.shape, dtype=form.dtype)
        if form.cells > max(MOST_CELLS, store.size):
            return None
        if form.dtype is torch.bool:
            store = self._truth(store, number)
        flat = torch.frombuffer(store.buffer, dtype=form.dtype, count=form.extent, offset=store.first + place)
        return flat.as_strided(form.shape, form.strides)

    def _truth(self, store: _Store, number: int | None) -> _Store:
        """Return the cells of a store as bools, of which each byte is 0 or 1."""
        known = None if number is None else self._truths.get(number)
        if known is None:
            cells = store.buffer[store.first : store.first + store.size]
            known = _Store(cells.translate(_TRUTH), 0, store.size)
            if number is not None:
                self._truths[number] = known
        return known

    def _referenced(self, told: Any) -> Tensor:
        """Return a tensor that is no node's value; on meta if its cells were not kept."""
        dtype, shape, strides, store, place = _items(told, 5)
        _hold(dtype.__class__ is str and dtype in DTYPES, "a dtype that is none")
        sizes = _sizes(shape)
        value = None
        if store is not None:
            steps = _strides(strides)
            layout = _Layout(DTYPES[dtype], sizes, steps, prod(sizes), _extent(sizes, steps))
            number = _count(store, len(self._stores))
            value = self._tensor(self._stores[number], number, layout, _count(place, form_of.MOST_SIZE))
        return shadow(sizes, DTYPES[dtype]) if value is None else value

    # Calls

    def _call(
        self, form: _Form, written: list[Operand[N]], value: Tensor, more: dict[str, Any]
    ) -> tuple[Call | LazyCall, tuple[Operand[N], ...]]:
        """Return the call of a node, and its operands in the order of the parameters."""
        if form.number == form_of.ALIAS:
            return self._alias(form, written, value, more.get("alias")), tuple(written)
        if form.number == form_of.OPAQUE:
            return opaque_call(form.op, [own.value for own in written], value, form.position), tuple(written)
        numbers = self._numbers(form, more)
        entry = functions().entries[form.number][1]
        state = self._state(more.get("rng"))
        if state is not None or entry.operation.chosen_by_cells or draws_random_numbers(self._function(form)):
            call = self._bound(form, written, value, numbers)
            call = call or opaque_call(form.op, [own.value for own in written], value, form.position)
            return call.with_rng_state(state), tuple([written[at] for at in call.order])
        key: Any = tuple([(own.value.shape, own.value.dtype, own.value.is_contiguous()) for own in written])
        if numbers:
            slices = any(number.__class__ is slice for number in numbers)
            key = key, repr(numbers) if slices else tuple([number.__class__ for number in numbers])
        plan = form.plans.get(key)
        if plan is None:
            plan = form.plans[key] = self._plan(form, written, value, numbers)
        if plan.call is None:
            call = self._bound(form, written, value, numbers) if plan.is_described else None
            call = call or opaque_call(form.op, [own.value for own in written], value, form.position)
            return call, tuple([written[at] for at in call.order])
        operands = tuple(written if plan.in_order else [written[at] for at in plan.order])
        if numbers:
            return LazyCall(plan.call.plan, plan.call.function, numbers, form.position), operands
        return plan.call, operands

    def _function(self, form: _Form) -> Function:
        return functions().entries[form.number][0]

    def _plan(
        self, form: _Form, written: list[Operand[N]], value: Tensor, numbers: Sequence[Number]
    ) -> _Plan:
        """Return how the calls of a form are bound."""
        call = self._bound(form, written, value, numbers)
        if call is None:
            return _Plan(None, False)
        function, entry = functions().entries[form.number]
        split = split_call(function, entry.operation, call.args, call.kwargs)
        plan = CallPlan.of(call, TableEntry(entry.operation, entry.swap and not form.fallback))
        if split is None or plan.numbers != len(split[2]) or (numbers and list(numbers) != split[2]):
            return _Plan(None, True)
        own = LazyCall(plan, function, tuple(split[2]), form.position)
        return _Plan(own, True, call.order, plan.in_order)

    def _bound(
        self, form: _Form, written: list[Operand[N]], value: Tensor, numbers: Sequence[Number]
    ) -> Call | None:
        """Return a form's call, bound; None if its operation doesn't describe it."""
        function, entry = functions().entries[form.number]
        feed = iter(numbers)
        args = tuple([_filled(item, feed) for item in form.args])
        kwargs = {name: _filled(item, feed) for name, item in form.kwargs.items()}
        values = [own.value for own in written]
        operation = fallback(entry.operation.name) if form.fallback else entry.operation
        swap = entry.swap and not form.fallback
        try:
            call = SlottedArguments(args, kwargs, values).bind(operation, function, values, swap)
            call = call.with_output(value).at(form.position)
        except Exception:  # noqa: BLE001 - forged arguments may be anything, and so may what they raise
            return None
        if call.operation.name != form.op or len(call.tensors) != len(values):
            return None
        return call if is_described(call, form.shape) else None

    def _numbers(self, form: _Form, more: dict[str, Any]) -> tuple[Number, ...]:
        if not form.numbers and "n" not in more:
            return ()
        told = _list(more.get("n"))
        _hold(len(told) == form.numbers, "other numbers than its form has")
        numbers = tuple([Decoder().decode(number) for number in told])
        _hold(all(number.__class__ in (int, float, slice) for number in numbers), "a number that is none")
        return numbers

    def _state(self, told: Any) -> Tensor | None:
        """Return the state of torch's generator before a call."""
        if told is None:
            return None
        state = self._referenced(told)
        _hold(state.dtype is torch.uint8 and not state.is_meta, "a state of no generator")
        try:
            torch.Generator().set_state(state)
        except (RuntimeError, TypeError):
            raise FormatError("a state of no generator") from None
        return state

    def _alias(self, form: _Form, written: list[Operand[N]], value: Tensor, told: Any) -> Call:
        """Return the call that refreshes an alias."""
        reference, spans = _items(told, 2)
        values = tuple([own.value for own in written])
        _hold(bool(values), "an alias of nothing")
        numbers, ranges = self._referenced(reference), []
        for span in _list(spans):
            start, stop = [_count(bound, form_of.MOST_SIZE) for bound in _items(span, 2)]
            ranges.append(range(start, stop))
        own = tuple(values[0].shape)
        known = numbers.dtype is torch.int64 and tuple(numbers.shape) == own and not numbers.is_meta
        sizes = [span.stop - span.start for span in ranges]
        if not known or own != form.shape or sizes != [writer.numel() for writer in values[1:]]:
            ranges, numbers = [], torch.zeros(0)
        if tuple(value.shape) != own or value.numel() > MOST_CELLS:
            return opaque_call(form.op, list(values), value, form.position)
        return alias_call(values, WriteSource(torch.Size(own), numbers, ranges)).with_output(value)

    # What is told beside nodes

    def _known_node(self, index: Any) -> N:
        return self.nodes[_count(index, len(self.nodes))]

    def _name(self, payload: bytes) -> None:
        size = form_of.BOUND.size
        _hold(size <= len(payload) <= size + 4 * form_of.MOST_NAME, "a name that is none")
        index, called = form_of.BOUND.unpack_from(payload)
        try:
            name = _text(payload[size:].decode())
        except UnicodeDecodeError:
            raise FormatError("a name that is no text") from None
        _hold(index < len(self.nodes), "a name of no node")
        node = self.nodes[index]
        self._text += len(payload) if name not in self.names else 0
        _hold(self._text <= form_of.MOST_TEXT, "too long a text")
        self.names[name] = node
        if called:
            node.bound_name = name

    def _line_result(self, payload: bytes) -> None:
        _hold(len(payload) == form_of.PAIR.size, "a line with other parts")
        line, index = form_of.PAIR.unpack(payload)
        _hold(index < len(self.nodes) and line < form_of.MOST_LINE, "a line of no node")
        self.lines[line] = self.nodes[index]

    def _amend(self, told: Any) -> None:
        index, facts = _items(told, 2)
        node = self._known_node(index)
        _hold(facts.__class__ is dict and facts.keys() <= _FACTS, "a fact that is none")
        node.is_inner = node.is_inner or facts.get("is_inner") is True
        node.is_one_of_several = node.is_one_of_several or facts.get("is_one_of_several") is True
        node.flows_on = facts.get("flows_on") is True
        if "words" in facts:
            node.words = _text(facts["words"])
        if "member" in facts:
            node.member = _text(facts["member"])
        if "gap" in facts:
            node.gap = self._gap_of(facts["gap"])
        if "missed" in facts:
            missed = self._referenced(facts["missed"])
            _hold(missed.dtype is torch.float64 and missed.dim() == 1 and not missed.is_meta, "no numbers")
            _hold(missed.stride() == (1,), "no numbers")
            self._link(missed.numel())
            node.missed = tuple(missed.tolist())
        if facts.get("hooks") is True and not node.gradient_hooks:
            node.gradient_hooks = [untold_hook]
        if "name" in facts:
            node.bound_name = None if facts["name"] is None else _text(facts["name"])

    def _gap_of(self, told: Any) -> Gap:
        gap = Gap(*[_count(number, form_of.MOST_SIZE) for number in _items(told, 5)])
        return self._gaps.get(gap, gap)

    def _gap(self, told: Any) -> None:
        gap = self._gap_of(told)
        self._gaps[gap] = gap

    def _print(self, told: Any) -> None:
        line, text = _items(told, 2)
        self.prints.append((_count(line, form_of.MOST_LINE), _raw(text)))

    def _cell(self, told: Any) -> None:
        number, state, root, reason, left_out, answer, node, printed, plot, gaps, line = _items(told, 11)
        own = _count(number, form_of.MOST_LINE)
        _hold(state in get_args(State), "a state of no cell")
        self.cells[own] = CellState(
            own,
            state,
            None if root is None else _count(root, form_of.MOST_LINE),
            _text(reason, lines=True),
            tuple([_text(line, form_of.MOST_SOURCE) for line in _list(left_out)]),
            _text(answer, form_of.MOST_SOURCE, lines=True),
            None if node is None else _count(node, len(self.nodes)),
            _raw(printed),
            None if plot is None else self._plot(plot),
            tuple(map(self._gap_of, _list(gaps))),
            line=None if line is None else _count(line, form_of.MOST_LINE),
        )

    def _plot(self, told: Any) -> Plot:
        kind, series, node = _items(told, 3)
        _hold(kind in get_args(PlotKind), "a plot of no kind")
        lines = []
        for name, points in (_items(own, 2) for own in _list(series)):
            pairs = [_items(point, 2) for point in _list(points)]
            lines.append(PlotSeries(_text(name), tuple([(_real(x), _real(y)) for x, y in pairs])))
        return Plot(kind, tuple(lines), None if node is None else _count(node, len(self.nodes)))

    def _list(self, told: Any) -> None:
        name, words = _items(told, 2)
        self._link(len(_list(words)))
        self.lists[_text(name)] = tuple([_text(word) for word in _list(words)])

    def _file(self, told: Any) -> None:
        path, lines = _items(told, 2)
        own = self.files.setdefault(_text(path), {})
        for number, text in (_items(line, 2) for line in _list(lines)):
            own[_count(number, form_of.MOST_LINE)] = _text(text, form_of.LONGEST_LINE + 1, lines=True)
        _hold(len(self.files) <= _MOST_FILES, "too many files")

    def _failed(self, told: Any) -> None:
        number, spelling, op, flags, args, kwargs, order, message, operands = _items(told, 9)
        known, values = functions(), []
        _hold(number.__class__ is int and spelling.__class__ is str, "a function that is none")
        number = number if self._same_table or number < 0 else known.number_of(spelling)
        _hold(number < len(known.entries), "a function beyond the table")
        _hold(kwargs.__class__ is dict and flags.__class__ is int, "arguments that are none")
        about = []
        for node, value, names, label in (_items(own, 4) for own in _list(operands)):
            values.append(self._referenced(value))
            about.append(
                FailedOperand(
                    None if node is None else self._known_node(node),
                    tuple(map(_text, _list(names))),
                    None if label is None else _text(label),
                )
            )
        places = [_count(at, len(values)) for at in _list(order)]
        _hold(sorted(places) == list(range(len(values))), "operands in no order")
        written = [values[places.index(at)] for at in range(len(values))]
        decoder = Decoder()
        slotted = tuple([decoder.decode(value) for value in _list(args)])
        named = {_text(name): decoder.decode(value) for name, value in kwargs.items()}
        call = None
        if number >= 0 and decoder.tensors == len(values) and not decoder.numbers:
            function, entry = known.entries[number]
            operation = fallback(entry.operation.name) if flags & form_of.FALLBACK else entry.operation
            swap = entry.swap and not flags & form_of.FALLBACK
            try:
                call = SlottedArguments(slotted, named, written).bind(operation, function, written, swap)
            except Exception:  # noqa: BLE001 - forged arguments may be anything, and so may what they raise
                call = None
        if call is None or list(call.order) != places:
            call = opaque_call(_text(op), values, None, 0)
        self.failed = FailedCall(call, _text(message, form_of.PIECE, lines=True), tuple(about))
        self._failed_calls.append(self.failed)
        _hold(len(self._failed_calls) <= form_of.MOST_FAILED, "too many calls that failed")

    def _scopes(self, told: Any) -> None:
        self._plain_scopes = {_text(old): _text(new) for old, new in (_items(own, 2) for own in _list(told))}

    def _read_rest(self, told: Any) -> None:
        printed, failed_line, errors, last, calls = _items(told, 5)
        places = [_count(place, len(_list(errors)) + 1) for place in _list(calls)]
        _hold(len(places) == len(self._failed_calls), "calls that no error shows")
        self.cell_calls = dict(zip(places, self._failed_calls, strict=True))
        self.failed = self.cell_calls.pop(len(errors), None)
        self.error = None if last is None else _error(last)
        self._rest = (
            None if printed is None else _raw(printed),
            None if failed_line is None else _count(failed_line, form_of.MOST_LINE),
            tuple(map(_error, _list(errors))),
        )

    def _end(self, told: Any) -> None:
        kind, line, message = _items(told, 3)
        _hold(kind.__class__ is str and kind in ENDING_KINDS, "an end of no kind")
        self.ending = Ending(
            kind, None if line is None else _count(line, form_of.MOST_LINE), _text(message, lines=True)
        )


class _Layout(NamedTuple):
    """The layout of a tensor in its store, as a form has it."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    cells: int
    extent: int


_PARTS = frozenset(["own", "n", "rng", "alias"])
_FACTS = frozenset(
    ["is_inner", "is_one_of_several", "flows_on", "words", "member", "gap", "missed", "hooks", "name"]
)


@lru_cache(1_000)
def shadow(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return a tensor of a shape without cells."""
    return torch.empty(shape, dtype=dtype, device="meta")


def _shadow_of(value: Tensor) -> Tensor:
    return shadow(tuple(value.shape), value.dtype)


def _filled(value: Any, numbers: Any) -> Any:
    """Return an argument with its open numbers."""
    if value.__class__ is NumberSlot:
        return next(numbers)
    if value.__class__ in (list, tuple):
        return value.__class__([_filled(item, numbers) for item in value])
    if value.__class__ is dict:
        return {name: _filled(item, numbers) for name, item in value.items()}
    return value


def _with_tensors(value: Any, tensors: Sequence[Tensor]) -> Any:
    """Return a value with its tensors in their slots."""
    if isinstance(value, ArgumentSlot):
        return tensors[value.position]
    if value.__class__ in (list, tuple):
        return value.__class__([_with_tensors(item, tensors) for item in value])
    if value.__class__ is dict:
        return {name: _with_tensors(item, tensors) for name, item in value.items()}
    return value


def _hold(good: bool, why: str) -> None:
    if not good:
        raise FormatError(why)


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise FormatError("a record that is no JSON") from None


def _list(told: Any) -> list[Any]:
    if told.__class__ is not list:
        raise FormatError("no list where one has to be")
    return list(told)


def _items(told: Any, count: int) -> list[Any]:
    if told.__class__ is not list or len(told) != count:
        raise FormatError("a record with other parts")
    return list(told)


def _count(told: Any, end: int) -> int:
    if told.__class__ is not int or not 0 <= told < end:
        raise FormatError("a number out of its bounds")
    return int(told)


def _real(told: Any) -> float:
    if told.__class__ not in (int, float) or (told.__class__ is int and abs(told) > form_of.MOST_NUMBER):
        raise FormatError("a number that is none")
    return float(told)


def _strides(told: Any) -> tuple[int, ...]:
    if told.__class__ is not list or len(told) > form_of.MOST_RANK:
        raise FormatError("a shape of too many axes")
    return tuple([_count(size, form_of.MOST_SIZE) for size in told])


def _sizes(told: Any) -> tuple[int, ...]:
    sizes = _strides(told)
    if prod([max(size, 1) for size in sizes]) >= 2**62:
        raise FormatError("a shape of too many cells")
    return sizes


def _extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Return how many cells of memory a view reaches over."""
    if 0 in shape:
        return 0
    return 1 + sum([(size - 1) * step for size, step in zip(shape, strides, strict=False)])


def _text(told: Any, most: int = form_of.MOST_NAME, *, lines: bool = False) -> str:
    if told.__class__ is not str:
        raise FormatError("no text where one has to be")
    return clean(told, most, lines=lines, tabs=lines)


def _raw(told: Any) -> str:
    """Return what a program printed, as it did: whoever shows it cleans it."""
    _hold(told.__class__ is str, "no text where one has to be")
    return str(told)[: form_of.MOST_SOURCE]


def _lines_of(texts: Mapping[int, str]) -> tuple[str, ...]:
    """Return the lines of a file, empty where they are not known."""
    return tuple([texts.get(number, "") for number in range(1, max(texts, default=0) + 1)])


def _span_of(told: Any) -> Span:
    line, column, end_line, end_column = _items(told, 4)
    first, last = _count(line, form_of.MOST_LINE), _count(end_line, form_of.MOST_LINE)
    return Span(first, _count(column, _MOST_COLUMN), last, _count(end_column, _MOST_COLUMN))


def _error(told: Any) -> ProgramError:
    kind, message, span, frames, more = _items(told, 5)
    _hold(more.__class__ is dict, "an error with other parts")
    error = _error_of(kind, _text(message, lines=True), None if span is None else _span_of(span), more)
    error.frames = tuple(
        [
            StackFrame("", _span_of(place), _text(function), _text(text, lines=True))
            for place, function, text in (_items(frame, 3) for frame in _list(frames))
        ]
    )
    return error


def _error_of(kind: Any, message: str, place: Span | None, more: Mapping[str, Any]) -> ProgramError:
    own = form_of.ERRORS[_count(kind, len(form_of.ERRORS))]
    if own is ShapeError:
        return ShapeError(
            message,
            place,
            operation=_text(more.get("operation")),
            operands=tuple(
                [
                    OperandInfo(_text(name), _sizes(shape), _text(source, lines=True))
                    for name, shape, source in (_items(item, 3) for item in _list(more.get("operands")))
                ]
            ),
            axes=tuple(
                [
                    MismatchedAxis(*[_count(at, form_of.MOST_SIZE) for at in _items(item, 3)])
                    for item in _list(more.get("axes"))
                ]
            ),
            repairs=tuple(
                [
                    Repair(_text(source, lines=True), _sizes(shape), _text(why))
                    for source, shape, why in (_items(item, 3) for item in _list(more.get("repairs")))
                ]
            ),
            detail=_text(more.get("detail"), lines=True),
        )
    error = own(message, place)
    if isinstance(error, MissingValueError):
        error.root, error.reason = (
            _count(more.get("root"), form_of.MOST_LINE),
            _text(more.get("reason"), lines=True),
        )
    return error
