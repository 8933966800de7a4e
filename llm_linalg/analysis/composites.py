"""Compose the reads of a composite from those of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from llm_linalg.analysis.lineage import Lineage
from llm_linalg.base.axes import Shape
from llm_linalg.ops.mask_reads import ReadsByMask
from llm_linalg.recording.record_node import RecordNode


@dataclass(frozen=True)
class ComposedReads(ReadsByMask):
    """The reads of a composite: the lineage from its last part back to one operand.

    Masks inside count: a token does not read what causal attention hides from it.

    Attributes:
        lineage: The lineage of the parts' trace.
        source: The input that stands for the operand.
        last: The part that returns the result.
    """

    lineage: Lineage[RecordNode]
    source: RecordNode
    last: RecordNode

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return self.last.shape, self.source.shape

    def back(self, mask: Tensor) -> Tensor:
        found = self.lineage.masks_back(self.last, mask).get(self.source)
        return torch.zeros(self.source.shape, dtype=torch.bool) if found is None else found

    def forward(self, mask: Tensor) -> Tensor:
        found = self.lineage.masks_forward(self.source, mask).get(self.last)
        return torch.zeros(self.last.shape, dtype=torch.bool) if found is None else found
