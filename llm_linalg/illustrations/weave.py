"""Where the cells of a tensor of three and more axes go: both tensors, and the slice of each cell.

`weave_of` returns a movement at a step (a transpose, a view, a slice) as values: a window of the
matrices of each tensor, and for every cell which slice of the source it lies in, or came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from llm_linalg.api.node_view import NodeView
from llm_linalg.api.tensor_view import TensorView, numbers_in
from llm_linalg.base.axes import Shape
from llm_linalg.base.cells import NO_CELLS, Cells, Index, TensorSlice, ravel, unravel
from llm_linalg.ops.reads import IndexReads, Reads
from llm_linalg.ops.terms import Number

MOST_CELLS = 300  # of one tensor that are shown
LONGEST_SIDE = 16  # rows or columns of a matrix that are shown


class WeaveCell(NamedTuple):
    """A cell of a tensor that is moved.

    Attributes:
        number: Its number; None if it is not yet there.
        slice: The slice of the source that it lies in, or came from; None if it came from nowhere.
        now: Whether this step moves it.
    """

    number: Number | None
    slice: int | None
    now: bool


class WeaveMatrix(NamedTuple):
    """A matrix in a tensor: its index along the leading axes, and its cells."""

    at: Index
    cells: tuple[tuple[WeaveCell, ...], ...]


@dataclass(frozen=True, slots=True)
class WeaveTensor:
    """A tensor as matrices side by side.

    Attributes:
        title: What it is called.
        shape: Its shape.
        matrices: The matrices that are shown.
        count: How many it has.
        sides: The rows and columns of each matrix, of which `matrices` may have the first alone.
    """

    title: str
    shape: Shape
    matrices: tuple[WeaveMatrix, ...]
    count: int
    sides: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Weave:
    """A movement of cells between tensors.

    Attributes:
        sources: The tensors that cells are taken from.
        result: The tensor that they are put into.
        slices: What each slice of the sources is called: `X[0]`.
    """

    sources: tuple[WeaveTensor, ...]
    result: WeaveTensor
    slices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Slicing:
    """How a source falls into slices: along its leading axes, or into its rows if it is one matrix."""

    tensor: TensorView
    first: int  # the number of its first slice

    @property
    def axes(self) -> int:
        """How many leading axes number the slices."""
        shape = self.tensor.shape
        leading = max(0, len(shape) - 2)
        if prod(shape[:leading]) > 1 or len(shape) < 2:
            return leading if len(shape) > 2 else len(shape)
        return leading + 1 if shape[leading] > 1 else len(shape)

    @property
    def count(self) -> int:
        return prod(self.tensor.shape[: self.axes])

    def slice_at(self, position: int) -> int:
        """Return the slice of a cell, by its row-major position."""
        return self.first + position // max(1, prod(self.tensor.shape[self.axes :]))

    def slices_in(self, matrix: TensorSlice, rows: range, columns: range) -> list[list[int | None]]:
        """Return the slice of each cell of a window."""
        shape = self.tensor.shape
        return [[self.slice_at(ravel(matrix.cell(i, j), shape)) for j in columns] for i in rows]

    def names(self) -> Iterator[str]:
        shape, axes = self.tensor.shape, self.axes
        for k in range(min(self.count, MOST_CELLS)):
            place = ",".join(map(str, unravel(k, shape[:axes])))
            yield f"{self.tensor.title_of_cells}[{place}]" if place else self.tensor.title


def is_woven(node: NodeView) -> bool:
    """Return whether an operation moves cells of a tensor of three and more axes."""
    tensors = (node.result, *node.operands)
    moved = node.kind == "movement" and not node.dropped and node.evidence == "index"
    deep = any(len(tensor.shape) > 2 for tensor in tensors)
    return moved and deep and all(tensor.value.numel() for tensor in tensors)


def weave_of(node: NodeView) -> Weave:
    """Return where the cells go at a step of an operation for which `is_woven` holds."""
    slicings: list[_Slicing] = []
    for operand in node.operands:
        slicings.append(_Slicing(operand, sum(slicing.count for slicing in slicings)))
    step = node.step
    written: Cells = step.writes if step is not None else NO_CELLS
    read = step.reads if step is not None else (NO_CELLS,) * len(slicings)
    sources = tuple(
        _tensor(slicing.tensor, slicing.slices_in, cells)
        for slicing, cells in zip(slicings, read, strict=True)
    )
    relations = node.node.operand_reads

    def origins(matrix: TensorSlice, rows: range, columns: range) -> list[list[int | None]]:
        """Return the slices that a window of the result came from."""
        found: list[list[int | None]] = [[None] * len(columns) for _ in rows]
        for slicing, relation in zip(slicings, relations, strict=True):
            for i, row in enumerate(_positions(relation, slicing.tensor.shape, matrix, rows, columns)):
                for j, position in enumerate(row):
                    if position is not None:
                        found[i][j] = slicing.slice_at(position)
        return found

    result = _tensor(node.result, origins, written)
    return Weave(sources, result, tuple(name for slicing in slicings for name in slicing.names()))


def _positions(
    relation: Reads, shape: Shape, matrix: TensorSlice, rows: range, columns: range
) -> list[list[int | None]]:
    """Return the position in an operand from which each cell of a window came; None from elsewhere."""
    if isinstance(relation, IndexReads):
        first, count = relation.first + 1, prod(shape)
        found = [
            [int(n.real) - first for n in row] for row in numbers_in(relation.source, matrix, rows, columns)
        ]
        return [[n if 0 <= n < count else None for n in row] for row in found]
    return [
        [next((ravel(cell, shape) for cell in relation.reads(matrix.cell(i, j))), None) for j in columns]
        for i in rows
    ]


Slices = Callable[[TensorSlice, range, range], Sequence[Sequence[int | None]]]


def _tensor(tensor: TensorView, slices: Slices, now: Cells) -> WeaveTensor:
    """Return a window of a tensor: as many of its matrices as are shown, around what is moved now."""
    shape = tensor.shape
    rank = len(shape)
    sides = (shape[-2] if rank > 1 else 1), (shape[-1] if rank else 1)
    leading = shape[:-2]
    first = next(iter(now), (0,) * rank)
    down, across = (_page(size, LONGEST_SIDE, i) for size, i in zip(sides, (0, 0, *first)[-2:], strict=True))
    count = prod(leading)
    focus = ravel(first[:-2], leading)
    matrices = []
    for k in _page(count, max(1, MOST_CELLS // (len(down) * len(across))), focus):
        at = unravel(k, leading)
        matrix = TensorSlice(rank - 2 if rank > 1 else None, rank - 1 if rank else None, at)
        numbers, found = tensor.window(matrix, down, across), slices(matrix, down, across)
        cells = tuple(
            tuple(
                WeaveCell(numbers[i][j], found[i][j], matrix.cell(row, column) in now)
                for j, column in enumerate(across)
            )
            for i, row in enumerate(down)
        )
        matrices.append(WeaveMatrix(at, cells))
    return WeaveTensor(tensor.title, shape, tuple(matrices), count, sides)


def _page(count: int, size: int, at: int) -> range:
    """Return `size` of `count` places, by pages, with one of them among them."""
    start = max(0, min(at // size * size, count - size))
    return range(start, min(count, start + size))
