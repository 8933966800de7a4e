"""Calls of the operations that only write, over random shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from torch import Tensor

from llm_linalg.ops import updates
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


def _update(name: str, kept: int, *plain: Any) -> Build:
    """Returns what draws a step of an optimizer with so many tensors that it keeps between steps."""

    def build(draw: Draw) -> Sample:
        shape = draw(shapes())
        update = getattr(updates, f"{name}_")
        decay, maximize = draw(st.sampled_from([0, 0.1])), draw(st.booleans())
        inputs = [values(shape, seed) for seed in range(2)]
        inputs += [values(shape, 2 + seed).abs() + 3 for seed in range(kept)]
        numbers = [number for number in plain if number is not None]
        gone = [None] * plain.count(None)

        def step(x: Tensor, *others: Tensor) -> Any:
            return update(x.clone(), *others, *gone, *numbers, weight_decay=decay, maximize=maximize)

        return Sample(step, tuple(inputs))

    return build


_SGD = _update("sgd", 1, 0.1, 0.9, 0.1)
_NESTEROV = _update("sgd", 1, 0.1, 0.9, 0.0)
WRITES: dict[str, Build] = {
    "zero": _write(lambda x: x.zero_()),
    "fill": _fill,
    "copy": _copy,
    "uniform": _write(lambda x: x.uniform_(-1, 1)),
    "normal_": _write(lambda x: x.normal_(2, 3)),
    "random": _write(lambda x: x.random_(0, 10)),
    "exponential": _write(lambda x: x.exponential_()),
    "bernoulli_": _write(lambda x: x.bernoulli_(0.5)),
    "sgd": lambda draw: draw(
        st.sampled_from([_update("sgd", 0, None, 0.1), _update("sgd", 0, None, 0.1, 0.9), _SGD, _NESTEROV])
    )(draw),
    "adam": lambda draw: draw(
        st.sampled_from([_update("adam", 2, None, 3.0, 0.1), _update("adam", 3, 3.0, 0.1)])
    )(draw),
    "rmsprop": lambda draw: draw(
        st.sampled_from([_update("rmsprop", 1, None, None, 0.1), _update("rmsprop", 2, None, 0.1)])
    )(draw),
    "adagrad": _update("adagrad", 1, 0.1),
    "adadelta": _update("adadelta", 2, 0.1),
    "adamax": _update("adamax", 2, 3.0, 0.1),
    "nadam": _update("nadam", 2, 3.0, 0.8, 0.1),
    "radam": _update("radam", 2, 7.0, 0.1),
}
