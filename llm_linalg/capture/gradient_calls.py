"""Calls of torch's autograd, which are no operations on cells: how they are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops import TABLE
from llm_linalg.recording.recorder import Recorder

_GRAD: Callable[..., Any] = torch.autograd.grad
_BACKWARD: Callable[..., Any] = Tensor.backward
_DATA: Callable[..., Any] = Tensor.data.__get__  # type: ignore[attr-defined]
_DETACH = TABLE.entries[Tensor.detach].operation


def gradient_handlers(recorder: Recorder) -> Mapping[Any, Callable[..., Any]]:
    """Return by torch's function what is called in its place, which gives the same and is recorded."""

    def data(tensor: Tensor) -> Tensor:  # a `detach` gives the same cells
        found: Tensor = _DATA(tensor)
        if not recorder.is_paused:
            recorder.note_result(found, [tensor], _DETACH, Tensor.detach)
            recorder.nodes[-1].note_inner()
        return found

    def backward(tensor: Tensor, *arguments: Any, **named: Any) -> None:
        recorder.run_backward(_BACKWARD, tensor, *arguments, **named)

    def grad(outputs: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        """Each gradient is a node, read from its input."""
        found = _GRAD(outputs, inputs, *arguments, **named)
        gradients = found.values() if isinstance(found, dict) else found
        several = [inputs] if isinstance(inputs, Tensor) else inputs
        sources = several.values() if isinstance(several, dict) else several
        with untraced():
            for source, gradient in zip(sources, gradients, strict=True):
                if isinstance(source, Tensor) and gradient is not None:
                    recorder.note_gradient(gradient, source)
        return found

    return {_BACKWARD: backward, _GRAD: grad, _DATA: data}
