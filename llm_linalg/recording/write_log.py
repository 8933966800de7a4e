"""Who wrote each cell of a memory last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.base.untraced import untraced
from llm_linalg.recording.record_node import Node


@dataclass(frozen=True, slots=True)
class View:
    """How a tensor looks into its memory."""

    shape: Shape
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, tensor: Tensor) -> View:
        """Return how a tensor looks into its memory."""
        return cls(tuple(tensor.shape), tuple(tensor.stride()), int(tensor.storage_offset()))

    def on(self, memory: Tensor) -> Tensor:
        """Look at other memory in the same way."""
        return memory.as_strided(self.shape, self.stride, self.offset)

    def places(self, size: int) -> Tensor:
        """Return which of so many places of its memory it sees."""
        seen = torch.zeros(size, dtype=torch.bool)
        self.on(seen).fill_(True)
        return seen

    @property
    def repeats(self) -> bool:
        """Whether two of its cells may share a place."""
        return any(size > 1 and stride == 0 for size, stride in zip(self.shape, self.stride, strict=True))


class Writes:
    """The writes into one memory, one after the other.

    The cells that they wrote are numbered through, from 1 on. The number that was written last to a place is
    put there when it is first asked for: after many writes, each takes as long as it has cells.

    Args:
        tensor: One that looks into the memory.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.nodes: list[Node] = []
        self._views: list[View | None] = []
        self._firsts = [1]  # the number of the first cell of each, and of the next one
        self._size = storage_cells(tensor)
        self._grid: Tensor | None = None
        self._places: dict[View, Tensor] = {}  # that views see which have more cells than the memory
        self._put = 0  # so many of them are on the grid

    def __len__(self) -> int:
        return len(self.nodes)

    def add(self, node: Node, tensor: Tensor) -> None:
        """Note that a node's call wrote into a tensor."""
        view = View.of(tensor)
        alike = view.shape == tuple(node.value.shape) and storage_cells(tensor) == self._size
        self.nodes.append(node)
        self._views.append(view if alike else None)
        self._firsts.append(self._firsts[-1] + node.value.numel())

    def touch(self, tensor: Tensor, since: int) -> bool:
        """Return whether any of them wrote a cell of a tensor, after so many of them."""
        numbers = self._numbers(tensor)
        if numbers is None:
            return True
        return bool(numbers.numel()) and int(self._seen(numbers).max()) >= self._firsts[since]

    def sources(self, tensor: Tensor, before: Tensor, since: int) -> tuple[list[Node], Source]:
        """Return which of them, after so many, a tensor shows, and what each of its cells is.

        Args:
            tensor: What looks into the memory.
            before: What it showed after so many.
            since: How many that is.

        Returns:
            Their nodes; and for each cell its number, from 1 on, among those of ``before`` and then theirs.
        """
        numbers = self._numbers(tensor)
        if numbers is None or numbers.shape != before.shape:
            return self.nodes[since:], Source(before.shape, torch.zeros(0), [])
        firsts = self._firsts[since:]
        shown = [0] if len(firsts) == 2 else _shown(self._seen(numbers), firsts)
        spans = [range(*firsts[place : place + 2]) for place in shown]
        return [self.nodes[since + place] for place in shown], Source(before.shape, moved(numbers), spans)

    def _numbers(self, tensor: Tensor) -> Tensor | None:
        """Return the number that was written last to each cell of a tensor, 0 for none; None if not known."""
        if storage_cells(tensor) != self._size or None in self._views[self._put :]:
            return None
        if self._grid is None:
            self._grid = torch.zeros(self._size, dtype=torch.int64)
        for view, first in zip(self._views[self._put :], self._firsts[self._put :], strict=False):
            if view is not None:
                _number(view, self._grid, first)
        self._put = len(self._views)
        return View.of(tensor).on(self._grid)

    def _seen(self, numbers: Tensor) -> Tensor:
        """Return the numbers that a view of the grid shows: each once, if it shows places more than once."""
        if self._grid is None or numbers.numel() <= self._size:
            return numbers
        view = View.of(numbers)
        if view not in self._places:
            self._places[view] = view.places(self._size)
        return self._grid[self._places[view]]


@dataclass(slots=True)
class Source:
    """What each cell of a tensor is: one from before, or one that was written.

    Attributes:
        shape: The tensor's.
        numbers: For each of its cells the number of the write there; empty if that is not known.
        spans: The numbers of each write that it shows.
    """

    shape: Shape
    numbers: Tensor
    spans: Sequence[range]
    _cells: Tensor | None = None

    @property
    def cells(self) -> Tensor:
        """For each cell its place, from 1 on, among those from before and then those of each write."""
        if self._cells is None:
            with untraced():
                self._cells = self._computed()
        return self._cells

    def _computed(self) -> Tensor:
        cells = torch.arange(1, 1 + prod(self.shape)).reshape(self.shape)
        first = 1 + prod(self.shape)
        for span in self.spans:
            inside = (self.numbers >= span.start) & (self.numbers < span.stop)
            cells = torch.where(inside, self.numbers - span.start + first, cells)
            first += len(span)
        return cells


def _shown(numbers: Tensor, firsts: Sequence[int]) -> list[int]:
    """Return the places of the writes that some number belongs to; the last of the firsts is none's."""
    writer = torch.searchsorted(torch.tensor(firsts), numbers.contiguous(), right=True)  # 0: none of them
    found = torch.bincount(writer.flatten()).nonzero().flatten().tolist()
    return [place - 1 for place in found if place]


def _number(view: View, grid: Tensor, first: int) -> None:
    """Number the cells of a view; of those that share a place, the last one counts."""
    there = view.on(grid)
    end = first + there.numel()
    if view.repeats:
        places = view.on(torch.arange(len(grid))).flatten()
        grid.scatter_reduce_(0, places, torch.arange(first, end), "amax")
    elif there.is_contiguous():
        torch.arange(first, end, out=there)
    else:
        there.copy_(torch.arange(first, end).reshape(view.shape))


def moved(tensor: Tensor, memory: torch.UntypedStorage | None = None) -> Tensor:
    """Return a tensor's cells in other memory, which is no larger than the one that they are in.

    Args:
        tensor: The tensor.
        memory: A copy of its memory, to look into; else one is made if it has fewer cells than the tensor.
    """
    if memory is None and tensor.numel() <= storage_cells(tensor):
        return tensor.clone()
    copied = copy_of(tensor) if memory is None else memory
    view = View.of(tensor)
    return torch.empty(0, dtype=tensor.dtype).set_(copied, view.offset, view.shape, view.stride)


def copy_of(tensor: Tensor) -> torch.UntypedStorage:
    """Return a copy of the memory that a tensor looks into."""
    return tensor.untyped_storage().clone()  # type: ignore[no-untyped-call, no-any-return]


def storage_cells(tensor: Tensor) -> int:
    """Return how many cells the memory has that a tensor looks into."""
    return tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1)
