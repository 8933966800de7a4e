"""Reads defined by masks over sets of cells, from which those of one cell or of a block follow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.base.cells import Cells, Index
from llm_linalg.ops.reads import IndexReads, block_of, points


def one(shape: Shape, index: Index) -> Tensor:
    """Return the mask (bool) of one cell of a shape."""
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[index] = True
    return mask


class ReadsByMask:
    """Reads that are defined by `back` and `forward`, from which the rest of `Reads` follows."""

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        """The shapes of the output and of the operand."""
        raise NotImplementedError

    def back(self, mask: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, mask: Tensor) -> Tensor:
        raise NotImplementedError

    def reads(self, index: Index) -> Cells:
        return points(self.back(one(self.sizes[0], index)))

    def feeds(self, index: Index) -> Cells:
        return points(self.forward(one(self.sizes[1], index)))

    def block(self, ranges: tuple[range, ...]) -> Cells:
        mask = torch.zeros(self.sizes[0], dtype=torch.bool)
        block_of(mask, ranges).fill_(True)
        return points(self.back(mask))


@dataclass(frozen=True)
class InverseIndexReads(ReadsByMask):
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
