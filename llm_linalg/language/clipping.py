"""`torch.nn.utils.clip_grad_norm_` and its like: gradients that are made shorter, in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.autograd import without_gradients
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import take_items
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction


def _gradients(run: Interpreter, parameters: Any) -> list[Tensor]:
    """Return the gradients that parameters have, each read as a node."""
    items = [parameters] if isinstance(parameters, Tensor) else take_items(run, parameters)
    found = []
    for item in items:
        if not isinstance(item, Tensor):
            raise TypeError(f"gradients are those of parameters, not of {short_repr(item)}")
        if item.grad is not None:
            found.append(item.grad)
    return found


def clip_grad_norm(
    run: Interpreter,
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Do what `clip_grad_norm_` does, and return the norm of all gradients together.

    Raises:
        ValueError: If the norm is not finite, and is to be.
    """
    if foreach:
        raise RefusalError("foreach= is not part of the language: leave it out")
    order, most = float(norm_type), float(max_norm)
    with without_gradients(run.recorder):
        gradients = _gradients(run, parameters)
        if not gradients:
            return torch.tensor(0.0)
        norms = [torch.linalg.vector_norm(gradient, order) for gradient in gradients]
        total: Tensor = torch.linalg.vector_norm(torch.stack(norms), order)
        if error_if_nonfinite and not total.isfinite():
            raise ValueError("the norm of the gradients is not finite, so that they can't be made shorter")
        share = torch.clamp(most / (total + 1e-6), max=1.0)
        for gradient in gradients:
            gradient.mul_(share)
    return total


def clip_grad_value(
    run: Interpreter, parameters: Any, clip_value: float, foreach: bool | None = None
) -> None:
    """Do what `clip_grad_value_` does."""
    if foreach:
        raise RefusalError("foreach= is not part of the language: leave it out")
    most = float(clip_value)
    with without_gradients(run.recorder):
        for gradient in _gradients(run, parameters):
            gradient.clamp_(min=-most, max=most)


def parameters_to_vector(run: Interpreter, parameters: Any) -> Tensor:
    """Do what `parameters_to_vector` does."""
    return torch.cat([item.view(-1) for item in take_items(run, parameters)])


MEMBERS: Mapping[str, RunFunction] = {
    "clip_grad_norm_": RunFunction("clip_grad_norm_", clip_grad_norm),
    "clip_grad_value_": RunFunction("clip_grad_value_", clip_grad_value),
    "parameters_to_vector": RunFunction("parameters_to_vector", parameters_to_vector),
}
"""Members of `torch.nn.utils`."""
