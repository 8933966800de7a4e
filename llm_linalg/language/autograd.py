"""What a program calls of torch's autograd: `backward`, `grad`, `no_grad`, and writing `x.grad`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.refusal import RefusalError
from llm_linalg.recording.tensor_index import TensorIndex


@dataclass(frozen=True, slots=True)
class GradMode:
    """What `torch.no_grad()` and the like return.

    Attributes:
        enabled: Whether torch records for gradients; None for what leaves that as it is.
        outside: Whether it did before, for what has had its effect already; None where `with` is to say.
    """

    enabled: bool | None
    outside: bool | None = None


def no_grad() -> GradMode:
    """Do what `torch.no_grad()` does; `grad_mode` gives it effect."""
    return GradMode(enabled=False)


def enable_grad() -> GradMode:
    """Do what `torch.enable_grad()` does."""
    return GradMode(enabled=True)


def inference_mode(mode: bool = True) -> GradMode:
    """Do what `torch.inference_mode()` does to results."""
    return GradMode(enabled=False if mode else None)


def switch_grad(recorder: TensorIndex, enabled: bool) -> None:
    """Switch gradients on or off, in torch and for the record."""
    with untraced():
        torch.set_grad_enabled(enabled)
    recorder.no_grad = not enabled


@contextmanager
def without_gradients(recorder: TensorIndex) -> Iterator[None]:
    """Record no gradients while the context is open."""
    outside = not recorder.no_grad
    switch_grad(recorder, enabled=False)
    try:
        yield
    finally:
        switch_grad(recorder, outside)


def unchanged_mode(*_: Any, **__: Any) -> GradMode:
    """Do what `torch.autograd.set_detect_anomaly` and the like do to results: nothing."""
    return GradMode(enabled=None)


def is_grad_enabled() -> bool:
    """Do what `torch.is_grad_enabled` does."""
    return torch.is_grad_enabled()


def make_variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """Do what `torch.autograd.Variable` does: return the tensor as a leaf."""
    if not isinstance(data, Tensor):
        raise TypeError(f"Variable takes a tensor, not a {type(data).__name__}")
    return data.detach().requires_grad_(bool(requires_grad))


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Tensor | None],
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool | None,
) -> Sequence[Tensor | None]:
    """Return the gradients that `torch.autograd.grad` returns.

    As in `backward`, a gradient of the outputs is not handed to torch, unless gradients flow on to it.

    Raises:
        ValueError: If such a gradient has another shape than its output.
    """
    with untraced():
        starts = []
        for output, own in zip(outputs, grad_outputs, strict=True):
            if own is not None and own.shape != output.shape:
                raise ValueError(f"its gradient has the shape {tuple(output.shape)}, not {tuple(own.shape)}")
            starts.append(output if own is None else (output * own.detach()).sum())
        flows_on = create_graph and any(own is not None and own.requires_grad for own in grad_outputs)
        return torch.autograd.grad(
            outputs if flows_on else starts,
            inputs,
            grad_outputs if flows_on else None,
            retain_graph,
            create_graph,
            allow_unused=allow_unused,
        )


def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    *,
    create_graph: bool = False,
) -> None:
    """Run a backward pass from a tensor.

    A gradient is not handed to torch, which would import a compiler for it: the pass starts from the sum of
    `tensor * gradient` instead, which has the same gradients.

    Raises:
        TypeError: If the gradient is not a tensor, or is to have a gradient itself.
        ValueError: If it has another shape than the tensor.
    """
    if create_graph:
        raise RefusalError("x.grad keeps no graph: write (g,) = torch.autograd.grad(y, x, create_graph=True)")
    if gradient is not None and not isinstance(gradient, Tensor):
        raise TypeError(f"a gradient is a tensor, not a {type(gradient).__name__}")
    if gradient is not None and gradient.shape != tensor.shape:
        raise ValueError(f"its gradient has the shape {tuple(tensor.shape)}, not {tuple(gradient.shape)}")
    with untraced():
        start = tensor if gradient is None else (tensor * gradient.detach()).sum()
        torch.autograd.backward(start, retain_graph=retain_graph)


def set_grad(tensor: Tensor, value: Tensor | None) -> None:
    """Do `tensor.grad = value`.

    Raises:
        TypeError: If the value is neither a tensor nor None.
        ValueError: If it has another shape or dtype than the tensor.
    """
    if value is not None and not isinstance(value, Tensor):
        raise TypeError(f"x.grad is a tensor or None, not a {type(value).__name__}")
    if value is not None and (value.shape != tensor.shape or value.dtype != tensor.dtype):
        raise ValueError(
            f"x.grad has the shape and type of x, {tuple(tensor.shape)} {tensor.dtype}, not "
            f"{tuple(value.shape)} {value.dtype}"
        )
    tensor.grad = value


def clear_gradients(recorder: TensorIndex, parameters: Iterable[Any], set_to_none: bool) -> None:
    """Do what `zero_grad` does: take the gradients of parameters away, or fill them with zeros."""
    for parameter in parameters:
        with untraced():  # the program doesn't read the gradients
            grad = parameter.grad if isinstance(parameter, Tensor) else None
            if set_to_none and grad is not None:
                parameter.grad = None
        if not set_to_none and grad is not None:
            with without_gradients(recorder):
                parameter.grad.zero_()


def set_data(tensor: Tensor, value: Tensor) -> None:
    """Do `tensor.data = value`: the tensor shares the value's memory, which autograd doesn't see.

    Raises:
        TypeError: If the value is not a tensor.
        ValueError: If it has another shape or dtype than the tensor.
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
        tensor.data = value


def set_requires_grad(tensor: Tensor, value: bool) -> None:
    """Do `tensor.requires_grad = value`."""
    tensor.requires_grad_(bool(value))
