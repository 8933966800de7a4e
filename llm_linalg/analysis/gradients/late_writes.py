"""Numbers that autograd kept for the way back, and that were written over before the loss was there."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

import torch
from torch import Tensor

from llm_linalg.analysis.saved_tensors import learned_nodes, saved_tensors
from llm_linalg.ops.in_place import SET_DATA
from llm_linalg.recording.aliasing import AliasUpdate, storage_id
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.sharing import is_counted, lies_in


class Place(NamedTuple):
    """Where a node lies: in the memory that some node was the first to have, and there in which cells."""

    owner: RecordNode
    cells: Tensor

    @classmethod
    def of_its_own(cls, node: RecordNode) -> Place:
        """Return the place of a node that has new memory."""
        cells = torch.empty_like(node.value, dtype=torch.int64, device="cpu", requires_grad=False)
        return cls(node, cells.copy_(torch.arange(cells.numel()).reshape(cells.shape)))

    def meets(self, other: Place) -> bool:
        """Return whether there is a cell of both."""
        own, others = self.cells.flatten(), other.cells.flatten()
        return self.owner is other.owner and bool(torch.isin(own, others).any())


class LateWrites:
    """The writes over what was used before, of which autograd keeps no copies.

    Where torch has counted a write, it raises an error on the way back. Where it has not, as one by way of
    `x.data`, it goes back with the numbers that the write has left.

    Args:
        nodes: The nodes up to the one whose gradient it is.
    """

    def __init__(self, nodes: Sequence[RecordNode]) -> None:
        self._nodes = nodes
        self._firsts: dict[RecordNode, RecordNode] = {}
        self._places: dict[RecordNode, Place] = {}
        self._changed: dict[RecordNode, Place] = {}  # by write
        self._writes: dict[RecordNode, list[RecordNode]] = {}  # by the first node that had their memory
        for node in nodes:
            if node.is_write:
                self._writes.setdefault(self._first(_target(node)), []).append(node)

    @cached_property
    def _learned(self) -> set[RecordNode]:
        is_asked = any(node.requires_grad for node in self._nodes)
        return learned_nodes(self._nodes) if is_asked else {*self._nodes}

    def over(self, node: RecordNode) -> RecordNode | None:
        """Return a write over numbers that a node's gradient needs, made after the node; None without one."""
        used = (node, *[operand.node for operand in node.operands]) if self._writes else ()
        written = [own for own in used if self._later(node, own)]
        kept = {source for _, source in saved_tensors(node, self._learned)} if written else set()
        late = ((write, own) for own in written if own in kept for write in self._later(node, own))
        return next((write for write, own in late if self._spoils(node, write, own)), None)

    def _later(self, node: RecordNode, used: RecordNode) -> Sequence[RecordNode]:
        """Return the writes into the memory of what a node used, by itself or after it."""
        writes = self._writes.get(self._first(used), ())
        is_read = node.is_write and used not in (node, _target(node))
        return writes[bisect(writes, node.index - is_read, key=attrgetter("index")) :]

    def _spoils(self, node: RecordNode, write: RecordNode, used: RecordNode) -> bool:
        """Return whether torch counts a write as one of what a node used, or it has changed a cell of that.

        An operand that was moved is what lies there from then on; a result autograd keeps as it was.
        """
        if write.op == SET_DATA and used is node:
            later = [own for own in chain(*self._writes.values()) if own.index > write.index]
            if not any(is_counted(own, used) for own in later):
                return False
        if is_counted(write, used) or write.op == SET_DATA:
            return self._place(_target(write)).owner is self._place(used).owner
        if write not in self._changed:
            self._changed[write] = self._change(write)
        return self._changed[write].meets(self._place(used))

    def _first(self, node: RecordNode) -> RecordNode:
        """Return the first node in whose memory another may lie."""
        within = [node]
        while within[-1] not in self._firsts and (whole := _memory(within[-1])) is not None:
            within.append(whole)
        first = self._firsts.get(within[-1], within[-1])
        self._firsts.update(dict.fromkeys(within, first))
        return first

    def _change(self, write: RecordNode) -> Place:
        """Return where a write has put other numbers than before, as far as is known."""
        owner, cells = self._place(_target(write))
        before = _target(write).value
        is_alike = before.dtype == write.value.dtype and before.shape == cells.shape == write.shape
        return Place(owner, cells[before != write.value] if is_alike and not write.dropped else cells)

    def _place(self, node: RecordNode) -> Place:
        """Return where a node lies: where that does which it is a view or a later state of."""
        within = []
        while node not in self._places and (whole := _memory(node)) is not None:
            within.append(node)
            node = whole
        if node not in self._places:
            self._places[node] = Place.of_its_own(node)
        place = self._places[node]
        for own in reversed(within):
            cells = _view(own, place.cells)
            place = Place.of_its_own(own) if cells is None else Place(place.owner, cells)
            self._places[own] = place
        return place


def _target(write: RecordNode) -> RecordNode:
    """Return what a write has written over."""
    return write.operands[write.written_place or 0].node


def _memory(node: RecordNode) -> RecordNode | None:
    """Return in whose memory a node may lie; None if it has its own."""
    return node.operands[1].node if node.op == SET_DATA else lies_in(node)


def _view(node: RecordNode, cells: Tensor) -> Tensor | None:
    """Return the cells of a node, given those of what it may lie in; None if it is a copy of them."""
    call = node.call
    if call is None or node.is_write or isinstance(call.operation, AliasUpdate):
        return cells
    try:
        viewed = call.run([cells, *[operand.value for operand in node.operands[1:]]])[call.position]
    except (RuntimeError, TypeError, ValueError, IndexError):  # as numbers of another type
        return cells
    return viewed if storage_id(viewed) == storage_id(cells) else None
