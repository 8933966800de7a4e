"""Which tensors share memory: what an in-place call changes beside the tensor that it names.

A trace keeps each node's values as they were. Before a call writes, the values that live in the same
memory are moved out of it; after it, the other tensors that look into this memory show new values, and
where one is used next, it is a node of its own that says which cells are from before and which are new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod

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

    @property
    def span(self) -> range:
        """The places of its memory from the first that it looks at to the last."""
        if 0 in self.shape:
            return range(0)
        steps = [stride * (size - 1) for size, stride in zip(self.shape, self.stride, strict=True)]
        return range(self.offset, self.offset + sum(steps) + 1)

    def places(self) -> Tensor:
        """Return the place of each of its cells in the memory."""
        found = torch.tensor(self.offset)
        for size, stride in zip(self.shape, self.stride, strict=True):
            found = found.unsqueeze(-1) + stride * torch.arange(size)
        return found

    def near(self, other: _View) -> bool:
        """Return whether two views may look at the same place."""
        one, two = self.span, other.span
        return bool(one) and bool(two) and one.start < two.stop and two.start < one.stop

    def meets(self, others: Sequence[_View]) -> bool:
        """Return whether any of other views looks at a place that this one looks at."""
        near = [other for other in others if self.near(other)]
        span = self.span
        if len(span) == prod(self.shape) and any(_within(other.span, span) for other in near):
            return True
        return bool(near) and bool(self.written([(1, other) for other in near]).any())

    def written(self, writers: Iterable[tuple[int, _View]]) -> Tensor:
        """Return for each cell the number that was written last there, or 0.

        Args:
            writers: The number of the first cell that each wrote, and its view; one after the other.
        """
        span = self.span
        grid = torch.zeros(len(span), dtype=torch.int64)
        for first, view in writers:
            places = view.places().flatten() - span.start
            numbers = torch.arange(first, first + len(places))
            if not _within(view.span, span):
                inside = (places >= 0) & (places < len(span))
                places, numbers = places[inside], numbers[inside]
            grid.scatter_reduce_(0, places, numbers, "amax")  # of cells that share a place, the last one's
        return grid[self.places() - span.start] if span else torch.zeros(self.shape, dtype=torch.int64)


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
        if seen is None:
            return False
        place, count = seen
        writes = self._writes.get(place, ())
        if len(writes) <= count:
            return False
        with torch._C.DisableTorchFunction():  # to look at it is no part of the program
            if _View.of(tensor).meets([view for _, view in writes[count:]]):
                return True
        self._seen[id(tensor)] = place, len(writes)
        return False

    def renewed(self, tensor: Tensor, before: Node) -> tuple[Call, tuple[Operand, ...]]:
        """Return what made a tensor that was written through others: what it was, and the writers."""
        place, seen = self._seen[id(tensor)]
        view = _View.of(tensor)
        writers = [
            (node, other)
            for node, other in self._writes[place][seen:]
            if other.shape == tuple(node.value.shape) and view.near(other)
        ]
        operands = tuple(Operand(node.value, node) for node in (before, *(node for node, _ in writers)))
        source = view.written(_numbered(writers, 1 + before.value.numel()))
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


def _within(one: range, other: range) -> bool:
    return other.start <= one.start and one.stop <= other.stop


def _numbered(writers: Sequence[tuple[Node, _View]], first: int = 1) -> Iterator[tuple[int, _View]]:
    """Yield the number of each writer's first cell, all numbered one after the other, and its view."""
    for node, view in writers:
        yield first, view
        first += node.value.numel()


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
