"""What a composite reads: the composition of its parts' reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from llm_linalg.axes import Shape
from llm_linalg.cells import Cells, Index
from llm_linalg.lineage import Lineage
from llm_linalg.relations import block_of, points

if TYPE_CHECKING:
    from llm_linalg.node import Node


@dataclass(frozen=True, slots=True)
class ComposedRelation:
    """By the rules of the parts: the lineage of the last part, back to what stands for the operand.

    Masks inside count: what a causal attention hides from a token, the token does not read.

    Args:
        lineage: The lineage of the trace of the parts.
        source: The input that stands for the operand.
        last: The part that gives the result.
    """

    lineage: Lineage
    source: Node
    last: Node

    def reads(self, index: Index) -> Cells:
        return points(self.back(_one(self.last.shape, index)))

    def feeds(self, index: Index) -> Cells:
        return points(self.forward(_one(self.source.shape, index)))

    def block(self, ranges: tuple[range, ...]) -> Cells:
        mask = torch.zeros(self.last.shape, dtype=torch.bool)
        block_of(mask, ranges).fill_(True)
        return points(self.back(mask))

    def back(self, mask: Tensor) -> Tensor:
        found = self.lineage.masks_back(self.last, mask).get(self.source)
        return torch.zeros(self.source.shape, dtype=torch.bool) if found is None else found

    def forward(self, mask: Tensor) -> Tensor:
        found = self.lineage.masks_forward(self.source, mask).get(self.last)
        return torch.zeros(self.last.shape, dtype=torch.bool) if found is None else found


def _one(shape: Shape, index: Index) -> Tensor:
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[index] = True
    return mask
