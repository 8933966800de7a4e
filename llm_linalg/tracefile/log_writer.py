"""Write what a recorder records into a log, while it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from linecache import getlines
from struct import pack
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import NumberSlot, first_of_each
from llm_linalg.ops.operation import Call
from llm_linalg.recording.aliasing import AliasUpdate, storage_id
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.failed_call import FailedCall
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import LazyCall, RecordNode
from llm_linalg.tracefile import log_format as form_of
from llm_linalg.tracefile.log_format import DTYPE_WORDS, FileLog, MemoryLog, function_name, functions
from llm_linalg.tracefile.plain_values import UntoldValueError, encode, is_decodable, to_json
from llm_linalg.tracefile.records import MORE, SCHEMAS, VALUE, FormRecord, StoredTensor

_AS_MANY = 4  # times the cells of a value that its storage may have, to be kept whole
Reference = tuple[int, int, tuple[int, ...]]
"""A store, the place of a value's first cell in it (bytes), the value's strides (cells)."""


class _Kept(NamedTuple):
    """A storage that is in the log: its store, and a node whose value lies there while it is the same."""

    store: int
    owner: RecordNode


class _Form(NamedTuple):
    """What nodes of one call site have in common.

    Attributes:
        number: Its number.
        order: For each operand as it is written, its place among those of the node; None if all are alike.
    """

    number: int
    order: tuple[int, ...] | None


class Writer:
    """A listener that writes a log.

    What is constant of a call site is told once, as a form; a node names its form.

    Attributes:
        head: The words of the log's header.
    """

    def __init__(self, log: MemoryLog | FileLog, source: str = "", seed: int = 0) -> None:
        self._log, self.head = log, log.head
        self._forms: dict[Any, _Form] = {}
        self._plans: list[object] = []  # kept, so that their ids are not reused
        self._stores = self._text = 0
        self._kept: dict[int, _Kept] = {}
        self._nodes: list[RecordNode] = []
        self._titles: list[str | None] = []  # the names of nodes, as far as they were told
        self._scopes: list[str] = []  # likewise
        self._facts: dict[int, Mapping[str, Any]] = {}
        self._names: dict[str, RecordNode] = {}
        self._scratch = bytearray(form_of.SMALL)
        self._small = {own: torch.frombuffer(self._scratch, dtype=own) for own in DTYPE_WORDS}
        self._tell(form_of.ABOUT, source, seed)

    def node(self, node: RecordNode, tensor: Tensor, wrote: bool) -> None:  # noqa: ARG002
        """Tell of a node."""
        if self._nodes:
            self._amend(self._nodes[-1])  # most is noted on a node just after it was added
        if node.index != len(self._nodes):
            raise ValueError("the nodes of a record come one after another")
        if len(node.operands) > form_of.MOST_OPERANDS:
            raise LimitError(f"{node.op} takes more than {form_of.MOST_OPERANDS:,} tensors")
        flags, (store, place, strides), cells = self._cells(node)
        if self._nodes and node.operands and node.operands is self._nodes[-1].operands:
            flags |= form_of.SAME
        if node.requires_grad:
            flags |= form_of.GRAD
        form, extra = self._form(node, strides)
        more: dict[str, Any] = {} if extra is None else dict(extra)
        operands = self._operands(node, more)
        if form.order is not None:
            operands = [operands[at] for at in form.order]
        flags |= form_of.MORE if more else 0
        parts = [
            form_of.NODE.pack(form.number, store, place, len(operands), flags, 0),
            pack(f"<{len(operands)}I", *operands),
        ]
        if more:
            text = MORE.payload(more)
            parts += [pack("<I", len(text)), text]
        if cells:
            parts += [bytes(-sum(map(len, parts)) % 8), cells]
        self._log.append(form_of.NODES, b"".join(parts))
        self._nodes.append(node)
        self._titles.append(node.bound_name)
        self._scopes.append(node.scope)
        if node.is_one_of_several:
            self._facts[node.index] = {"is_one_of_several": True}

    def _cells(self, node: RecordNode) -> tuple[int, Reference, bytes]:
        """Return what flags a node's cells have, where they are, and few cells themselves."""
        value = node.value
        if value.is_meta and not node.dropped:
            return form_of.META, _NOWHERE, b""
        stored = None if value.is_meta or value.dtype not in DTYPE_WORDS else self._place(value, node)
        if stored is None:
            return form_of.DROPPED, _NOWHERE, b""
        return (form_of.INLINE if stored[0][0] == form_of.NO_STORE else 0), *stored

    def _operands(self, node: RecordNode, more: dict[str, Any]) -> list[int]:
        """Return the numbers of a node's operands; into `more` goes what is not their nodes' own."""
        numbers = []
        for at, operand in enumerate(node.operands):
            made = operand.node
            if made.is_inner:
                self._amend(made)
            if operand.value is not made.value and not node.dropped:
                more.setdefault("own", []).append((at, self._reference(operand.value)))
            numbers.append(made.index)
        return numbers

    def bound(self, name: str, node: RecordNode) -> None:
        """Tell what a name means from now on."""
        if self._names.get(name) is node:
            return
        called = node.bound_name == name
        if called:
            self._titles[node.index] = name
        self._names[name] = node
        text = f"[{node.index},{'true' if called else 'false'},{to_json(name[: form_of.MOST_NAME])}]"
        self._append(form_of.NAME, text.encode())

    def line_result(self, line: int, node: RecordNode) -> None:
        """Tell the last node that a line has made so far."""
        self._append(form_of.LINE_RESULT, b"[%d,%d]" % (line, node.index))

    def printed(self, line: int, text: str) -> None:
        """Tell a text that a line printed."""
        for first in range(0, len(text), form_of.PIECE):
            self._tell(form_of.PRINT, line, text[first : first + form_of.PIECE])

    def gap(self, gap: Gap) -> None:
        """Tell of turns that were not recorded."""
        self._tell(form_of.GAP, *gap)

    def cell(self, state: CellState) -> None:
        """Tell the state of a cell."""
        self._tell(form_of.CELL, *state)

    def listed(self, name: str, words: Sequence[str]) -> None:
        """Tell a list of words."""
        if len(SCHEMAS[form_of.LISTED].payload((name, words))) <= form_of.MOST_JSON:
            self._tell(form_of.LISTED, name, words)

    def failed(self, failed: FailedCall) -> None:
        """Tell the call that ended the run."""
        call = failed.call
        (function, *rest), order = _written(call)
        operands = [
            (own.node and own.node.index, self._reference(tensor), own.names, own.label)
            for own, tensor in zip(failed.operands, call.tensors, strict=True)
        ]
        self._tell(form_of.FAILED, function, call.operation.name, *rest, order, failed.message, operands)

    def value(self, value: Any) -> list[Any]:
        """Return any value as JSON has it, with its tensors in the log; of an unknown kind its text."""
        tensors: list[Tensor] = []
        with suppress(UntoldValueError, RecursionError):  # of a list that holds itself
            _gather(value, tensors)
            encoded = encode(value)
            if is_decodable([encoded], {}):
                references = [self._reference(tensor.detach()) for tensor in tensors]
                return list(VALUE.tell((encoded, references)))
        return [{"x": short_repr(value, form_of.MOST_NAME)}, []]

    def rest(
        self,
        record: Record[Any],
        error: ProgramError | None = None,
        calls: Sequence[int] = (),
        names: Sequence[str] = (),
    ) -> None:
        """Tell what a record says beside its nodes and names, and the error that ended the run.

        `calls` are, of each call that was told to have failed, the position of the error that shows it: among
        those of the cells, and then this one. `names` are those that the program has bound.
        """
        printed = None if record.printed == "".join(text for _, text in record.prints) else record.printed
        facts = printed, record.failed_line, record.cell_errors, error, calls, names
        self._tell(form_of.REST, *facts)

    def file(self, path: str, lines: Mapping[int, str]) -> None:
        """Tell lines of a file, by their number."""
        numbered = list(lines.items())
        for first in range(0, len(numbered), 200):
            self._tell(form_of.FILE, path, numbered[first : first + 200])

    def ended(self, ending: Ending) -> None:
        """Tell how the run ended, after all that was noted on nodes since they were told."""
        with suppress(LimitError):
            for node in self._nodes:
                self._amend(node)
        self._log.append(form_of.END, SCHEMAS[form_of.END].payload(ending))

    def record(self, record: Record[Any]) -> None:
        """Tell a whole record; raise `ValueError` if one of its operands is no node of its own."""
        for node in record.nodes:
            for operand in node.operands:
                own = operand.node.index
                if own >= node.index or record.nodes[own] is not operand.node:
                    raise ValueError(f"{node.name} is made from nodes of another trace: save that one")
            self.node(node, node.value, False)
        for name, node in record.names.items():
            self.bound(name, node)
        for line, node in record.lines.items():
            self.line_result(line, node)
        for line, text in record.prints:
            self.printed(line, text)
        for gap in record.gaps:
            self.gap(gap)
        for state in record.cells:
            self.cell(state)
        for name, words in record.lists.items():
            self.listed(name, words)
        for path, texts in lines_around(record).items():
            self.file(path, texts)
        self.rest(record)
        self.ended(record.ending)

    def _tell(self, kind: int, *told: Any) -> None:
        self._append(kind, SCHEMAS[kind].payload(told))

    def _append(self, kind: int, payload: bytes) -> None:
        """Add a record of JSON."""
        self._text += len(payload)
        if len(payload) > SCHEMAS[kind].most or self._text > form_of.MOST_TEXT:
            raise LimitError("its text is too long for a trace as data")
        self._log.append(kind, payload)

    def _amend(self, node: RecordNode) -> None:
        """Tell what was noted on a node since it was told."""
        index, facts = node.index, _facts(node)
        called = node.bound_name == self._titles[index] and node.scope == self._scopes[index]
        if called and facts == self._facts.get(index, _NO_FACTS):
            return
        changes = {**facts}
        if not called:
            changes["name"] = self._titles[index] = node.bound_name
            changes["scope"] = self._scopes[index] = node.scope
        self._facts[index] = facts
        if node.missed:
            with untraced():
                changes["missed"] = self._reference(torch.tensor(node.missed, dtype=torch.float64))
        self._tell(form_of.AMEND, index, changes)

    def _form(self, node: RecordNode, strides: tuple[int, ...]) -> tuple[_Form, Mapping[str, Any] | None]:
        """Return the form of a node, told if it is new, and what is the node's own beside its operands."""
        call, value = node._call, node.value  # noqa: SLF001 - bound, each of a loop would take its time
        site = (
            *(node.span, node.source, node.file, node.scope, node.target, node.op, node.bound_name),
            *(node.no_grad, node.is_one_of_several, value.dtype, value.shape, strides),
        )
        if call is None:
            return self._forms.get(site) or self._tell_form(site, node, strides, _INPUT), None
        if isinstance(call, LazyCall):
            key: Any = id(call.plan), call.function, call.position, site
            form = self._forms.get(key)
            if form is None:
                self._plans.append(call.plan)
                slots: Any = [NumberSlot() for _ in call.numbers]
                values = tuple([operand.value for operand in node.operands])
                bound = call.plan.call(call.function, values, slots, value, call.position)
                form = self._tell_form(key, node, strides, _written(bound), call.position)
            return form, {"n": call.numbers} if call.numbers else None
        written = _written(call)
        form = self._forms.get(key := to_json([repr(site), written, call.position]))
        return form or self._tell_form(key, node, strides, written, call.position), self._beside(call)

    def _beside(self, call: Call) -> Mapping[str, Any]:
        """Return what a call has beside its arguments: a state of the generator, the sources of an alias."""
        extras: dict[str, Any] = {}
        if call.rng_state is not None:
            extras["rng"] = self._reference(call.rng_state)
        if isinstance(call.operation, AliasUpdate):
            source = call.operation.source
            extras["alias"] = self._reference(source.numbers), [(own.start, own.stop) for own in source.spans]
        return extras

    def _tell_form(
        self, key: Any, node: RecordNode, strides: tuple[int, ...], written: _Written, position: int = 0
    ) -> _Form:
        (function, flags, args, kwargs), order = written
        flags |= form_of.NO_GRAD * node.no_grad | form_of.SEVERAL * node.is_one_of_several
        flags |= form_of.WRITES * node.is_write
        value, span = node.value, node.span
        span = None if span is None or span.end_line >= form_of.MOST_LINE else span
        record = FormRecord(
            *(function, node.op, flags, args, kwargs, position, value.dtype, tuple(value.shape), strides),
            *(span, node.source, node.file, node.scope, node.target, node.bound_name),
        )
        if len(SCHEMAS[form_of.FORM].payload(record)) > form_of.MOST_JSON or not is_decodable(args, kwargs):
            record = record._replace(function=form_of.OPAQUE, args=[], kwargs={})
        self._tell(form_of.FORM, *record)
        back = sorted(range(len(order)), key=order.__getitem__)
        form = _Form(len(self._forms), None if back == list(range(len(back))) else tuple(back))
        self._forms[key] = form
        return form

    def _place(self, value: Tensor, owner: RecordNode) -> tuple[Reference, bytes] | None:
        """Return where a value's cells are, with few cells themselves; None if there is no room for them."""
        if value.is_conj() or value.is_neg():
            value = value.resolve_conj().resolve_neg()
        count, size = value.numel(), value.element_size()
        strides = value.stride()
        if count * size <= form_of.SMALL:
            if not value.is_contiguous():
                strides = _own_strides(value)
            own = first_of_each(value, value)
            if count:
                self._small[value.dtype].as_strided(own.shape, strides).copy_(own)
            return (form_of.NO_STORE, 0, strides), bytes(self._scratch[: own.numel() * size])
        address = storage_id(value)
        kept = self._kept.get(address) if address else None
        if kept is not None and not kept.owner.value.is_meta and storage_id(kept.owner.value) == address:
            return (kept.store, int(value.storage_offset()) * size, strides), b""
        stored = self._stored(value)
        if stored is not None and address and not _is_sparse(value):
            self._kept[address] = _Kept(stored[0], owner)
        return None if stored is None else (stored, b"")

    def _stored(self, value: Tensor) -> Reference | None:
        """Return where a value's cells are, in a store of its own; None if there is no room for them."""
        if _is_sparse(value):
            value = value.clone(memory_format=torch.contiguous_format)
        raw = torch.empty(0, dtype=torch.uint8).set_(value.untyped_storage())
        if not self._log.append_cells(raw):
            return None
        self._stores += 1
        return self._stores - 1, int(value.storage_offset()) * value.element_size(), value.stride()

    def _reference(self, value: Tensor) -> StoredTensor:
        """Return a tensor that is no node's value as a record has it."""
        with untraced():  # names are told while the program's calls are recorded
            shape, stored = tuple(value.shape), None
            if not value.is_meta and value.dtype in DTYPE_WORDS:
                stored = self._stored(value.resolve_conj().resolve_neg())
            store, place, strides = stored or (None, None, None)
            return StoredTensor(value.dtype, shape, strides, store, place)


def _is_sparse(value: Tensor) -> bool:
    """Return whether a value has so few of its storage's cells that it is better told without the others."""
    return value.untyped_storage().nbytes() > _AS_MANY * value.numel() * value.element_size()


_NOWHERE: Reference = (form_of.NO_STORE, 0, ())
_Written = tuple[tuple[str, int, list[Any], dict[str, Any]], list[int]]
"""A call's function, flags and arguments, as a record has them, and the order of its operands."""
_INPUT: _Written = (form_of.INPUT, 0, [], {}), []
_NO_FACTS: Mapping[str, Any] = {}


def lines_around(record: Record[Any]) -> dict[str, dict[int, str]]:
    """Return the lines around a record's nodes, by file and number: what of them the screen shows."""
    wanted: dict[str, set[int]] = {}
    for node in record.nodes:
        if node.file and node.line is not None:
            wanted.setdefault(node.file, set()).add(node.line)
    by_file: dict[str, dict[int, str]] = {}
    left = form_of.MOST_FILES
    for path, places in wanted.items():
        lines = record.files.get(path, ()) if record.files is not None else getlines(path)
        near = {number for at in places for number in range(at - form_of.AROUND, at + form_of.AROUND + 1)}
        own = {
            at: lines[at - 1].rstrip("\n")
            for at in sorted(near)
            if 0 < at <= min(len(lines), form_of.MOST_LINE)
        }
        left -= sum(map(len, own.values()))
        if left >= 0:
            by_file[path] = own
    return by_file


def _facts(node: RecordNode) -> Mapping[str, Any]:
    """Return what was noted on a node, as far as it is not what most nodes have."""
    facts = {
        "is_inner": node.is_inner,
        "is_one_of_several": node.is_one_of_several,
        "is_returned": node.is_returned,
        "words": node.words,
        "member": node.member,
        "gap": node.gap,
        "flows_on": node.flows_on,
        "requires_grad": node.requires_grad,
        "checkpoint": node.checkpoint,
        "missed": node.missed,
        "hooks": bool(node.hooks) or node.has_hook,
    }
    return {word: value for word, value in facts.items() if value}


def _own_strides(value: Tensor) -> tuple[int, ...]:
    """Return the strides of a value in memory of its own: the same, where its cells fill its memory."""
    own, strides = first_of_each(value, value), value.stride()
    span = 1 + sum((size - 1) * step for size, step in zip(own.shape, strides, strict=True))
    if span == own.numel():
        return strides
    compact = torch.empty(own.shape, device="meta").stride()
    return tuple([step and new for step, new in zip(strides, compact, strict=True)])


def _written(call: Call) -> _Written:
    order = list(call.order)
    if isinstance(call.operation, AliasUpdate):
        return (form_of.ALIAS, 0, [], {}), order
    name = function_name(call.function)
    if name != form_of.OPAQUE:
        is_entrys = call.operation is functions()[name][1].operation
        flags = 0 if is_entrys or call.operation.signature != "*args, **kwargs" else form_of.FALLBACK
        with suppress(UntoldValueError):
            args = [encode(value) for value in call.args]
            return (name, flags, args, {word: encode(value) for word, value in call.kwargs.items()}), order
    return (form_of.OPAQUE, 0, [], {}), order


def _gather(value: Any, tensors: list[Tensor]) -> None:
    """Add the tensors of a value, in the order in which `encode` meets them."""
    if isinstance(value, Tensor):
        tensors.append(value)
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _gather(item, tensors)
