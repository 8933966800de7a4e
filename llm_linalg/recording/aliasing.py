"""Track aliasing: which tensors share a storage, and what an in-place call changes beyond its target.

A trace keeps each node's values as they were. Before a call writes, the values that nodes show are moved
out of the storage that it writes. Afterwards every alias of that storage is stale; the next use of one
records a node of its own, whose reads say which cells are old and which were written, and by whom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.fallback import opaque_call
from llm_linalg.ops.operation import Call, Operation, SlottedArguments
from llm_linalg.ops.reads import IndexReads, Reads
from llm_linalg.recording.record_node import ALIAS, Operand, RecordNode
from llm_linalg.recording.write_log import (
    WriteLog,
    WriteSource,
    copy_storage,
    detach_from_storage,
    storage_numel,
)

MOST_BORROWED = 1 << 23  # bytes of lent memory that are compared at each use, which takes a millisecond
MOST_SUMMED = 1 << 30  # bytes of lent memory that are compared once, at the end
_SUMMED_AT_ONCE = 1 << 17  # words of eight bytes
_STRIDED = torch.strided


@dataclass(slots=True, eq=False)
class TrackedTensor:
    """A tensor of a recording."""

    tensor: Tensor  # the tensor; the reference keeps its id from being reused
    node: RecordNode
    operand: Operand[RecordNode]  # the node with its value, as an operand of the calls that read it
    storage: int = 0  # the address of its storage; 0 if it has no cells, or none that an alias could show
    shown_writes: int = 0  # how many of the writes into its storage its node shows
    version: int | None = None  # how often torch counted it as written then; None if it doesn't count


class StorageMap:
    """The tensors of a recording by the storage that they share.

    Attributes:
        on_move: Called with values that were moved out of a storage, and the storage's address.
        writes: The writes into each storage that was written, by its address.
        watched: The storages that may be written by ways that torch doesn't count.
    """

    def __init__(self, on_move: Callable[[Sequence[Tensor], int], None] = lambda _values, _id: None) -> None:
        self.on_move = on_move
        # By storage: the node values that still live in it.
        self._kept: defaultdict[int, list[Tensor]] = defaultdict(list)
        self.writes: dict[int, WriteLog] = {}
        self.watched: set[int] = set()
        self._versions: dict[int, int | None] = {}  # of each storage, after the last write that is known
        # While writes are undone: what was in each storage that was written.
        self._before: dict[int, tuple[Tensor, torch.UntypedStorage]] | None = None
        self._left: list[Tensor] = []  # in storages that were written, and that their tensors have left
        self._sums: dict[int, tuple[Tensor, int]] = {}  # by storage: checksums of large memory that was lent

    def track(self, tensor: Tensor, node: RecordNode) -> TrackedTensor:
        """Register a tensor and the value that its node shows."""
        place, value = storage_id(tensor), node.value
        writes = self.writes.get(place)
        self._hold(tensor, value, place)
        shown = 0 if writes is None else len(writes.nodes)
        if place in self.watched:
            self._move(place)
        return TrackedTensor(tensor, node, Operand(value, node), place, shown, version_of(tensor))

    def hold(self, tensor: Tensor, value: Tensor) -> None:
        """Have a value that a node shows moved out of a tensor's storage before a call writes there."""
        self._hold(tensor, value, storage_id(tensor))

    def _hold(self, tensor: Tensor, value: Tensor, place: int) -> None:
        if place and value.data_ptr() == tensor.data_ptr():
            self._kept[place].append(value)

    def forget(self, value: Tensor) -> None:
        """Unregister a value that no node shows any more."""
        place = storage_id(value)
        kept = [other for other in self._kept.pop(place, ()) if other is not value]
        if kept:
            self._kept[place] = kept

    def preserve(self, tensors: Sequence[Tensor]) -> None:
        """Move the values of nodes out of the storages that a call is about to write."""
        for tensor in tensors:
            place = storage_id(tensor)
            if self._before is not None and place and place not in self._before:
                self._before[place] = tensor, copy_storage(tensor)
            self._move(place)

    def preserve_all(self) -> None:
        """Do so with all values, before calls that nobody sees."""
        for place in list(self._kept):
            self._move(place)

    def _move(self, place: int) -> None:
        """Move the values of nodes out of a storage."""
        values = self._kept.pop(place, [])
        if values:
            copied = _copy(values)
            for value in values:  # in place: everyone who holds this value keeps it
                value.data = detach_from_storage(value, copied)
            self.on_move(values, place)

    def watch(self, tensor: Tensor, *, moved: bool = False) -> None:
        """Compare what is in a tensor's storage at each use from now on: others may write there uncounted.

        With `moved` the values that nodes show of it have left the storage.
        """
        if place := storage_id(tensor):
            if moved and place in self._kept:
                self.on_move(self._kept.pop(place), place)
            self._move(place)
            self.watched.add(place)

    def watch_borrowed(self, tensor: Tensor) -> None:
        """Watch a tensor's storage if its memory is not torch's own: an array's, whose owner may write.

        Of a large one there is a checksum, which `changed` compares.
        """
        place = storage_id(tensor)
        if not place or (storage := tensor.untyped_storage()).resizable():
            return
        if storage.nbytes() <= MOST_BORROWED:
            self.watch(tensor)
        elif storage.nbytes() <= MOST_SUMMED and place not in self._sums:
            self._sums[place] = tensor.detach(), _checksum(storage)  # the tensor itself may leave it

    def changed(self) -> list[Tensor]:
        """Return tensors whose lent memory is not what it was, though no call has written there."""
        lent = [(tensor, known) for place, (tensor, known) in self._sums.items() if place not in self.writes]
        return [tensor for tensor, known in lent if _checksum(tensor.untyped_storage()) != known]

    def expect(self, tensor: Tensor) -> None:
        """Take what torch has counted for a tensor so far as accounted for."""
        place = storage_id(tensor)
        if not tensor.numel() and tensor.layout is _STRIDED:  # a view without cells
            place = tensor.untyped_storage().data_ptr()  # torch counts with the whole
        self._versions[place] = version_of(tensor)

    @contextmanager
    def undoing_writes(self) -> Iterator[None]:
        """Put back, once the context is closed, what calls have written over meanwhile."""
        written: dict[int, tuple[Tensor, torch.UntypedStorage]] = {}
        self._before = written
        try:
            yield
        finally:
            self._before = None
            with untraced():
                for tensor, storage in written.values():
                    tensor.untyped_storage().copy_(storage)
                    self.expect(tensor)

    def shows(self, tensor: Tensor) -> bool:
        """Return whether a node shows values that lie in the storage of a tensor."""
        return storage_id(tensor) in self._kept

    def leave(self, tensor: Tensor) -> None:
        """Keep a storage that a tensor is about to leave, so that no other is taken for it.

        What nodes show of it moves out: others who lie there may count the tensor's writes elsewhere.
        """
        place = storage_id(tensor)
        if place in self.writes:
            self._left.append(tensor.detach())
        self._move(place)

    def note_write(self, tracked: TrackedTensor) -> None:
        """Record that the call of a tensor's node wrote to its storage."""
        place = tracked.storage
        if not place:
            return
        if place not in self.writes:
            self.writes[place] = WriteLog(tracked.tensor)
        writes = self.writes[place]
        writes.add(tracked.node, tracked.tensor)
        tracked.shown_writes = len(writes.nodes)
        self._versions[place] = tracked.version

    def is_current(self, tracked: TrackedTensor) -> bool:
        """Return whether nothing was counted that may have changed a tensor since its node was recorded."""
        writes = self.writes.get(tracked.storage)
        return (
            (tracked.version is None or tracked.tensor._version == tracked.version)
            and (writes is None or len(writes.nodes) == tracked.shown_writes)
            and tracked.storage not in self.watched
        )

    def is_accounted_for(self, tracked: TrackedTensor) -> bool:
        """Return whether all that torch has counted since a tensor's node was recorded is known."""
        version = version_of(tracked.tensor)
        known = tracked.version is None or version in (tracked.version, self._versions.get(tracked.storage))
        if tracked.storage in self.watched or not known:
            return False
        tracked.version = version
        return True

    def shown_in(self, place: int) -> list[Tensor]:
        """Return the values that nodes show and that lie in a storage."""
        return self._kept.get(place, [])

    def is_stale(self, tracked: TrackedTensor) -> bool:
        """Return whether a tensor was written through an alias since its node was recorded."""
        writes = self.writes.get(tracked.storage)
        if writes is None or len(writes.nodes) == tracked.shown_writes:
            return False
        with untraced():
            if writes.touches(tracked.tensor, tracked.shown_writes):
                return True
        tracked.shown_writes = len(writes.nodes)
        return False

    def alias_update(self, tracked: TrackedTensor) -> tuple[Call, tuple[Operand[RecordNode], ...]]:
        """Return the call and operands of a node that refreshes a stale tensor.

        Its operands are the tensor's previous node and then the nodes that wrote cells it shows.
        """
        tensor, before = tracked.tensor, tracked.node
        log = self.writes[tracked.storage]
        writers, source = log.sources(tensor, before, tracked.shown_writes)
        operands = tuple(Operand(node.value, node) for node in (before, *writers))
        values = [operand.value for operand in operands]
        is_known = source.numbers.numel() or not before.value.numel()
        if not is_known or any(value.dtype != tensor.dtype for value in values):  # no cell is one of theirs
            return opaque_call(ALIAS, values, None, 0), operands
        return alias_call(values, source), operands


@dataclass(frozen=True, eq=False)
class AliasUpdate(Operation):
    """The refresh of a tensor that was written through an alias: some cells are old, some new.

    Attributes:
        source: Where each cell comes from, counted from 1 through the cells of all operands.
    """

    source: WriteSource = field(kw_only=True)
    kind: str = "movement"
    evidence: str = "index"

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        """Return one index map per operand: its earlier value, or what one writer wrote."""
        firsts = [0]
        for tensor in call.tensors:
            firsts.append(firsts[-1] + tensor.numel())
        return tuple(
            IndexReads(self.source.cells, shape, first)
            for shape, first in zip(call.shapes, firsts, strict=False)
        )


def alias_call(tensors: Sequence[Tensor], source: WriteSource) -> Call:
    """Return the call that makes a refreshed tensor from its earlier value and what writers wrote."""
    operation = AliasUpdate(ALIAS, "*tensors", source=source)
    return SlottedArguments.of(tensors, {}).bind(operation, partial(_gather, source), tensors)


def _gather(source: WriteSource, *tensors: Tensor) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])[source.cells - 1]


def _copy(values: Sequence[Tensor]) -> torch.UntypedStorage | None:
    """Return a copy of a storage if its values, as separate copies, would take more than it does."""
    large = sum(value.numel() for value in values) > storage_numel(values[0])
    return copy_storage(values[0]) if large else None


def _checksum(storage: torch.UntypedStorage) -> int:
    """Return a number that changes with the bytes of a storage, and with their order."""
    cells = torch.empty(0, dtype=torch.uint8).set_(storage)
    words = cells[: len(cells) // 8 * 8].view(torch.int64)
    odd = torch.arange(1, 2 * _SUMMED_AT_ONCE, 2)
    parts = torch.split(words, _SUMMED_AT_ONCE)
    sums = [(part * odd[: len(part)]).sum().item() for part in parts]
    return hash((*sums, *cells[len(words) * 8 :].tolist()))


def storage_id(tensor: Tensor) -> int:
    """Return the address of a tensor's storage; 0 if it has none, or no cells in it."""
    if tensor.layout is not _STRIDED:
        return 0
    try:  # `untyped_storage` would make an object each time
        address, offset = tensor.data_ptr(), tensor.storage_offset()
    except RuntimeError:  # of a wrapper that torch.func has left behind
        return 0
    return address - int(offset) * tensor.element_size() if address and offset else address


def version_of(tensor: Tensor) -> int | None:
    """Return how often a tensor was written; None under `torch.inference_mode`, which doesn't count."""
    try:
        return tensor._version
    except RuntimeError:
        return None
