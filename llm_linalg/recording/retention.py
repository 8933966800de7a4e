"""Drop the values of a long trace beyond a budget of bytes.

A storage that several nodes share, such as a tensor and its views, is counted once. Values that come from
outside (inputs, parameters) belong to the caller and are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from llm_linalg.recording.record_node import RecordNode

BUDGET = 2**30
MOST_NODES = 1_000_000  # in one trace: a node takes some kilobytes besides its values


class ValueCache:
    """Keeps the values of the latest nodes, or of those around one, and drops the rest.

    Args:
        budget: The most bytes of values to keep.
        around: The position of a node that is always kept, with as many neighbours on both sides as fit;
            None for the latest nodes.
        drop: Called with each node before its values are dropped.
    """

    def __init__(self, budget: int, around: int | None, drop: Callable[[RecordNode], None]) -> None:
        self._budget = budget
        self._around = around
        self._drop = drop
        self._nodes: list[RecordNode] = []
        self._next = 0  # all nodes before it are dropped
        # By storage: how often nodes hold each value in it, and its size in bytes.
        self._uses: dict[int, dict[int, int]] = {}
        self._bytes: dict[int, int] = {}
        self._outside: set[int] = set()
        self.total = 0

    def add(self, node: RecordNode) -> None:
        """Count a node's values, and drop others until the budget holds."""
        self._nodes.append(node)
        if node.is_input:
            self._outside.add(_storage_id(node.value))
            return
        self._count(node, 1)
        last, wanted = len(self._nodes) - 1, self._around
        if wanted is not None and last > wanted:
            if self.total > self._budget:
                self._let_go(node)
            return
        room = self._budget if wanted is None else self._budget // 2  # the other half is for what comes after
        end = last + 1 if wanted is None else min(last + 1, wanted)
        while self.total > room and self._next < end:
            self._let_go(self._nodes[self._next])
            self._next += 1

    def holds(self, value: Tensor) -> bool:
        """Return whether a node that is kept shows a value, or one from outside may."""
        place = _storage_id(value)
        return place in self._outside or id(value) in self._uses.get(place, ())

    def note_move(self, values: Sequence[Tensor], place: int) -> None:
        """Recount values that were moved out of a storage before a write."""
        uses = self._uses.pop(place, {})
        if not uses:
            return
        self.total -= self._bytes.pop(place)
        for value in values:
            count = uses.get(id(value), 0)
            if count:
                self._hold(value, count)

    def _let_go(self, node: RecordNode) -> None:
        if node.dropped or node.is_input:
            return
        self._count(node, -1)
        self._drop(node)
        node.drop()

    def _count(self, node: RecordNode, sign: int) -> None:
        for tensor in (node.value, *[operand.value for operand in node.operands]):
            self._hold(tensor, sign)

    def _hold(self, tensor: Tensor, count: int) -> None:
        """Change the number of nodes that hold a value by `count`."""
        place = _storage_id(tensor)
        if not place or place in self._outside:
            return
        uses = self._uses.get(place)
        if uses is None:
            uses = self._uses[place] = {}
            self._bytes[place] = tensor.untyped_storage().nbytes()
            self.total += self._bytes[place]
        uses[id(tensor)] = uses.get(id(tensor), 0) + count
        if uses[id(tensor)] <= 0:
            del uses[id(tensor)]
        if not uses:
            del self._uses[place]
            self.total -= self._bytes.pop(place)


def _storage_id(tensor: Tensor) -> int:
    held = tensor.layout is torch.strided and not tensor.is_meta
    return tensor.untyped_storage().data_ptr() if held else 0
