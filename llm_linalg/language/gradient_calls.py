"""`torch.autograd.grad` and `torch.set_grad_enabled`, which need the run that they are called in."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from llm_linalg.language import autograd
from llm_linalg.language.autograd import GradMode, switch_grad
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.run_function import RunFunction
from llm_linalg.ops.price import Price

_TWICE = 3  # a pass that can be differentiated in turn takes as long as so many others


def grad(
    run: Interpreter,
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    only_inputs: bool = True,
    *,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Do what `torch.autograd.grad` does; each gradient is a node, read from its input.

    Raises:
        TypeError: If an argument is not what torch takes.
    """
    results, sources = _tensors("outputs", outputs), _tensors("inputs", inputs)
    given = [None] * len(results) if grad_outputs is None else list(_several(grad_outputs))
    if not only_inputs or len(given) != len(results) or not all(_is_gradient(own) for own in given):
        raise TypeError("grad takes tensors, and a gradient or None for each of its outputs")
    passes = [run.recorder.backward_pass(output) for output in results]
    prices = [price for own in passes for price in own.prices]
    leaves = sum(own.leaves for own in passes)
    times = _TWICE if create_graph else 1
    run.budget.charge_backward(times * prices, times * leaves, recorded=not run.recorder.is_paused)
    price = _price_of_graph(prices, leaves) if create_graph else None
    found = run.recorder.run_priced(
        price,
        autograd.gradients,
        results,
        sources,
        given,
        retain_graph,
        bool(create_graph),
        True if materialize_grads else allow_unused,
    )
    gradients: list[Tensor | None] = []
    for source, gradient in zip(sources, found, strict=True):
        if gradient is not None:
            run.recorder.note_gradient(gradient, source, price)
        elif materialize_grads:
            gradient = source.new_zeros(source.shape)
        gradients.append(gradient)
    return tuple(gradients)


def _price_of_graph(prices: list[Price], leaves: int) -> Price:
    """Return the price of a backward pass through what a pass over calls of these prices has computed."""
    return Price(
        outputs=0,
        elements=0,
        multiplications=_TWICE * sum(price.multiplications for price in prices),
        steps=0,
        reads=_TWICE * (sum(price.reads for price in prices) + leaves),
        backward_steps=_TWICE * sum(price.backward_steps for price in prices),
        products=0,
    )


def set_grad_enabled(run: Interpreter, mode: bool) -> GradMode:
    """Do what `torch.set_grad_enabled` does: switch at once, and back where a `with` around it ends."""
    outside = not run.recorder.no_grad
    switch_grad(run.recorder, bool(mode))
    return GradMode(bool(mode), outside)


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _tensors(name: str, value: Any) -> tuple[Tensor, ...]:
    found = _several(value)
    if not found or not all(isinstance(item, Tensor) for item in found):
        raise TypeError(f"grad takes a tensor or several for {name}")
    return found


def _is_gradient(value: Any) -> bool:
    return value is None or isinstance(value, Tensor)


GRAD = RunFunction("grad", grad)
SET_GRAD_ENABLED = RunFunction("set_grad_enabled", set_grad_enabled)
