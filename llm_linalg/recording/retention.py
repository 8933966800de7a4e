"""Which values of a long trace are kept: as many as a budget of bytes allows.

What several nodes share, such as a tensor and its views, is counted once. Values that came from outside
(inputs, parameters) are their owner's, and not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from llm_linalg.recording.record_node import Node

BUDGET = 2**30
MOST_NODES = 1_000_000  # of one trace: a node takes some kilobytes beside its values


class Keeper:
    """Keeps the values of the latest nodes, or of those around one, and drops the others.

    Args:
        budget: The most bytes of the values that are kept.
        around: The position of a node that is wanted: it is kept whatever it takes, and of those right
            before and after it what there is room for.
        drop: Is told of each node that is dropped.
    """

    def __init__(self, budget: int, around: int | None, drop: Callable[[Node], None]) -> None:
        self._budget = budget
        self._around = around
        self._drop = drop
        self._nodes: list[Node] = []
        self._next = 0  # of those before it, none is kept
        # For each memory that is kept: how often nodes hold each value in it, and its bytes.
        self._uses: dict[int, dict[int, int]] = {}
        self._bytes: dict[int, int] = {}
        self._outside: set[int] = set()
        self.total = 0

    def add(self, node: Node) -> None:
        """Take in a node, and drop what is beyond the budget."""
        self._nodes.append(node)
        if node.call is None:
            self._outside.add(_place(node.value))
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

    def moved(self, values: Sequence[Tensor], place: int) -> None:
        """Take note that values were moved out of a memory that is about to be written."""
        uses = self._uses.pop(place, {})
        if not uses:
            return
        self.total -= self._bytes.pop(place)
        for value in values:
            count = uses.get(id(value), 0)
            if count:
                self._hold(value, count)

    def _let_go(self, node: Node) -> None:
        if node.dropped or node.call is None:
            return
        self._count(node, -1)
        self._drop(node)
        node.drop()

    def _count(self, node: Node, sign: int) -> None:
        for tensor in (node.value, *[operand.value for operand in node.operands]):
            self._hold(tensor, sign)

    def _hold(self, tensor: Tensor, count: int) -> None:
        """Count that nodes hold a value once more, or once less."""
        place = _place(tensor)
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


def _place(tensor: Tensor) -> int:
    held = tensor.layout is torch.strided and not tensor.is_meta
    return tensor.untyped_storage().data_ptr() if held else 0
