"""Measure by autograd what an operation without a rule reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.reads import ReadsByMask
from llm_linalg.ops.vjp import autograd_jvp, autograd_vjp

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Call


@dataclass(frozen=True, eq=False)
class AutogradProbe:
    """A call on generic values, as a function of one of its operands."""

    call: Call
    operands: Sequence[Tensor]
    place: int

    @cached_property
    def graph(self) -> tuple[Tensor, Tensor]:
        """The operand and the result, with autograd's graph between them."""
        operands = list(self.operands)
        with torch.enable_grad():
            leaf = operands[self.place] = operands[self.place].detach().clone().requires_grad_(True)
            result = self.call.replay(operands)
        if tuple(result.shape) != self.call.shape:
            raise TypeError("the output of a replay is another")
        return leaf, result

    def back(self, mask: Tensor) -> Tensor:
        """Return a mask of the operand's cells on which some result cell in `mask` depends."""
        leaf, out = self.graph
        cotangent = torch.where(mask, _generic(tuple(mask.shape), out.dtype), 0)
        (found,) = autograd_vjp([out], [leaf], [cotangent], keep=True)
        return torch.zeros(leaf.shape, dtype=torch.bool) if found is None else found != 0

    def forward(self, mask: Tensor) -> Tensor:
        """Return a mask of the result's cells that depend on some operand cell in `mask`."""
        leaf, out = self.graph
        tangent = torch.where(mask, _generic(tuple(mask.shape), leaf.dtype), 0)
        found = autograd_jvp(out, [leaf], [tangent])
        return torch.zeros(out.shape, dtype=torch.bool) if found is None else found != 0


@dataclass(frozen=True, eq=False)
class AutogradReads(ReadsByMask):
    """By autograd: one backward pass from a one-hot cotangent.

    A partner that happens to be 0 would hide a dependence, so the passes run on generic values of
    the same shapes, not on the program's own; and on their negatives, for what is flat on one side.

    Args:
        probes: The operation on several generic values.
        shape: The operand's shape.
        output: The output's shape.
    """

    probes: tuple[AutogradProbe, ...]
    shape: Shape
    output: Shape

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return self.output, self.shape

    def back(self, mask: Tensor) -> Tensor:
        return torch.stack([probe.back(mask) for probe in self.probes]).any(0)

    def forward(self, mask: Tensor) -> Tensor:
        return torch.stack([probe.forward(mask) for probe in self.probes]).any(0)


def _generic(shape: Shape, dtype: torch.dtype) -> Tensor:
    """Return values with no zeros and no symmetry, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(shape, generator=generator, dtype=torch.float64).add(0.5).to(dtype)
