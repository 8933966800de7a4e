"""What an operation without a rule reads, measured by autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from llm_linalg.axes import Shape
from llm_linalg.cells import Cells, Index
from llm_linalg.relations import block_of, points

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class MeasuredRelation:
    """By autograd: one backward pass from a one-hot cotangent.

    A partner that happens to be 0 would hide a dependence, so the passes run on generic values of
    the same shapes (``probe``), not on the program's own.

    Args:
        function: The operation as a function of this operand alone, of generic partners.
        probe: Generic values of the operand's shape.
        output: The output's shape.
    """

    function: Function
    probe: Tensor
    output: Shape
    _cache: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def reads(self, index: Index) -> Cells:
        return points(self.back(_one_hot(self.output, index)))

    def feeds(self, index: Index) -> Cells:
        return points(self.forward(_one_hot(tuple(self.probe.shape), index)))

    def block(self, ranges: tuple[range, ...]) -> Cells:
        mask = torch.zeros(self.output, dtype=torch.bool)
        block_of(mask, ranges).fill_(True)
        return points(self.back(mask))

    def back(self, mask: Tensor) -> Tensor:
        leaf, out = self._graph()
        cotangent = torch.where(mask, _generic(self.output, out.dtype), 0)
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
            out, leaf, cotangent, retain_graph=True, allow_unused=True
        )
        found = gradients[0]
        return torch.zeros_like(leaf, dtype=torch.bool) if found is None else found != 0

    def forward(self, mask: Tensor) -> Tensor:
        found = torch.zeros(self.output, dtype=torch.bool)
        for cell in torch.ones(self.output).nonzero().tolist():
            found[tuple(cell)] = bool((self.back(_one_hot(self.output, tuple(cell))) & mask).any())
        return found

    def _graph(self) -> tuple[Tensor, Tensor]:
        if "graph" not in self._cache:
            with torch.enable_grad():
                leaf = self.probe.detach().clone().requires_grad_(True)
                self._cache["graph"] = (leaf, self.function(leaf))
        return self._cache["graph"]


def _one_hot(shape: Shape, index: Index) -> Tensor:
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[index] = True
    return mask


def _generic(shape: Shape, dtype: torch.dtype) -> Tensor:
    """Return values with no zeros and no symmetry, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(shape, generator=generator, dtype=torch.float64).add(0.5).to(dtype)
