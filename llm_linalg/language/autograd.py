"""Gradients as a program asks for them: back from a loss, off and on, put into a tensor."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced


@dataclass(frozen=True, slots=True)
class GradMode:
    """Stands after ``with``, or above a ``def``: whether what is done there has a gradient."""

    enabled: bool


def no_grad() -> GradMode:
    """Return what ``torch.no_grad()`` gives."""
    return GradMode(enabled=False)


def enable_grad() -> GradMode:
    """Return what ``torch.enable_grad()`` gives."""
    return GradMode(enabled=True)


def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    *,
    create_graph: bool = False,
) -> None:
    """Let autograd go back from a tensor.

    With a gradient, that is the way back from the sum of its cells times those of the tensor: torch imports a
    compiler when it is handed one.

    Raises:
        TypeError: If the gradient is no tensor, or is to have a gradient itself.
        ValueError: If it has another shape.
    """
    if create_graph:
        raise TypeError("gradients of gradients (create_graph=True) are not part of this language")
    if gradient is not None and not isinstance(gradient, Tensor):
        raise TypeError(f"a gradient is a tensor, not a {type(gradient).__name__}")
    if gradient is not None and gradient.shape != tensor.shape:
        raise ValueError(f"its gradient has the shape {tuple(tensor.shape)}, not {tuple(gradient.shape)}")
    with untraced():
        start = tensor if gradient is None else (tensor * gradient).sum()
        torch.autograd.backward(start, retain_graph=retain_graph)


def set_grad(tensor: Tensor, value: Tensor | None) -> None:
    """Give a tensor a gradient, or none.

    Raises:
        TypeError: If it is no tensor.
        ValueError: If it has another shape or type.
    """
    if value is not None and not isinstance(value, Tensor):
        raise TypeError(f"x.grad is a tensor or None, not a {type(value).__name__}")
    if value is not None and (value.shape != tensor.shape or value.dtype != tensor.dtype):
        raise ValueError(
            f"x.grad has the shape and type of x, {tuple(tensor.shape)} {tensor.dtype}, not "
            f"{tuple(value.shape)} {value.dtype}"
        )
    with untraced():
        tensor.grad = value


def set_data(tensor: Tensor, value: Tensor) -> None:
    """Write other numbers into a tensor, of which autograd sees nothing.

    Raises:
        TypeError: If they are no tensor.
        ValueError: If they have another shape or type.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"x.data is a tensor, not a {type(value).__name__}")
    if value.shape != tensor.shape or value.dtype != tensor.dtype:
        raise ValueError(
            f"x.data keeps its shape and type here: {tuple(tensor.shape)} {tensor.dtype}, not "
            f"{tuple(value.shape)} {value.dtype}"
        )
    with untraced():
        there = value.data_ptr() == tensor.data_ptr() and value.stride() == tensor.stride()
    if not there:
        tensor.detach()[...] = value.detach()


def set_requires_grad(tensor: Tensor, value: bool) -> None:
    """Say whether a tensor is to have a gradient."""
    tensor.requires_grad_(bool(value))
