"""What a trace that was read holds no function of, and what of it may be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.call_errors import unsafe_reason
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import Call, Operation, operand_cells
from llm_linalg.ops.price import on_meta
from llm_linalg.recording.record_node import RecordNode

MOST_CELLS = 2**27  # that an operation may allocate, if it has not as many itself
_AS_MANY = 8
_FEW = 2**16  # cells whose computation takes no noticeable time


@dataclass(frozen=True, eq=False)
class UntoldOperation(Operation):
    """An operation whose function is not in the trace: its values are there, and nothing is computed anew."""

    kind: str = "measured"
    evidence: str = "opaque"


def opaque_call(name: str, tensors: Sequence[Tensor], output: Tensor | None, position: int) -> Call:
    """Return a call of a function that is not in the trace."""
    values = tuple(tensors)
    places = tuple(range(len(values)))
    operation = UntoldOperation(name, "*args")
    return Call(
        operation, untold, values, {}, {"args": values}, values, {"args": places}, places, output, position
    )


def _tried(call: Call) -> Shape | None:
    """Return the shape that a call gives whose entry says what it allocates; None if that takes a while.

    On the meta device torch would import its compiler for some of them.
    """
    if call.operation.name == "grad":
        return call.shapes[0]
    if max(call.operation.work(call, None).cells, operand_cells(call)) > _FEW:
        return None
    result: Any = call.replay([tensor.clone() for tensor in call.tensors])  # a batch norm writes its means
    return tuple(result.shape) if isinstance(result, Tensor) else None


def _names_device(call: Call) -> bool:
    return any(isinstance(value, torch.device) for value in (*call.args, *call.kwargs.values()))


def is_untold(node: RecordNode) -> bool:
    """Return whether a node stops a gradient because its function, or a hook, is not in the trace."""
    if untold_hook in (node.gradient_hooks or ()):
        return True
    call = node._call  # noqa: SLF001 - bound, each would take its time
    lost = isinstance(call, Call) and isinstance(call.operation, UntoldOperation)
    differentiable = node.value.is_floating_point() and not node.no_grad
    return lost and differentiable and any(own.value.is_floating_point() for own in node.operands)


def untold(*_tensors: Tensor) -> Tensor:
    """Stand for a function that is not in the trace.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError("the trace does not hold this function")


def untold_hook(_gradient: Tensor) -> Tensor:
    """Stand for a hook of the program's on a gradient.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError("the trace does not hold this hook")


def is_described(call: Call, shape: Shape) -> bool:
    """Return whether an operation's rules describe a call: its shape, and within bounds what it allocates.

    Nothing of the call is believed: whatever is run again for it later is run with the same arguments.
    """
    operation: Any = call.operation
    try:
        if unsafe_reason(call) is not None:
            return False
        measured = isinstance(operation, FallbackOperation) and not operation.has_bounded_cost
        inferred = None if measured else operation.infer(call)
        if inferred is None:
            if not call.tensors or _names_device(call):  # it would not be made on the meta device
                return False
            cheap = isinstance(operation, Composite | Movement | FallbackOperation) and not measured
            inferred = _tried(call) if cheap else on_meta(call)
        cells = operand_cells(call) + prod(shape)
        if inferred is None and prod(shape) > _AS_MANY * operand_cells(call) + _AS_MANY:
            return False
        if inferred is not None and tuple(inferred) != tuple(shape):
            return False
        return bool(operation.work(call, tuple(shape)).cells <= max(MOST_CELLS, _AS_MANY * cells))
    except Exception:  # noqa: BLE001 - forged arguments may be anything, and so may what they raise
        return False
