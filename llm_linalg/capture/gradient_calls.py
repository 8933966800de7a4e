"""Calls of torch's autograd, which are no operations on cells: how they are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.limits import Counts
from llm_linalg.ops import TABLE
from llm_linalg.recording.recorder import Recorder

_GRAD: Callable[..., Any] = torch.autograd.grad
_BACKWARD: Callable[..., Any] = Tensor.backward
_DATA: Callable[..., Any] = Tensor.data.__get__  # type: ignore[attr-defined]
_DETACH = TABLE.entries[Tensor.detach].operation


class GradientCalls:
    """What is done in place of torch's backward passes, which gives the same.

    Args:
        recorder: Records the torch calls.
        counts: What the program may do.
    """

    def __init__(self, recorder: Recorder, counts: Counts) -> None:
        self._recorder, self._counts = recorder, counts

    @property
    def handlers(self) -> Mapping[Any, Callable[..., Any]]:
        """By torch's function, what is called in its place."""
        return {_BACKWARD: self.backward, _GRAD: self.grad, _DATA: self.data}

    def data(self, tensor: Tensor) -> Tensor:
        """Do what `tensor.data` does: it is recorded as a `detach`, which gives the same cells."""
        self._counts.charge_query()
        data: Tensor = _DATA(tensor)
        self._recorder.note_result(data, [tensor], _DETACH, Tensor.detach)
        self._recorder.nodes[-1].note_inner()
        return data

    def backward(self, tensor: Tensor, *arguments: Any, **named: Any) -> None:
        """Do what `tensor.backward()` does."""
        self._counts.charge_query()
        self._recorder.run_backward(_BACKWARD, tensor, *arguments, **named)

    def grad(self, outputs: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        """Do what `torch.autograd.grad` does; each gradient is a node, read from its input."""
        self._counts.charge_query()
        found = _GRAD(outputs, inputs, *arguments, **named)
        gradients = found.values() if isinstance(found, dict) else found
        with untraced():
            for source, gradient in zip(_several(inputs), gradients, strict=True):
                if isinstance(source, Tensor) and gradient is not None:
                    self._recorder.note_gradient(gradient, source)
        return found


def _several(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return list(value) if isinstance(value, list | tuple) else [value]
