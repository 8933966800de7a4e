"""Sets of cells (index tuples), stored as ranges.

A step over a 4096 x 4096 tensor reads or writes millions of cells, which take a few ranges here.
Every class is a `collections.abc.Set`, so it compares equal to a Python set of tuples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import NamedTuple

Index = tuple[int, ...]
Cells = Set[Index]

MOST_SHOWN = 8  # indices in the text of cells


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the row-major strides of a shape, in cells."""
    steps = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        steps[axis] = steps[axis + 1] * shape[axis + 1]
    return tuple(steps)


def unravel(flat: int, shape: Sequence[int]) -> Index:
    """Return the index of the `flat`-th cell of a shape, row-major."""
    index = []
    for stride in strides(shape):
        position, flat = divmod(flat, stride)
        index.append(position)
    return tuple(index)


def ravel(index: Sequence[int], shape: Sequence[int]) -> int:
    """Return the row-major position of an index in a shape."""
    return sum(i * stride for i, stride in zip(index, strides(shape), strict=True))


class _Cells(Set[Index]):
    """The base of all sets of cells, whose set operators return a plain frozenset."""

    __slots__ = ()

    @classmethod
    def _from_iterable(cls, it: Iterable[Index]) -> frozenset[Index]:  # type: ignore[override]
        return frozenset(it)

    def __hash__(self) -> int:
        return self._hash()


@dataclass(frozen=True, slots=True, eq=False)
class Box(_Cells):
    """The cells in a product of ranges, one range per axis."""

    ranges: tuple[range, ...]

    @classmethod
    def cell(cls, index: Sequence[int]) -> Box:
        """Return the box of one cell."""
        return cls(tuple(range(i, i + 1) for i in index))

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Box:
        """Return the box of every cell of a shape."""
        return cls(tuple(range(size) for size in shape))

    def __len__(self) -> int:
        return prod(len(r) for r in self.ranges)

    def __iter__(self) -> Iterator[Index]:
        return product(*self.ranges)

    def __contains__(self, index: object) -> bool:
        return (
            isinstance(index, tuple)
            and len(index) == len(self.ranges)
            and all(i in r for i, r in zip(index, self.ranges, strict=True))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal(_Cells):
    """The cells with i + j = `total` in the matrix at `prefix`: one front of a wave."""

    prefix: Index
    total: int
    rows: int
    columns: int

    def _rows(self) -> range:
        return range(max(0, self.total - self.columns + 1), min(self.rows - 1, self.total) + 1)

    def __len__(self) -> int:
        return len(self._rows())

    def __iter__(self) -> Iterator[Index]:
        return ((*self.prefix, i, self.total - i) for i in self._rows())

    def __contains__(self, index: object) -> bool:
        if not (isinstance(index, tuple) and len(index) == len(self.prefix) + 2):
            return False
        *prefix, i, j = index
        return tuple(prefix) == self.prefix and i + j == self.total and i in self._rows()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Runs(_Cells):
    """Cells of a shape as runs of row-major positions, for sets that are not a product of ranges."""

    shape: tuple[int, ...]
    starts: Sequence[int]  # the first position of each run, in order
    ends: Sequence[int]  # the position after each run's last, which is smaller than the start of the next

    @classmethod
    def of(cls, shape: tuple[int, ...], *positions: int) -> Runs:
        """Return the cells at some positions, of which no two are neighbours."""
        return cls(shape, positions, tuple([position + 1 for position in positions]))

    def __repr__(self) -> str:
        """Return the first of its cells, by their indices."""
        shown = [str(index) for index in islice(self, MOST_SHOWN)]
        more = [f"… {len(self):,} in all"] if len(self) > MOST_SHOWN else []
        return f"Runs({{{', '.join([*shown, *more])}}} of {self.shape})"

    def __len__(self) -> int:
        return sum(self.ends) - sum(self.starts)

    def __iter__(self) -> Iterator[Index]:
        spans = map(range, self.starts, self.ends)
        return (unravel(position, self.shape) for span in spans for position in span)

    def __contains__(self, index: object) -> bool:
        if not (isinstance(index, tuple) and len(index) == len(self.shape)):
            return False
        if not all(isinstance(i, int) and 0 <= i < n for i, n in zip(index, self.shape, strict=True)):
            return False
        position = ravel(index, self.shape)
        place = bisect_right(self.starts, position) - 1
        return place >= 0 and position < self.ends[place]


NO_CELLS: Cells = Runs((), (), ())


class TensorSlice(NamedTuple):
    """A matrix in a tensor."""

    row_axis: int | None  # the axis that runs down; None for a single row
    column_axis: int | None  # the axis that runs across; None for a single column
    at: Index = ()  # the index along all other axes, in order

    def cell(self, row: int, column: int) -> Index:
        """Return the tensor's index of a cell of the matrix."""
        if not self.at and self.row_axis == 0 and self.column_axis == 1:
            return row, column
        rest = iter(self.at)
        axes = (self.row_axis, self.column_axis)
        return tuple(
            row if axis == self.row_axis else column if axis == self.column_axis else next(rest)
            for axis in range(len(self.at) + sum(axis is not None for axis in axes))
        )
