"""Drop the values of a long trace beyond a budget of bytes.

A storage that several nodes share, such as a tensor and its views, is counted once. Values that come from
outside (inputs, parameters) belong to the caller and are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from llm_linalg.recording.aliasing import storage_id
from llm_linalg.recording.record_node import RecordNode

BUDGET = 2**30
MOST_NODES = 1_000_000  # in one trace: a node takes some kilobytes besides its values


class ValueCache:
    """Keeps the values of the latest nodes, or of those around one, and drops the rest.

    Most traces stay far below their budget. Until one reaches half of it, `total` is a sum over its nodes, as
    if no two of them shared a storage; only then are values counted.

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
        self._is_rough = True
        self.total = 0

    def add(self, node: RecordNode) -> None:
        """Count a node's values, and drop others until the budget holds."""
        self._nodes.append(node)
        if node.is_input:
            self._outside.add(storage_id(node.value))
            return
        if self._is_rough:
            self.total += node.value.untyped_storage().nbytes()
            if self.total <= self._budget // 2:
                return
            self._begin_to_count()
        else:
            self._count(node, 1)
        last, wanted = len(self._nodes) - 1, self._around
        if wanted is not None and last > wanted:
            if self.total > self._budget:
                self._let_go(node)
            return
        room = self._budget if wanted is None else self._budget // 2  # the other half is for what comes after
        end = last + 1 if wanted is None else min(last + 1, wanted)
        while self.total > room and self._next < end:
            self._next += 1  # before it goes: names are looked up then, which may add nodes
            self._let_go(self._nodes[self._next - 1])

    def holds(self, value: Tensor) -> bool:
        """Return whether a node that is kept shows a value, or one from outside may."""
        place = storage_id(value)
        return place in self._outside or id(value) in self._uses.get(place, ())

    def note_move(self, values: Sequence[Tensor], place: int) -> None:
        """Recount values that were moved out of a storage before a write."""
        if self._is_rough:
            moved = {storage_id(value): value for value in values}
            self.total += sum(value.untyped_storage().nbytes() for value in moved.values())
            return
        uses = self._uses.pop(place, {})
        self.total -= self._bytes.pop(place, 0)
        for value in values:
            if count := uses.get(id(value)):
                self._hold(value, count)

    def _begin_to_count(self) -> None:
        self._is_rough, self.total = False, 0
        for node in self._nodes:
            if not node.is_input:
                self._count(node, 1)

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
        place = storage_id(tensor)
        if not place:
            return
        uses = self._uses.get(place)
        if uses is None:  # what lies in the caller's memory takes some once it has to leave it
            uses = self._uses[place] = {}
            self._bytes[place] = 0 if place in self._outside else tensor.untyped_storage().nbytes()
            self.total += self._bytes[place]
        left = uses.get(id(tensor), 0) + count
        if left > 0:
            uses[id(tensor)] = left
            return
        uses.pop(id(tensor), None)
        if not uses:
            del self._uses[place]
            self.total -= self._bytes.pop(place)
