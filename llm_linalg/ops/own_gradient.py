"""What a program's own `autograd.Function` returns: cells by its forward, a gradient by its backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from llm_linalg.base.axes import Axes, pointwise
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import AxesReads, MaskedReads, Reads


@dataclass(frozen=True, eq=False)
class OwnGradient(Operation):
    """A tensor that is the same as what the forward computed, but for where its gradient goes.

    Its first operand is that result, from which each cell comes. The others are the tensors that the function
    was given: no cell comes from them directly, and their gradient is what the program's backward says.

    Attributes:
        pull: Returns the cotangent of a tensor that the function was given, by its place, from the result's.
    """

    pull: Callable[[Tensor, int], Tensor] = field(kw_only=True)

    def axes(self, call: Call) -> Axes:
        return pointwise([call.shape])

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        own = AxesReads(self.axes(call), 0)
        everywhere = torch.ones(call.shape, dtype=torch.bool)
        return (own, *[MaskedReads(own, everywhere) for _ in call.tensors[1:]])

    def cotangents(self, call: Call) -> Mapping[str, str]:
        """Return that nothing goes back through the forward's own steps."""
        return {"result": ""}


def own_gradient(title: str, pull: Callable[[Tensor, int], Tensor]) -> OwnGradient:
    """Return the operation of a call of a program's function, which is called so."""
    return OwnGradient(title, "result, *inputs", pull=pull)


def given_result(result: Tensor, *_inputs: Any) -> Tensor:
    """Return what the forward computed."""
    return result


def pulled(cotangent: Tensor, pull: Callable[[Tensor], Tensor]) -> Tensor:
    """Return what a function of the program makes of a cotangent, as one step of a gradient program."""
    if has_torch_function((cotangent,)):
        taken: Tensor = handle_torch_function(pulled, (cotangent,), cotangent, pull)
        return taken
    return pull(cotangent)
