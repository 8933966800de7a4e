"""`torch.autograd.functional`: Jacobians and Hessians, one backward pass for each cell of a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.autograd import GradMode
from llm_linalg.language.grad_mode import set_grad_mode
from llm_linalg.language.gradient_calls import grad
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

_Asked = Callable[[Sequence[Tensor]], Any]


def _tensors(value: Any, title: str) -> tuple[Tensor, ...]:
    """Return one tensor, or a tuple of several, as a tuple.

    Raises:
        TypeError: If it is something else.
    """
    several = value if isinstance(value, tuple) else (value,)
    if not several or not all(isinstance(item, Tensor) for item in several):
        raise TypeError(f"{title} are a tensor, or a tuple of tensors")
    return several


def _like(value: Any, found: Sequence[Any]) -> Any:
    """Return results as one, where one stood, and else as a tuple."""
    return tuple(found) if isinstance(value, tuple) else found[0]


def _leaves(inputs: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    """Return the inputs as what is differentiated by."""
    if create_graph:
        return [own.view_as(own) if own.requires_grad else own.detach().requires_grad_() for own in inputs]
    return [own.detach().requires_grad_() for own in inputs]


def _jacobian(run: Interpreter, ask: _Asked, inputs: Any, create_graph: bool) -> Any:
    leaves = _leaves(_tensors(inputs, "inputs"), create_graph)
    given = ask(leaves)
    rows = []
    for result in _tensors(given, "outputs"):
        found: list[list[Tensor]] = [[] for _ in leaves]
        for place in range(result.numel()):
            cell = result.reshape(-1)[place]
            if not cell.requires_grad:
                gradients: Sequence[Tensor | None] = [None] * len(leaves)
            else:
                gradients = grad(run, cell, leaves, None, True, create_graph, True)
            for own, gradient, leaf in zip(found, gradients, leaves, strict=True):
                own.append(torch.zeros_like(leaf) if gradient is None else gradient)
        several = [
            (torch.stack(own) if own else leaf.new_zeros(0)).view((*result.shape, *leaf.shape))
            for own, leaf in zip(found, leaves, strict=True)
        ]
        rows.append(_like(inputs, several))
    return _like(given, rows)


def _check(strict: bool, vectorize: bool, strategy: str) -> None:
    if strict or vectorize or strategy != "reverse-mode":
        raise RefusalError(
            "strict=, vectorize= and the strategies are not part of the language: leave them out"
        )


def jacobian(
    run: Interpreter,
    func: Any,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Do what `torch.autograd.functional.jacobian` does."""
    _check(strict, vectorize, strategy)
    with set_grad_mode(run, (GradMode(enabled=True),)):
        return _jacobian(run, lambda leaves: run.call(func, leaves), inputs, bool(create_graph))


def hessian(
    run: Interpreter,
    func: Any,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Do what `torch.autograd.functional.hessian` does: the Jacobian of the gradient."""
    _check(strict, vectorize, outer_jacobian_strategy)

    def one_number(leaves: Sequence[Tensor]) -> Tensor:
        result = run.call(func, leaves)
        if not isinstance(result, Tensor) or result.numel() != 1:
            raise RuntimeError(
                "The function given to hessian should return a single Tensor of a single element"
            )
        return result.squeeze()

    def gradient(leaves: Sequence[Tensor]) -> Any:
        return _jacobian(run, one_number, tuple(leaves), create_graph=True)

    with set_grad_mode(run, (GradMode(enabled=True),)):
        rows = _jacobian(run, gradient, _tensors(inputs, "inputs"), bool(create_graph))
    return rows if isinstance(inputs, tuple) else rows[0][0]


def vjp(
    run: Interpreter, func: Any, inputs: Any, v: Any = None, create_graph: bool = False
) -> tuple[Any, Any]:
    """Do what `torch.autograd.functional.vjp` does."""
    with set_grad_mode(run, (GradMode(enabled=True),)):
        leaves = _leaves(_tensors(inputs, "inputs"), bool(create_graph))
        given = run.call(func, leaves)
        results = _tensors(given, "outputs")
        if v is None and (len(results) != 1 or results[0].numel() != 1):
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a"
                " single element."
            )
        starts = None if v is None else list(_tensors(v, "v"))
        gradients = grad(run, list(results), leaves, starts, None, bool(create_graph), True)
        found = [
            torch.zeros_like(leaf) if own is None else own
            for own, leaf in zip(gradients, leaves, strict=True)
        ]
    shown = results if create_graph else [result.detach() for result in results]
    return _like(given, shown), _like(inputs, found)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"jacobian": jacobian, "hessian": hessian, "vjp": vjp}
MEMBERS: Mapping[str, RunFunction] = {name: RunFunction(name, does) for name, does in _FUNCTIONS.items()}
"""Members of `torch.autograd.functional`."""
