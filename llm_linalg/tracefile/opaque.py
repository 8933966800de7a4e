"""What a trace that was read holds no function of, and what of it may be computed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.call_errors import is_unsafe
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.fallback import UntoldOperation, untold
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import Call, operand_cells
from llm_linalg.recording.record_node import RecordNode

MOST_CELLS = 2**27  # that an operation may allocate, if it has not as many itself
_AS_MANY = 8
_FEW = 2**16  # cells whose computation takes no noticeable time
_SOME = 2**24  # the same, where there will hardly be as many


def opaque_call(name: str, tensors: Sequence[Tensor], output: Tensor | None, position: int) -> Call:
    """Return a call of a function that is not in the trace."""
    values = tuple(tensors)
    places = tuple(range(len(values)))
    operation = UntoldOperation(name, "*args")
    return Call(
        operation, untold, values, {}, {"args": values}, values, {"args": places}, places, output, position
    )


def _numbers(value: Any) -> Iterator[float]:
    """Yield the plain numbers of some arguments, also within lists."""
    if isinstance(value, int | float):
        yield value
    for item in value if isinstance(value, list | tuple) else ():
        yield from _numbers(item)


def _is_small(call: Call) -> bool:
    """Return whether a call takes no noticeable time.

    Of movements only a few make more than they are given, and they say how much. Any other function may make
    a cell for each choice of one cell of each operand, on three axes as many times as a number says; one of a
    matrix may make a matrix as long and as wide as it has cells.
    """
    if isinstance(call.operation, Movement | Composite):
        return max(call.operation.price(call, None).cells, operand_cells(call)) <= _FEW
    times = prod(max(number, 1) for number in _numbers([*call.args, *call.kwargs.values()]))
    choices = prod(map(Tensor.numel, call.tensors)) ** (2 if call.operation.kind == "matrix" else 1)
    return choices * times**3 <= _SOME


def _tried(call: Call, tensors: Sequence[Tensor]) -> list[Shape]:
    """Return the shapes of all that a call gives for some tensors."""
    results = call.replay_all([tensor.clone() for tensor in tensors])  # a batch norm writes its means
    return [tuple(result.shape) for result in results]


def _tried_on_meta(call: Call) -> list[Shape]:
    """Return the same from meta tensors, which have no cells; nothing if that fails.

    The first such call of a process imports torch's compiler.
    """
    try:
        with untraced(), torch.device("meta"):
            return _tried(call, [tensor.detach().to("meta") for tensor in call.tensors])
    except Exception:  # noqa: BLE001  torch raises many kinds here, and each means: not known beforehand
        return []


def _names_device(call: Call) -> bool:
    return any(isinstance(value, torch.device) for value in (*call.args, *call.kwargs.values()))


def is_untold(node: RecordNode) -> bool:
    """Return whether a node stops a gradient because its function, or a hook, is not in the trace."""
    if node.has_hook:
        return True
    call = node._call  # noqa: SLF001 - bound, each would take its time
    lost = isinstance(call, Call) and isinstance(call.operation, UntoldOperation)
    differentiable = node.value.is_floating_point() and not node.no_grad
    return lost and differentiable and any(own.value.is_floating_point() for own in node.operands)


def is_described(call: Call, shape: Shape) -> bool:
    """Return whether an operation's rules describe a call: its shape, and within bounds what it allocates.

    Nothing of the call is believed: whatever is run again for it later is run with the same arguments.
    """
    operation: Any = call.operation
    try:
        if is_unsafe(call):
            return False
        cells = operand_cells(call) + prod(shape)
        most = max(MOST_CELLS, _AS_MANY * cells)
        if operation.price(call, tuple(shape)).cells > most:
            return False
        inferred = call.shapes[0] if operation.name == "grad" else operation.infer(call)
        if inferred is None:
            if not call.tensors or _names_device(call):  # it would not be made on the meta device
                return False
            shapes: list[Shape] = []
            if _is_small(call):
                shapes = _tried(call, call.tensors)
            elif not isinstance(operation, Movement | Composite):
                shapes = _tried_on_meta(call)
            inferred = shapes[call.position] if call.position < len(shapes) else None
            if sum(map(prod, shapes)) > most:
                return False
        if inferred is None and prod(shape) > _AS_MANY * operand_cells(call) + _AS_MANY:
            return False
        return inferred is None or tuple(inferred) == tuple(shape)
    except Exception:  # noqa: BLE001 - forged arguments may be anything, and so may what they raise
        return False
