"""Operations that only write: `x.zero_()`, `x.copy_(y)`, `x.normal_()`.

What each reads is said without the underscore: `x.add_(y)` is an `add`, whose entry describes it as well. An
entry has one in its name where torch has a function of the same name that is another operation.
A write is a node with the new values; those before it stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.movement_shapes import input_shape
from llm_linalg.ops.operation import Call, Operation


def _shape_for(name: str) -> Callable[[Call], Shape]:
    """Return the shape rule of a write whose values are broadcast to what they are written into."""

    def rule(call: Call) -> Shape:
        own, place = input_shape(call), call.place(name)
        if place is None:
            return own
        given = call.shapes[place]
        for axis in range(1, len(given) + 1):
            size = given[-axis]
            if axis > len(own):
                raise ShapeMismatch(f"it has more axes than {own}, into which it is written", at=place)
            if size not in (1, own[-axis]):
                raise ShapeMismatch(
                    "what is written is broadcast to the shape that it is written into",
                    MismatchedAxis(call.place("input") or 0, len(own) - axis, own[-axis]),
                    MismatchedAxis(place, len(given) - axis, size),
                )
        return own

    return rule


def _positions_of(name: str) -> Callable[[Call, Sequence[Tensor]], Tensor]:
    """Return what says where the cells of a write come from: its value's, broadcast; a number has none."""

    def positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
        place = call.place(name)
        if place is None:
            return torch.zeros(call.shape, dtype=torch.int32)
        return tensors[place].expand(call.shape).clone()

    return positions


def _nowhere(call: Call, _tensors: Sequence[Tensor]) -> Tensor:
    return torch.zeros(call.shape, dtype=torch.int32)


def _write(name: str, signature: str, data: str = "") -> Movement:
    """Return the entry of a write: its cells come from the parameter `data`, or from nowhere."""
    method = f"{name.rstrip('_')}_"
    return Movement(
        name,
        signature,
        spellings=(f"torch.Tensor.{method}",),
        data=(data,) if data else (),
        lends="input",
        rule=_shape_for(data) if data else input_shape,
        positions=_positions_of(data) if data else _nowhere,
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
)
