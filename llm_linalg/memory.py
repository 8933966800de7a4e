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

from llm_linalg.axes import Shape
from llm_linalg.node import Node, Operand
from llm_linalg.ops.base import Operation
from llm_linalg.ops.call import Call
from llm_linalg.relations import IndexRelation, Relation


@dataclass(frozen=True, slots=True)
class _View:
    """How a tensor looks into its memory."""

    shape: Shape
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, tensor: Tensor) -> _View:
        """Return how a tensor looks into its memory."""
        return cls(tuple(tensor.shape), tuple(tensor.stride()), int(tensor.storage_offset()))

    def on(self, memory: Tensor) -> Tensor:
        """Look at other memory in the same way."""
        return memory.as_strided(self.shape, self.stride, self.offset)

    def number(self, memory: Tensor, first: int) -> None:
        """Write the numbers of its cells into memory; of cells that share a place, the last one's."""
        places = self.on(torch.arange(len(memory))).flatten()
        numbers = torch.arange(first, first + len(places))
        seen = torch.zeros_like(memory).scatter_reduce_(0, places, numbers, "amax")
        memory.copy_(torch.where(seen > 0, seen, memory))


class Memory:
    """The tensors of a recording, by the memory that they look into."""

    def __init__(self, moved: Callable[[Sequence[Tensor], int], None] = lambda _values, _place: None) -> None:
        self.moved = moved  # is told of values that were moved out of a memory
        self._kept: dict[int, list[Tensor]] = {}  # the values that nodes show, while they share the memory
        self._writes: dict[int, list[tuple[Node, _View]]] = {}  # into each memory, one after the other
        self._seen: dict[int, tuple[int, int]] = {}  # a tensor's memory, and how many writes its node shows

    def add(self, tensor: Tensor, value: Tensor) -> None:
        """Take in a tensor and the values that its node shows."""
        self._seen.pop(id(tensor), None)
        place = _place(tensor)
        if not place:
            return  # it has no cells, or none that others could look at
        self._seen[id(tensor)] = place, len(self._writes.get(place, ()))
        if _place(value) == place:
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
            for value in values:
                value.data = value.clone()  # whoever holds this value goes on holding it
            if values:
                self.moved(values, place)

    def wrote(self, tensor: Tensor, node: Node) -> None:
        """Note that a node's call wrote into a tensor's memory."""
        place = _place(tensor)
        if not place:
            return
        writes = self._writes.setdefault(place, [])
        writes.append((node, _View.of(tensor)))
        self._seen[id(tensor)] = place, len(writes)

    def outdated(self, tensor: Tensor) -> bool:
        """Say whether a tensor's memory was written through another one since its node was made."""
        seen = self._seen.get(id(tensor))
        return seen is not None and len(self._writes.get(seen[0], ())) > seen[1]

    def renewed(self, tensor: Tensor, before: Node) -> tuple[Call, tuple[Operand, ...]]:
        """Return what made a tensor that was written through others: what it was, and the writers."""
        place, seen = self._seen[id(tensor)]
        writers = self._writes[place][seen:]
        operands = tuple(Operand(node.value, node) for node in (before, *(node for node, _ in writers)))
        grid = torch.zeros(tensor.untyped_storage().nbytes() // tensor.element_size(), dtype=torch.int64)
        first = 1 + before.value.numel()
        for node, view in writers:
            if view.shape == tuple(node.value.shape):
                view.number(grid, first)
            first += node.value.numel()
        view = _View.of(tensor)
        source = view.on(grid).clone()
        if view.shape == tuple(before.value.shape):  # what nobody wrote is as it was
            own = torch.arange(1, 1 + before.value.numel()).reshape(view.shape)
            source = torch.where(source > 0, source, own)
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

    source: Tensor = field(kw_only=True)
    kind: str = "movement"
    evidence: str = "index"

    def relations(self, call: Call) -> tuple[Relation, ...]:
        """Return the relation between the cells as they are seen and each operand's."""
        firsts = [0]
        for tensor in call.tensors:
            firsts.append(firsts[-1] + tensor.numel())
        return tuple(
            IndexRelation(self.source, shape, first)
            for shape, first in zip(call.shapes, firsts, strict=False)
        )


def _picked(source: Tensor, *tensors: Tensor) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])[source - 1]


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else 0
