"""Operations that the table lacks: measured by autograd where that is possible, else opaque."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from llm_linalg.measured import MeasuredRelation
from llm_linalg.ops.base import Operation
from llm_linalg.ops.call import Call
from llm_linalg.relations import OpaqueRelation, Relation


@dataclass(frozen=True, eq=False)
class Unlisted(Operation):
    """Anything else: what its cells read is measured, or unknown; never guessed."""

    kind: str = "measured"

    def proof(self, call: Call) -> str:
        found = self.relations(call)
        return "autograd" if any(isinstance(relation, MeasuredRelation) for relation in found) else "opaque"

    def relations(self, call: Call) -> tuple[Relation, ...]:
        return tuple(self._relation(call, place) for place in range(len(call.tensors)))

    def _relation(self, call: Call, place: int) -> Relation:
        opaque = OpaqueRelation(call.shape, call.shapes[place])
        if not call.tensors[place].dtype.is_floating_point or not call.tensors[place].numel():
            return opaque
        probes = [_probe(tensor, seed) for seed, tensor in enumerate(call.tensors)]
        relation = MeasuredRelation(_alone(call, probes, place), probes[place], call.shape)
        try:
            relation.back(torch.zeros(call.shape, dtype=torch.bool))
        except (RuntimeError, TypeError, NotImplementedError, ValueError, IndexError):
            return opaque
        return relation


def _alone(call: Call, probes: list[Tensor], place: int) -> Callable[[Tensor], Tensor]:
    """Return the call as a function of one operand, the others held at generic values."""

    def function(tensor: Tensor) -> Tensor:
        operands = [tensor if position == place else probe for position, probe in enumerate(probes)]
        with torch.random.fork_rng(devices=[]):
            result = call.replay(operands)
        if not isinstance(result, Tensor) or tuple(result.shape) != call.shape:
            raise TypeError("the output of a replay is another")
        return result

    return function


def _probe(tensor: Tensor, seed: int) -> Tensor:
    """Return generic values of a tensor's shape; integers and masks stay as they are."""
    if not tensor.dtype.is_floating_point:
        return tensor.detach()
    generator = torch.Generator().manual_seed(seed + 1)
    values = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    return values.to(tensor.dtype)
