"""Find out which write each cell of a storage holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import copy_laid_like
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.sharing import is_seen

Layout = tuple[Shape, tuple[int, ...], int]
"""How a tensor lies in its storage: its shape, and its strides and offset in elements."""


def layout_of(tensor: Tensor) -> Layout:
    """Return how a strided tensor lies in its storage."""
    return tensor.shape, tensor.stride(), int(tensor.storage_offset())


class WriteLog:
    """The writes into one storage, in order.

    The cells that they wrote are numbered consecutively from 1, through all writes. A grid of the storage's
    size holds the number written last to each element. It is brought up to date only when it is read, so
    that each write costs as much as it has cells, however many writes there are.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.nodes: list[RecordNode] = []
        self._layouts: list[Layout] = []
        self._is_known = True  # which cells each write wrote
        self._firsts = [1]  # the number of each write's first cell, then that of the next write
        self._size = storage_numel(tensor)
        self._grid: Tensor | None = None
        self._put = 0  # how many writes are on the grid

    def add(self, node: RecordNode, tensor: Tensor) -> None:
        """Add a node whose call wrote to a tensor."""
        self._is_known &= tensor.shape == node.value.shape and self._shows_cells(tensor)
        self.nodes.append(node)
        self._layouts.append(layout_of(tensor))
        self._firsts.append(self._firsts[-1] + node.value.numel())

    def touches(self, tensor: Tensor, since: int) -> bool:
        """Return whether a cell of a tensor was written after the first `since` writes."""
        numbers = self._writers_of(tensor)
        if numbers is None:
            return True
        return bool(numbers.numel()) and int(numbers.max()) >= self._firsts[since]

    def sources(self, tensor: Tensor, before: RecordNode, since: int) -> tuple[list[RecordNode], WriteSource]:
        """Return where each cell of a tensor comes from, given what it held after the first `since` writes.

        `before` is its node after that many.

        Returns:
            The nodes of the later writes that the tensor shows, and for each cell its position, counted from
            1, among the cells of `before` and then of those nodes. Writes that autograd has seen, and that
            ones unseen cover, follow: no cell is theirs, but a gradient is.
        """
        numbers = self._writers_of(tensor)
        if numbers is None or numbers.shape != before.value.shape:
            return self.nodes[since:], WriteSource(before.value.shape, torch.zeros(0), [])
        firsts = self._firsts[since:]
        shown = [0] if len(firsts) == 2 else _visible_writes(numbers, firsts)
        if len(shown) < len(firsts) - 1 and not any(
            is_seen(self.nodes[since + place], before) for place in shown
        ):
            shown += self._covered(tensor, before, since)
        spans = [range(*firsts[place : place + 2]) for place in shown]
        source = WriteSource(before.value.shape, detach_from_storage(numbers), spans)
        return [self.nodes[since + place] for place in shown], source

    def _covered(self, tensor: Tensor, before: RecordNode, since: int) -> list[int]:
        """Return which writes after the first `since` a tensor shows if autograd's are all there are."""
        seen = [place for place, node in enumerate(self.nodes[since:]) if is_seen(node, before)]
        if not seen:
            return []
        grid, firsts = torch.zeros(self._size, dtype=torch.int64), [self._firsts[since + k] for k in seen]
        for place, first in zip(seen, firsts, strict=True):
            _number_cells(self._layouts[since + place], grid, first)
        return [seen[k] for k in _visible_writes(grid.as_strided(*layout_of(tensor)), firsts)]

    def _writers_of(self, tensor: Tensor) -> Tensor | None:
        """Return the number written last to each cell of a tensor, 0 for none; None if that is unknown."""
        if not self._is_known or not self._shows_cells(tensor):
            return None
        if self._grid is None:
            with torch.inference_mode(False):  # it is written on outside of one, too
                self._grid = torch.zeros(self._size, dtype=torch.int64)
        for layout, first in zip(self._layouts[self._put :], self._firsts[self._put :], strict=False):
            _number_cells(layout, self._grid, first)
        self._put = len(self._layouts)
        return self._grid.as_strided(*layout_of(tensor))

    def _shows_cells(self, tensor: Tensor) -> bool:
        """Return whether a tensor's numbers are those in the storage, one an element."""
        return storage_numel(tensor) == self._size and not _has_other_signs(tensor)


@dataclass(eq=False)
class WriteSource:
    """Where each cell of a tensor comes from: its earlier value, or a later write."""

    shape: Shape
    numbers: Tensor  # the number written to each of its cells; empty if that is not known
    spans: Sequence[range]  # the range of numbers of each write that it shows

    @cached_property
    def cells(self) -> Tensor:
        """The position of each cell's source, from 1: first the earlier cells, then those of each write."""
        first = 1 + prod(self.shape)
        with untraced():
            cells = torch.arange(1, first).reshape(self.shape)
            for span in self.spans:
                inside = (self.numbers >= span.start) & (self.numbers < span.stop)
                cells = torch.where(inside, self.numbers - span.start + first, cells)
                first += len(span)
        return cells


def _visible_writes(numbers: Tensor, firsts: Sequence[int]) -> list[int]:
    """Return the positions of the writes with a number among these; `firsts` ends with the next free one."""
    for axis, stride in enumerate(numbers.stride()):  # an expanded axis repeats the same
        numbers = numbers.narrow(axis, 0, 1) if stride == 0 else numbers
    writer = torch.searchsorted(torch.tensor(firsts), numbers.contiguous(), right=True)  # 0: none of them
    visible = torch.bincount(writer.flatten()).nonzero().flatten().tolist()
    return [place - 1 for place in visible if place]


def _number_cells(layout: Layout, grid: Tensor, first: int) -> None:
    """Number the cells of a layout; of cells that share an element, as if expanded, the last one counts."""
    there = grid.as_strided(*layout)
    numbers = torch.arange(first, first + there.numel())
    if any(size > 1 and stride == 0 for size, stride in zip(*layout[:2], strict=True)):
        places = torch.arange(len(grid)).as_strided(*layout).flatten()
        grid.scatter_reduce_(0, places, numbers, "amax")
    else:
        there.copy_(numbers.reshape(there.shape))


def _has_other_signs(tensor: Tensor) -> bool:
    """Return whether a tensor's numbers are those in its storage with other signs, as `conj` leaves them."""
    return tensor.is_conj() or tensor.is_neg()


def detach_from_storage(tensor: Tensor, memory: torch.UntypedStorage | None = None) -> Tensor:
    """Return a tensor with the same values in a storage of its own, no larger than the one it had.

    It views a copy of its storage, if one is given; else it or its storage is copied, whichever is smaller.
    """
    small = memory is None and tensor.numel() <= storage_numel(tensor)
    if small or _has_other_signs(tensor):
        return copy_laid_like(tensor, tensor)
    copied = copy_storage(tensor) if memory is None else memory
    shape, stride, offset = layout_of(tensor)
    return torch.empty(0, dtype=tensor.dtype).set_(copied, offset, shape, stride)


def copy_storage(tensor: Tensor) -> torch.UntypedStorage:
    """Return a copy of a tensor's storage."""
    return tensor.untyped_storage().clone()  # type: ignore[no-untyped-call, no-any-return]


def storage_numel(tensor: Tensor) -> int:
    """Return how many elements of a tensor's dtype its storage holds."""
    return tensor.untyped_storage().nbytes() // tensor.element_size()
