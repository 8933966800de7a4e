"""Which tensors share memory: what an in-place call changes beside the tensor that it names.

A trace keeps each node's values as they were. Before a call writes, the values that live in the same
memory are moved out of it; after it, the other tensors that look into this memory show new values, and
where one is used next, it is a node of its own that says which cells are from before and which are new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import IndexReads, Reads
from llm_linalg.recording.record_node import Node, Operand
from llm_linalg.recording.write_log import Source, Writes, copy_of, moved, storage_cells


def nothing(_cells: int) -> None:
    """Take no note of how many cells are looked at."""


class Memory:
    """The tensors of a recording, by the memory that they look into."""

    def __init__(self, moved: Callable[[Sequence[Tensor], int], None] = lambda _values, _place: None) -> None:
        self.moved = moved  # is told of values that were moved out of a memory
        self.looks: Callable[[int], None] = nothing  # is told how many cells are about to be looked at
        self._kept: dict[int, list[Tensor]] = {}  # the values that nodes show, while they share the memory
        self._writes: dict[int, Writes] = {}  # into each memory
        self._seen: dict[int, tuple[int, int]] = {}  # a tensor's memory, and how many writes its node shows

    def add(self, tensor: Tensor, value: Tensor) -> None:
        """Take in a tensor and the values that its node shows."""
        self._seen.pop(id(tensor), None)
        place = _place(tensor)
        if not place:
            return  # it has no cells, or none that others could look at
        self._seen[id(tensor)] = place, len(self._writes.get(place, ()))
        if value.data_ptr() == tensor.data_ptr():
            self._kept.setdefault(place, []).append(value)

    def forget(self, tensor: Tensor, value: Tensor) -> None:
        """Let go of a tensor and of the values that its node showed."""
        place = _place(tensor)
        self._seen.pop(id(tensor), None)
        kept = [other for other in self._kept.get(place, ()) if other is not value]
        self._kept[place] = kept
        if not kept:
            del self._kept[place]

    def keep(self, tensors: Sequence[Tensor]) -> None:
        """Move what nodes show out of the memory that a call is about to write."""
        for tensor in tensors:
            place = _place(tensor)
            values = self._kept.pop(place, [])
            if values:
                copied = _copy(values)
                for value in values:
                    value.data = moved(value, copied)  # whoever holds this value goes on holding it
                self.moved(values, place)

    def wrote(self, tensor: Tensor, node: Node) -> None:
        """Note that a node's call wrote into a tensor's memory."""
        place = _place(tensor)
        if not place:
            return
        if place not in self._writes:
            self._writes[place] = Writes(tensor)
        writes = self._writes[place]
        writes.add(node, tensor)
        self._seen[id(tensor)] = place, len(writes)

    def outdated(self, tensor: Tensor) -> bool:
        """Say whether a tensor's memory was written through another one since its node was made."""
        seen = self._seen.get(id(tensor))
        if seen is None:
            return False
        place, count = seen
        writes = self._writes.get(place)
        if writes is None or len(writes) <= count:
            return False
        with untraced():
            cells = tensor.numel()
        self.looks(cells)
        with untraced():
            if writes.touch(tensor, count):
                return True
        self._seen[id(tensor)] = place, len(writes)
        return False

    def renewed(self, tensor: Tensor, before: Node) -> tuple[Call, tuple[Operand[Node], ...]]:
        """Return what made a tensor that was written through others: what it was, and the writers."""
        place, seen = self._seen[id(tensor)]
        writers, source = self._writes[place].sources(tensor, before.value, seen)
        operands = tuple(Operand(node.value, node) for node in (before, *writers))
        values = tuple(operand.value for operand in operands)
        places = {"tensors": tuple(range(len(values)))}
        arguments = {"tensors": values}
        renewing: Callable[..., Tensor] = partial(_picked, source)
        call = Call(
            Renewal("alias", "*tensors", source=source),
            renewing,
            values,
            {},
            arguments,
            values,
            places,
            tuple(range(len(values))),
        )
        return call, operands


@dataclass(frozen=True, eq=False)
class Renewal(Operation):
    """A tensor whose memory was written through another: its cells are old ones and new ones.

    Attributes:
        source: For each cell, 1 + its position among the cells of all operands.
    """

    source: Source = field(kw_only=True)
    kind: str = "movement"
    evidence: str = "index"

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        """Return the relation between the cells as they are seen and each operand's."""
        firsts = [0]
        for tensor in call.tensors:
            firsts.append(firsts[-1] + tensor.numel())
        return tuple(
            IndexReads(self.source.cells, shape, first)
            for shape, first in zip(call.shapes, firsts, strict=False)
        )


def _picked(source: Source, *tensors: Tensor) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])[source.cells - 1]


def _copy(values: Sequence[Tensor]) -> torch.UntypedStorage | None:
    """Return a copy of a memory for values that together have more cells than it has."""
    large = sum(value.numel() for value in values) > storage_cells(values[0])
    return copy_of(values[0]) if large else None


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else 0


def version(tensor: Tensor) -> int | None:
    """Return how often a tensor was written so far; of one of `torch.inference_mode` nobody knows."""
    return None if tensor.is_inference() else tensor._version
