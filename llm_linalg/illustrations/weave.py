"""Where the cells of a tensor of three and more axes go: both tensors, and the slice of each cell.

`weave_of` returns a movement at a step (a transpose, a view, a slice) as values: a window of the
matrices of each tensor, and for every cell which slice of the source it lies in, or came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from llm_linalg.api.node_view import NodeView
from llm_linalg.api.tensor_view import TensorView
from llm_linalg.base.axes import Shape
from llm_linalg.base.cells import NO_CELLS, Cells, Index, TensorSlice, ravel, unravel
from llm_linalg.ops.terms import Number

MOST_CELLS = 300  # of one tensor that are shown
LONGEST_SIDE = 16  # rows or columns of a matrix that are shown


class WeaveCell(NamedTuple):
    """A cell of a tensor that is moved."""

    number: Number | None  # its number; None if it is not yet there
    slice: int | None  # the slice of the source that it lies in, or came from; None if it came from nowhere
    now: bool  # whether this step moves it


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
    """A movement of cells between tensors."""

    sources: tuple[WeaveTensor, ...]  # the tensors that cells are taken from
    result: WeaveTensor  # the tensor that they are put into
    slices: tuple[str, ...]  # what each slice of the sources is called: `X[0]`


class _Slicing(NamedTuple):
    """How a source falls into slices: along its leading axes, or into its rows if it is one matrix."""

    tensor: TensorView
    first: int  # the number of its first slice

    @property
    def axes(self) -> int:
        """How many leading axes number the slices."""
        shape = self.tensor.shape
        leading = max(0, len(shape) - 2)
        return next((k for k in (leading, leading + 1) if prod(shape[:k]) > 1), len(shape))

    def slice_of(self, cell: Index) -> int:
        """Return the slice of a cell."""
        shape = self.tensor.shape
        return self.first + ravel(cell, shape) // prod(shape[self.axes :])

    def names(self) -> Iterator[str]:
        shape = self.tensor.shape[: self.axes]
        for k in range(min(prod(shape), MOST_CELLS)):
            place = ",".join(map(str, unravel(k, shape)))
            yield f"{self.tensor.title_of_cells}[{place}]" if place else self.tensor.title


def is_woven(view: NodeView) -> bool:
    """Return whether an operation moves cells of a tensor of three and more axes."""
    tensors = (view.result, *view.operands)
    moved = view.node.kind == "movement" and not view.node.dropped and view.node.evidence == "index"
    deep = any(len(tensor.shape) > 2 for tensor in tensors)
    return moved and deep and all(tensor.value.numel() for tensor in tensors)


def weave_of(view: NodeView) -> Weave:
    """Return where the cells go at a step of an operation for which `is_woven` holds."""
    slicings: list[_Slicing] = []
    first = 0
    for operand in view.operands:
        slicings.append(_Slicing(operand, first))
        first += prod(operand.shape[: slicings[-1].axes])
    step = view.step
    written: Cells = NO_CELLS if step is None else step.writes
    read = (NO_CELLS,) * len(slicings) if step is None else step.reads
    sources = [_tensor(one.tensor, one.slice_of, cells) for one, cells in zip(slicings, read, strict=True)]
    pairs = list(zip(slicings, view.node.operand_reads, strict=True))

    def origin(cell: Index) -> int | None:
        """Return the slice that a cell of the result came from; None from elsewhere."""
        sources = [(one, next(iter(reads.reads(cell)), None)) for one, reads in pairs]
        return next((one.slice_of(at) for one, at in reversed(sources) if at is not None), None)

    names = tuple(name for slicing in slicings for name in slicing.names())
    return Weave(tuple(sources), _tensor(view.result, origin, written), names)


def _tensor(tensor: TensorView, slice_of: Callable[[Index], int | None], now: Cells) -> WeaveTensor:
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
        rows = zip(down, tensor.window(matrix, down, across), strict=True)
        cells = tuple(
            tuple(
                WeaveCell(number, slice_of(cell), cell in now)
                for number, cell in zip(numbers, (matrix.cell(row, j) for j in across), strict=True)
            )
            for row, numbers in rows
        )
        matrices.append(WeaveMatrix(at, cells))
    return WeaveTensor(tensor.title, shape, tuple(matrices), count, sides)


def _page(count: int, size: int, at: int) -> range:
    """Return `size` of `count` places, by pages, with one of them among them."""
    start = max(0, min(at // size * size, count - size))
    return range(start, min(count, start + size))
