"""Operations that only write: `x.zero_()`, `x.copy_(y)`, `x.normal_()`.

What each reads is said without the underscore: `x.add_(y)` is an `add`, whose entry describes it as well. An
entry has one in its name where torch has a function of the same name that is another operation.
A write is a node with the new values; those before it stay as they were.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, pointwise
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import Call, Operation

SET_DATA = "set_data"
"""The name of `x.data = y`, after which a tensor lies where the other does."""


_INITIALISERS = {
    "constant": "val",
    "uniform": "a=0.0, b=1.0, generator=None",
    "normal": "mean=0.0, std=1.0, generator=None",
    "kaiming_uniform": "a=0, mode='fan_in', nonlinearity='leaky_relu', generator=None",
}
UNSEEN = frozenset([SET_DATA, *(f"init_{name}" for name in _INITIALISERS)])
"""The names of writes that autograd never sees; those of `torch.nn.init` are made under `torch.no_grad()`."""


def _written_shape(call: Call) -> Shape:
    """Return the shape of a write, whose values are broadcast to what they are written into."""
    own = call.shapes[0]
    rule = "what is written is broadcast to the shape that it is written into"
    if pointwise(call.shapes, rule).shape != own:
        what = "axes" if len(call.shapes[1]) > len(own) else "cells"
        raise ShapeMismatch(f"it has more {what} than {own}, into which it is written", at=1)
    return own


def _given_positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return where the cells of a write come from: its value's, broadcast; a number has none."""
    return tensors[1].expand(call.shape).clone() if len(tensors) > 1 else _nowhere(call, tensors)


def _nowhere(call: Call, _tensors: Sequence[Tensor]) -> Tensor:
    return torch.zeros(call.shape, dtype=torch.int32)


def _write(name: str, signature: str, data: str = "", spelling: str = "") -> Movement:
    """Return the entry of a write: its cells come from the parameter `data`, or from nowhere."""
    return Movement(
        name,
        signature,
        spellings=(spelling or f"torch.Tensor.{name.rstrip('_')}_",),
        data=(data,) if data else (),
        lends=signature.partition(",")[0],
        rule=_written_shape,
        positions=_given_positions if data else _nowhere,
    )


WRITES: tuple[Operation, ...] = (
    _write("zero", "input"),
    _write("fill", "input, value", "value"),
    _write("copy", "input, src, non_blocking=False", "src"),
    _write("uniform", "input, low=0, high=1, *, generator=None"),
    _write("normal_", "input, mean=0, std=1, *, generator=None"),
    _write("random", "input, low=0, high=None, *, generator=None"),
    _write("exponential", "input, lambd=1, *, generator=None"),
    _write("bernoulli_", "input, p=0.5, *, generator=None"),
    *(
        _write(f"init_{name}", f"tensor, {more}", spelling=f"torch.nn.init.{name}_")
        for name, more in _INITIALISERS.items()
    ),
    _write(SET_DATA, "input, new_data", "new_data", "torch.ops.aten.set_data.default"),
)
