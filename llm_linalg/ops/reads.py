"""Which cells an output cell reads, and which an operand's cell feeds, by one mechanism a kind of operation.

A `Reads` belongs to a node and one of its operands. It answers for one cell (`reads`, `feeds`, as sets of
index tuples) and for a set of cells given as a boolean mask (`back`, `forward`), which lineage composes.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Labels, Shape
from llm_linalg.base.cells import NO_CELLS, Box, Cells, Index, Runs


def whole(shape: Shape) -> Tensor:
    """Return the mask (bool) of all cells of a shape, which takes the memory of one."""
    return torch.ones((), dtype=torch.bool).expand(shape)


def is_whole(mask: Tensor) -> bool:
    """Return whether a mask is one that `whole` has made."""
    return not any(mask.stride()) and bool(mask.numel()) and bool(mask.as_strided((), ()))


def cells_of(mask: Tensor) -> Cells:
    """Return the cells of a boolean mask as ranges: of each axis where that is all there is, else of rows."""
    shape = tuple(mask.shape)
    if is_whole(mask):
        return Box.whole(shape)
    count = int(mask.count_nonzero())
    if not count:
        return NO_CELLS
    spans = []
    for axis in range(mask.dim()):
        others = [other for other in range(mask.dim()) if other != axis]
        places = (mask.any(others) if others else mask).nonzero()
        spans.append(range(int(places[0]), int(places[-1]) + 1))
    if prod(map(len, spans)) == count:
        return Box(tuple(spans))
    edges = torch.nn.functional.pad(mask.reshape(-1).to(torch.int8), (1, 1)).diff()
    return Runs(shape, _positions(edges > 0), _positions(edges < 0))


def _positions(mask: Tensor) -> array[int]:
    return array("q", bytes(mask.nonzero().reshape(-1).untyped_storage()))


def values_at(tensor: Tensor, cells: Cells) -> Tensor:
    """Return a tensor's values at some of its cells, in order."""
    if isinstance(cells, Box):
        return tensor[tuple([slice(span.start, span.stop) for span in cells.ranges])].reshape(-1)
    if isinstance(cells, Runs) and cells.starts:
        flat = tensor.reshape(-1)
        return torch.cat([flat[first:end] for first, end in zip(cells.starts, cells.ends, strict=True)])
    return torch.stack([tensor[index] for index in cells]) if cells else tensor.reshape(-1)[:0]


def one(shape: Shape, index: Index) -> Tensor:
    """Return the mask (bool) of one cell of a shape."""
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[index] = True
    return mask


class Reads:
    """The relation between the cells of an output and those of one operand.

    It is defined by `back` and `forward`, from which the rest follows; what knows ranges says it by these.
    """

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        """The shapes of the output and of the operand."""
        raise NotImplementedError

    def reads(self, index: Index) -> Cells:
        """Return the operand's cells that an output cell is computed from."""
        return cells_of(self.back(one(self.sizes[0], index)))

    def feeds(self, index: Index) -> Cells:
        """Return the output cells to which an operand's cell contributes."""
        return cells_of(self.forward(one(self.sizes[1], index)))

    def block(self, ranges: tuple[range, ...]) -> Cells:
        """Return the operand's cells that a block of the output reads."""
        mask = torch.zeros(self.sizes[0], dtype=torch.bool)
        mask[tuple(slice(r.start, r.stop) for r in ranges)] = True
        return cells_of(self.back(mask))

    def back(self, mask: Tensor) -> Tensor:
        """Return the operand's cells (bool) read by any of the output cells in `mask`."""
        raise NotImplementedError

    def forward(self, mask: Tensor) -> Tensor:
        """Return the output cells (bool) fed by any of the operand's cells in `mask`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class AxesReads(Reads):
    """By rule: the axes spec says which range of each axis is read."""

    axes: Axes
    operand: int

    def reads(self, index: Index) -> Cells:
        return self.block(Box.cell(index).ranges)

    def feeds(self, index: Index) -> Cells:
        at: dict[str, int] = {}
        for label, repeated, i in zip(self._labels, self.axes.broadcast(self.operand), index, strict=True):
            if not repeated and at.setdefault(label, i) != i:
                return NO_CELLS
        sizes = self.axes.sizes
        ranges = (range(at[x], at[x] + 1) if x in at else range(sizes[x]) for x in self.axes.output)
        return Box(tuple(ranges))

    def block(self, ranges: tuple[range, ...]) -> Cells:
        return self.span_cells(dict(zip(self.axes.output, ranges, strict=True)))

    def span_cells(self, spans: Mapping[str, range]) -> Cells:
        """Return the operand's cells with labels in some ranges; a label without one runs over all."""
        if self.has_repeated_label:
            inner = torch.zeros([self.axes.sizes[label] for label in self.labels], dtype=torch.bool)
            inside = [
                spans.get(label, range(size)) for label, size in zip(self.labels, inner.shape, strict=True)
            ]
            inner[tuple([slice(span.start, span.stop) for span in inside])] = True
            return cells_of(self.place(inner))
        sizes = zip(self._labels, self._shape, strict=True)
        return Box(
            tuple(range(size) if size == 1 else spans.get(label, range(size)) for label, size in sizes)
        )

    def back(self, mask: Tensor) -> Tensor:
        return self.place(meeting(self.axes, [(self.axes.output, mask)], self.labels))

    def forward(self, mask: Tensor) -> Tensor:
        return meeting(self.axes, [(self._labels, mask)], self.axes.output)

    @property
    def has_repeated_label(self) -> bool:
        """Whether a label occurs twice in the operand, so that only its diagonal is read."""
        return len(self.labels) < len(self._labels)

    @property
    def labels(self) -> Labels:
        """The labels of the operand, each once."""
        return tuple(dict.fromkeys(self._labels))

    @property
    def _labels(self) -> Labels:
        return self.axes.operands[self.operand]

    @property
    def _shape(self) -> Shape:
        return self.axes.shapes[self.operand]

    def place(self, mask: Tensor) -> Tensor:
        """Return the operand's cells (bool) for a mask over its labels."""
        for axis, label in enumerate(self.labels):
            if self._shape[self._labels.index(label)] == 1:
                mask = mask.any(axis, keepdim=True)
        if not self.has_repeated_label:
            return mask
        places = dict(
            zip(self.labels, torch.meshgrid(*map(torch.arange, mask.shape), indexing="ij"), strict=True)
        )
        own = torch.zeros(self._shape, dtype=torch.bool)
        own[tuple(places[label] for label in self._labels)] = mask
        return own


def meeting(axes: Axes, masks: Sequence[tuple[Labels, Tensor]], output: Labels) -> Tensor:
    """Return the cells with some labels for which an index of all others makes every mask (bool) true."""
    if all(is_whole(mask) for _, mask in masks):
        return whole(tuple([axes.sizes[label] for label in output]))
    letters = axes.letters
    specs = ["".join(letters[label] for label in labels) for labels, _ in masks]
    kept = [label for label in output if letters[label] in "".join(specs)]
    spec = f"{','.join(specs)}->{''.join(letters[label] for label in kept)}"
    # It counts the terms; only whether a count is 0 matters.
    meets = torch.einsum(spec, *(mask.to(torch.float32) for _, mask in masks)) > 0.5
    for axis, label in enumerate(output):
        if label not in kept:
            meets = meets.unsqueeze(axis)
    return meets.expand([axes.sizes[label] for label in output])


@dataclass(frozen=True, eq=False)
class IndexReads(Reads):
    """By index: the operation was run on flat indices, so its result says where each cell came from.

    Args:
        source: For each output cell, 1 + the position it was taken from, in a numbering in which
            this operand's cells are `first + 1 … first + numel`; 0 where it was filled.
        shape: The operand's shape.
        first: Where this operand's numbering starts.
    """

    source: Tensor
    shape: Shape
    first: int = 0

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return tuple(self.source.shape), self.shape

    def reads(self, index: Index) -> Cells:
        position = int(self.source[index]) - self.first - 1
        return Runs.of(self.shape, position) if 0 <= position < self._numel else NO_CELLS

    def back(self, mask: Tensor) -> Tensor:
        own = torch.zeros(self._numel + 1, dtype=torch.bool)
        own[self.positions[mask]] = True
        return own[1:].reshape(self.shape)

    def forward(self, mask: Tensor) -> Tensor:
        return torch.cat([torch.zeros(1, dtype=torch.bool), mask.reshape(-1)])[self.positions]

    @property
    def positions(self) -> Tensor:
        """For each output cell, 1 + the position in the operand that it was taken from; 0 for none."""
        own = self.source - self.first
        return own.where((own > 0) & (own <= self._numel), 0)

    @cached_property
    def _numel(self) -> int:
        return prod(self.shape)


def reads_nothing(output: Shape, shape: Shape) -> IndexReads:
    """Return the relation of an output to an operand none of whose cells it reads."""
    return IndexReads(torch.zeros(output, dtype=torch.int64), shape)


@dataclass(frozen=True, slots=True)
class PrefixReads(Reads):
    """By rule: along `dim` everything up to the cell is read (cumsum); a 0-d tensor is one cell."""

    shape: Shape
    dim: int

    def reads(self, index: Index) -> Cells:
        return self.block(Box.cell(index).ranges)

    def feeds(self, index: Index) -> Cells:
        ranges = list(Box.cell(index).ranges)
        if ranges:
            ranges[self.dim] = range(index[self.dim], self.shape[self.dim])
        return Box(tuple(ranges))

    def block(self, ranges: tuple[range, ...]) -> Cells:
        spans = list(ranges)
        if spans:
            spans[self.dim] = range(ranges[self.dim].stop)
        return Box(tuple(spans))

    def back(self, mask: Tensor) -> Tensor:
        return mask.flip(self.dim).cumsum(self.dim).flip(self.dim) > 0 if mask.dim() else mask

    def forward(self, mask: Tensor) -> Tensor:
        return mask.cumsum(self.dim) > 0


@dataclass(frozen=True)
class MaskedReads(Reads):
    """By rule, under a predicate: the cells in `mask` (bool, the output's shape) read nothing."""

    inner: AxesReads
    mask: Tensor

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return tuple(self.mask.shape), self.inner.axes.shapes[self.inner.operand]

    def reads(self, index: Index) -> Cells:
        return NO_CELLS if bool(self.mask[index]) else self.inner.reads(index)

    def back(self, mask: Tensor) -> Tensor:
        return self.inner.back(mask & ~self.mask)

    def forward(self, mask: Tensor) -> Tensor:
        return self.inner.forward(mask) & ~self.mask


@dataclass(frozen=True, slots=True)
class OpaqueReads(Reads):
    """No mechanism: every output cell may read the whole operand."""

    output: Shape
    shape: Shape

    def reads(self, index: Index) -> Cells:
        return Box.whole(self.shape)

    def feeds(self, index: Index) -> Cells:
        return Box.whole(self.output)

    def block(self, ranges: tuple[range, ...]) -> Cells:
        return Box.whole(self.shape) if all(ranges) else NO_CELLS

    def back(self, mask: Tensor) -> Tensor:
        return mask.any().expand(self.shape)

    def forward(self, mask: Tensor) -> Tensor:
        return mask.any().expand(self.output)


@dataclass(frozen=True)
class InverseIndexReads(Reads):
    """The inverse of an index map: each cell of the operand goes to one cell of the output, or to none.

    Attributes:
        inner: The index map from the operand's cells, taken as an output, to the cells of the output.
    """

    inner: IndexReads

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return self.inner.shape, tuple(self.inner.source.shape)

    def back(self, mask: Tensor) -> Tensor:
        return self.inner.forward(mask)

    def forward(self, mask: Tensor) -> Tensor:
        return self.inner.back(mask)
