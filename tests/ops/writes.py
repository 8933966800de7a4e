"""Calls of the operations that only write, over random shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from torch import Tensor

from tests.ops.drawing import Build, Draw, Sample, Shape, shapes, values


def _write(call: Callable[[Tensor], Any]) -> Build:
    """Returns what draws a write into a copy, so that a leaf may come in."""
    return lambda draw: Sample(lambda x: call(x.clone()), (values(draw(shapes()), 1),))


def _smaller(draw: Draw, shape: Shape) -> Shape:
    """Draws a shape that is broadcast to another."""
    own = tuple(1 if draw(st.booleans()) else size for size in shape)
    return own[draw(st.integers(0, len(own))) :]


def _copy(draw: Draw) -> Sample:
    shape = draw(shapes())
    source = values(_smaller(draw, shape), 2)
    return Sample(lambda x, y: x.clone().copy_(y), (values(shape, 1), source))


def _fill(draw: Draw) -> Sample:
    x = values(draw(shapes()), 1)
    if draw(st.booleans()):
        return Sample(lambda a: a.clone().fill_(2.0), (x,))
    return Sample(lambda a, b: a.clone().fill_(b), (x, values((), 2)))


WRITES: dict[str, Build] = {
    "zero": _write(lambda x: x.zero_()),
    "fill": _fill,
    "copy": _copy,
    "uniform": _write(lambda x: x.uniform_(-1, 1)),
    "normal_": _write(lambda x: x.normal_(2, 3)),
    "random": _write(lambda x: x.random_(0, 10)),
    "exponential": _write(lambda x: x.exponential_()),
    "bernoulli_": _write(lambda x: x.bernoulli_(0.5)),
}
