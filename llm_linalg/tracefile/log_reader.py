"""Read a log of which nothing is believed, while it is written."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from struct import unpack_from
from typing import Any, ClassVar, Generic, cast

import torch
from torch import Tensor

from llm_linalg.base.errors import FormatError, ProgramError, Span
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import fill_slots
from llm_linalg.ops.fallback import opaque_call
from llm_linalg.ops.operation import Call
from llm_linalg.recording.aliasing import alias_call
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.failed_call import FailedCall, FailedOperand
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, Operand, shadow
from llm_linalg.recording.retention import MOST_NODES
from llm_linalg.recording.write_log import WriteSource
from llm_linalg.tracefile import log_format as form_of
from llm_linalg.tracefile.forms import Form, Plan, StoreLayout, ToldCall
from llm_linalg.tracefile.plain_values import Decoder
from llm_linalg.tracefile.records import MORE, SCHEMAS, VALUE, FormRecord, StoredTensor, hold

MOST_AT_ONCE = 5_000  # records that one look reads
MOST_CELLS = 2**26  # of a view that has more cells than its memory; of one with more there is only the shape
_TRUTH = bytes([0, *[1] * 255])  # whatever a byte of a bool is, it is one of two


@dataclass(eq=False)
class _Store:
    """Cells: where they begin in a buffer that nobody else writes, and their bytes."""

    buffer: bytearray
    first: int
    size: int

    @cached_property
    def truth(self) -> _Store:
        """The same as bools, of which each byte is 0 or 1."""
        cells = self.buffer[self.first : self.first + self.size]
        return _Store(cells.translate(_TRUTH), 0, self.size)


class Reader(Generic[N]):
    """Reads a log.

    It copies what it reads, checks it, and only then makes nodes of it: a writer that changes what it has
    written changes nothing here. All raise `FormatError` for a log that is not as a writer makes it, and
    nothing else.

    A whole log is a file: nobody else writes it, and it must say how the run ended.

    Attributes:
        nodes: The nodes so far.
        names: The node that each name means so far.
        failed: The call that ended the run, if one did.
        cell_calls: The calls whose failures the errors of cells show, by the positions of those.
        ending: How the run ended; None if it has not said so.
        error: The error that ended it; None if none did.
        own_names: The names that the program has bound at its end.
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
        self._about: tuple[str, int] | None = None
        self._forms: list[FormRecord | Form[N]] = []  # made with its first node
        self._plans: dict[str, dict[Any, Plan]] = {}
        self._stores: list[_Store] = []
        self._operands: list[Operand[N]] = []
        self._spans: dict[Span, Span] = {}
        self.nodes: list[N] = []
        self.names: dict[str, N] = {}
        self.lines: dict[int, N] = {}
        self.prints: list[tuple[int, str]] = []
        self._gaps: dict[Gap, None] = {}
        self.cells: dict[int, CellState] = {}
        self.lists: dict[str, tuple[str, ...]] = {}
        self.files: dict[str, dict[int, str]] = {}
        self.failed: FailedCall | None = None
        self.cell_calls: dict[int, FailedCall] = {}
        self._failed_calls: list[FailedCall] = []
        self.ending: Ending | None = None
        self.error: ProgramError | None = None
        self.own_names: tuple[str, ...] = ()
        self._rest: tuple[str | None, int | None, tuple[ProgramError, ...]] = (None, None, ())
        if whole:
            self.read()
            if self.ending is None:
                raise FormatError("it has no end")

    def read(self) -> None:
        """Read all that is there now, and nothing that comes meanwhile."""
        self._raise_damage()
        end = self._end_now()
        while self._at < end:
            self.poll()

    def poll(self, most: int = MOST_AT_ONCE) -> int:
        """Read what has come since, at most so many records; return how many they were."""
        self._raise_damage()
        try:
            with untraced():
                return self._poll(most)
        except FormatError as error:
            self._damage = error
            raise
        except (RuntimeError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            self._damage = FormatError(f"torch refuses what it holds: {type(error).__name__}")
            raise self._damage from None

    def _raise_damage(self) -> None:
        """Raise once more what was found wrong: a log stays damaged, whatever comes after."""
        if self._damage is not None:
            raise self._damage

    def record(self) -> Record[N]:
        """Return what was read so far as a record."""
        source, seed = self._about or ("", 0)
        printed, failed_line, errors = self._rest
        printed = "".join(text for _, text in self.prints) if printed is None else printed
        record: Record[N] = Record(self.nodes, self.names, source, seed, printed)
        record.prints, record.gaps = tuple(self.prints), tuple(self._gaps)
        record.lines, record.lists = dict(self.lines), dict(self.lists)
        record.cells = tuple([self.cells[number] for number in sorted(self.cells)])
        record.cell_errors, record.failed_line = errors, failed_line
        for error in errors:
            error.source = source
        record.files = {  # with empty lines where they are not known
            path: tuple([texts.get(number, "") for number in range(1, max(texts, default=0) + 1)])
            for path, texts in self.files.items()
        }
        record.ending = self.ending or Ending(
            "exit", form_of.running_line(self._memory), "it did not say how"
        )
        return record

    def value(self, data: Any) -> Any:
        """Return a value that `Writer.value` has told, once the log up to then was read."""
        encoded, references = VALUE.read(data)
        decoder = Decoder()
        value = decoder.decode(encoded)
        tensors = [self._referenced(reference) for reference in references]
        hold(decoder.tensors == len(tensors) and not decoder.numbers, "a value with other tensors")
        return fill_slots(value, tensors)

    def _poll(self, most: int) -> int:
        end = self._end_now()
        if not end:
            return 0
        magic, _, _, version = form_of.HEAD.unpack_from(self._memory)
        hold(magic == form_of.MAGIC, "it is no trace")
        if not form_of.OLDEST <= version <= form_of.VERSION:
            raise FormatError(f"it has version {version}, and this reads version {form_of.VERSION}")
        hold(end <= len(self._memory), "it ends beyond its memory")
        view, unpack, counts = self._view, form_of.RECORD.unpack_from, self._told
        many, count, at = form_of.IN_A_FILE if self._whole else 1, 0, self._at
        while at < end and count < most:
            hold(at + 8 <= end, "a record without its length")
            length, kind = unpack(view, at)
            first, after = at + 8, at + 8 + length
            is_first, is_last = self._about is None, self.ending is not None
            is_due = (kind == form_of.ABOUT) == is_first and (not is_last or kind == form_of.CELLS)
            if after > end or not is_due:
                raise FormatError("a record where none can be")
            counts[kind] = number = counts.get(kind, 0) + 1
            if number > form_of.MOST_RECORDS.get(kind, form_of.MOST_OTHERS) * many:
                raise FormatError("too many records")
            self._record(kind, first, after)
            self._at = at = after + -after % 8
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
        hold(self._links <= most, "too many operands, numbers or words")

    def _record(self, kind: int, first: int, after: int) -> None:
        schema = SCHEMAS.get(kind)
        if schema is not None:
            self._text += after - first
            if after - first > schema.most or self._text > form_of.MOST_TEXT:
                raise FormatError("too long a text")
            self._takers[kind](self, schema.read(bytes(self._view[first:after])))
        elif kind == form_of.NODES:
            self._node(bytes(self._view[first:after]))
        elif kind == form_of.CELLS:
            self._cell_bytes += 0 if self._whole else after - first
            hold(self._cell_bytes <= form_of.MOST_CELL_BYTES, "too many cells")
            buffer = self._memory if self._whole else bytearray(self._view[first:after])
            self._stores.append(_Store(buffer, first if self._whole else 0, after - first))  # type: ignore[arg-type]
        else:
            raise FormatError("a record of no kind")

    # Nodes

    def _form(self, record: FormRecord) -> None:
        span = None if record.span is None else self._spans.setdefault(record.span, record.span)
        self._forms.append(record._replace(span=span))

    def _node(self, payload: bytes) -> None:
        hold(len(payload) >= form_of.NODE.size, "a node without its form")
        number, store, place, count, flags, _ = form_of.NODE.unpack_from(payload)
        hold(number < len(self._forms), "a node of no form")
        form, index = self._forms[number], len(self.nodes)
        if isinstance(form, FormRecord):
            form = self._forms[number] = Form(form, self._plans)
        hold(index < MOST_NODES, "more nodes than a trace can hold")
        hold(
            count == form.call_told.tensors or form.name in (form_of.OPAQUE, form_of.ALIAS),
            "a node with other operands than its form",
        )
        end = form_of.NODE.size + 4 * count
        hold(end <= len(payload), "a node without its operands")
        self._link(count)
        more: dict[str, Any] = {}
        raw = unpack_from(f"<{count}I", payload, form_of.NODE.size)
        if flags & form_of.MORE:
            more, end = self._more(payload, end)
        hold(max(raw, default=-1) < len(self._operands), "a node made of a later one")
        operands = [self._operands[at] for at in raw]
        hold(not more or form.name != form_of.INPUT, "an input with other parts")
        for at, reference in more.get("own", ()):
            hold(at < len(operands), "operands of no node")
            operands[at] = Operand(self._referenced(reference), operands[at].node)
        value = self._value(form, store, place, flags, payload, end)
        missing = value is None or any(
            own.value.is_meta and own.node.dropped and own.value is own.node.value for own in operands
        )
        if missing:
            value = shadow(form.layout.shape, form.layout.dtype)
            operands = [
                Operand(shadow(tuple(own.value.shape), own.value.dtype), own.node) for own in operands
            ]
        assert value is not None  # noqa: S101
        call, ordered = (None, ()) if form.name == form_of.INPUT else self._call(form, operands, value, more)
        if flags & form_of.SAME:
            ordered = self._same_operands(ordered)
        node = self._type(index, form.op, value, cast("Any", ordered), call, form.origin, form.bound_name)
        if form.no_grad:
            node.no_grad = True
        if flags & form_of.GRAD:
            node.requires_grad = True
        if form.several:
            node.is_one_of_several = True
        if missing:
            node.dropped = True
        self.nodes.append(node)
        self._operands.append(Operand(value, node))

    def _same_operands(self, operands: tuple[Operand[N], ...]) -> tuple[Operand[N], ...]:
        """Return the operands of the node before, which is another result of the same call."""
        hold(bool(self.nodes), "a result of no call")
        before = self.nodes[-1].operands
        hold([own.node for own in before] == [own.node for own in operands], "a result of another call")
        return before

    def _more(self, payload: bytes, at: int) -> tuple[dict[str, Any], int]:
        hold(at + 4 <= len(payload), "a node that ends before it does")
        (length,) = unpack_from("<I", payload, at)
        end = at + 4 + length
        hold(length <= form_of.MOST_JSON and end <= len(payload), "a node that ends before it does")
        return MORE.read(payload[at + 4 : end]), end

    def _value(
        self, form: Form[N], store: int, place: int, flags: int, payload: bytes, end: int
    ) -> Tensor | None:
        """Return a node's value; None if its cells were not kept."""
        layout = form.layout
        if flags & form_of.INLINE:
            first = end + -end % 8 if layout.cells else end
            size = layout.extent * layout.dtype.itemsize
            hold(len(payload) == first + size, "other cells than its shape has")
            return self._tensor(_Store(bytearray(payload[first:]), 0, size), layout, 0)
        hold(len(payload) == end, "a node with cells of another")
        if flags & form_of.META:
            return shadow(layout.shape, layout.dtype)
        if flags & form_of.DROPPED:
            return None
        hold(store < len(self._stores), "cells of no store")
        return self._tensor(self._stores[store], layout, place)

    def _tensor(self, store: _Store, layout: StoreLayout, place: int) -> Tensor | None:
        """Return a view of a store; None for one that has many more cells than it."""
        size = layout.dtype.itemsize
        hold(len(layout.strides) == len(layout.shape), "strides of another shape")
        hold(place % size == 0 and place + layout.extent * size <= store.size, "cells beyond their store")
        if not layout.cells:
            return torch.empty(layout.shape, dtype=layout.dtype)
        if layout.cells > max(MOST_CELLS, store.size):
            return None
        if layout.dtype is torch.bool:
            store = store.truth
        flat = torch.frombuffer(
            store.buffer, dtype=layout.dtype, count=layout.extent, offset=store.first + place
        )
        return flat.as_strided(layout.shape, layout.strides)

    def _referenced(self, stored: StoredTensor) -> Tensor:
        """Return a tensor that is no node's value; on meta if its cells were not kept."""
        value = None
        if stored.store is not None and stored.strides is not None and stored.place is not None:
            hold(stored.store < len(self._stores), "cells of no store")
            layout = StoreLayout.of(stored.dtype, stored.shape, stored.strides)
            value = self._tensor(self._stores[stored.store], layout, stored.place)
        return shadow(stored.shape, stored.dtype) if value is None else value

    # Calls

    def _call(
        self, form: Form[N], written: list[Operand[N]], value: Tensor, more: dict[str, Any]
    ) -> tuple[Any, tuple[Operand[N], ...]]:
        """Return the call of a node, and its operands in the order of the parameters."""
        if form.name == form_of.ALIAS:
            hold("alias" in more, "an alias of nothing")
            return self._alias(form, written, value, *more["alias"]), tuple(written)
        return form.call(written, value, more.get("n", ()), self._state(more.get("rng")))

    def _state(self, stored: StoredTensor | None) -> Tensor | None:
        """Return the state of torch's generator before a call."""
        if stored is None:
            return None
        state = self._referenced(stored)
        hold(state.dtype is torch.uint8 and not state.is_meta, "a state of no generator")
        try:
            torch.Generator().set_state(state)
        except (RuntimeError, TypeError):
            raise FormatError("a state of no generator") from None
        return state

    def _alias(
        self, form: Form[N], written: list[Operand[N]], value: Tensor, stored: StoredTensor, spans: Any
    ) -> Call:
        """Return the call that refreshes an alias."""
        values = tuple([own.value for own in written])
        hold(bool(values), "an alias of nothing")
        numbers, ranges = self._referenced(stored), [range(*span) for span in spans]
        own = tuple(values[0].shape)
        known = numbers.dtype is torch.int64 and tuple(numbers.shape) == own and not numbers.is_meta
        sizes = [span.stop - span.start for span in ranges]
        if not known or own != form.layout.shape or sizes != [writer.numel() for writer in values[1:]]:
            ranges, numbers = [], torch.zeros(0)
        if tuple(value.shape) != own or value.numel() > MOST_CELLS:
            return opaque_call(form.op, values, value, 0)
        return alias_call(values, WriteSource(torch.Size(own), numbers, ranges)).with_output(value)

    # What is told beside nodes

    def _known_node(self, index: int) -> N:
        hold(index < len(self.nodes), "a node that is none")
        return self.nodes[index]

    def _name(self, data: tuple[int, bool, str]) -> None:
        index, is_called, name = data
        self.names[name] = node = self._known_node(index)
        if is_called:
            node.bound_name = name

    def _line_result(self, data: tuple[int, int]) -> None:
        line, index = data
        self.lines[line] = self._known_node(index)

    def _amend(self, data: tuple[int, Mapping[str, Any]]) -> None:
        index, facts = data
        node = self._known_node(index)
        node.is_inner = node.is_inner or facts.get("is_inner", False)
        node.is_one_of_several = node.is_one_of_several or facts.get("is_one_of_several", False)
        node.is_returned = node.is_returned or facts.get("is_returned", False)
        node.flows_on = node.flows_on or facts.get("flows_on", False)
        node.requires_grad = node.requires_grad or facts.get("requires_grad", False)
        node.checkpoint = facts.get("checkpoint", node.checkpoint)
        node.words, node.member = facts.get("words", node.words), facts.get("member", node.member)
        node.gap = facts.get("gap", node.gap)
        if "missed" in facts:
            missed = self._referenced(facts["missed"])
            hold(missed.dtype is torch.float64 and missed.stride() == (1,), "no numbers")
            hold(not missed.is_meta, "no numbers")
            self._link(missed.numel())
            node.missed = tuple(missed.tolist())
        node.has_hook = node.has_hook or facts.get("hooks", False)
        node.bound_name, node.scope = facts.get("name", node.bound_name), facts.get("scope", node.scope)

    def _cell(self, state: CellState) -> None:
        for index in (state.node, None if state.plot is None else state.plot.node):
            hold(index is None or index < len(self.nodes), "a cell of no node")
        self.cells[state.number] = state

    def _list(self, data: tuple[str, tuple[str, ...]]) -> None:
        name, words = data
        self._link(len(words))
        self.lists[name] = words

    def _file(self, data: tuple[str, Sequence[tuple[int, str]]]) -> None:
        path, lines = data
        known = self.files.setdefault(path, {})
        last = max(known, default=0)
        known.update(lines)
        self._link(1 + max(known, default=0) - last)  # as many lines as a record of them will have

    def _failed(self, data: Sequence[Any]) -> None:
        *call_told, order, message, tensors = data
        values = [self._referenced(value) for _, value, _, _ in tensors]
        operands = [
            FailedOperand(None if node is None else self._known_node(node), names, label)
            for node, _, names, label in tensors
        ]
        hold(sorted(order) == list(range(len(values))), "operands in no order")
        written = ToldCall(*call_told)
        call = None
        if written.is_named and written.tensors == len(values) and not written.numbers:
            call = written.bound([values[order.index(at)] for at in range(len(values))])
        if call is None or tuple(call.order) != order:
            call = opaque_call(written.op, values, None, 0)
        self.failed = FailedCall(call, message, tuple(operands))
        self._failed_calls.append(self.failed)
        hold(len(self._failed_calls) <= form_of.MOST_FAILED, "too many calls that failed")

    def _read_rest(self, data: Sequence[Any]) -> None:
        printed, failed_line, errors, last, calls, self.own_names = data
        hold(len(calls) == len(self._failed_calls), "calls that no error shows")
        hold(all(place <= len(errors) for place in calls), "an error that is none")
        self.cell_calls = dict(zip(calls, self._failed_calls, strict=True))
        self.failed = self.cell_calls.pop(len(errors), None)
        self.error = last
        self._rest = printed, failed_line, errors

    def _take_about(self, about: tuple[str, int]) -> None:
        self._about = about

    def _gap(self, gap: Gap) -> None:
        self._gaps[gap] = None

    def _print(self, printed: tuple[int, str]) -> None:
        self.prints.append(printed)

    def _end(self, ending: Ending) -> None:
        self.ending = ending

    # What takes each kind of record. One that held its own methods would hold its nodes, in a circle.
    _takers: ClassVar[dict[int, Callable[[Reader[Any], Any], object]]] = {
        form_of.ABOUT: _take_about,
        form_of.FORM: _form,
        form_of.NAME: _name,
        form_of.LINE_RESULT: _line_result,
        form_of.AMEND: _amend,
        form_of.PRINT: _print,
        form_of.GAP: _gap,
        form_of.CELL: _cell,
        form_of.LISTED: _list,
        form_of.FILE: _file,
        form_of.FAILED: _failed,
        form_of.REST: _read_rest,
        form_of.END: _end,
    }
