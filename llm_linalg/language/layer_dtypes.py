"""Layers in another dtype: `layer.to(torch.float64)`, `layer.half()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_linalg.base.untraced import untraced
from llm_linalg.language.budget import LAYER_VISIT_STEPS
from llm_linalg.language.module_count import count_layers
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.torch_functions import cpu_device

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter
    from llm_linalg.recording.record_node import RecordNode

_DTYPES = {
    "double": torch.float64,
    "float": torch.float32,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
}


def convert(run: Interpreter, layer: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Do what `layer.to(dtype)` does: give its weights and buffers of floats another dtype.

    As where a layer is made, the new weights are inputs of the trace: they stay the same parameters.

    Raises:
        RefusalError: If a weight has a gradient, which would be of the old dtype, or no shape yet.
        TypeError: If the dtype is none of floats.
    """
    if dtype not in _DTYPES.values():
        words = "nn.Module.to only accepts floating point or complex dtypes"
        raise TypeError(f"{words}, but got desired dtype={dtype}")
    run.budget.step(LAYER_VISIT_STEPS * count_layers(layer))
    for inner in layer.modules():
        for parameter in vars(inner)["_parameters"].values():
            if _is_other(parameter, dtype):
                if nn.parameter.is_lazy(parameter) or parameter.grad is not None:
                    raise RefusalError("a layer takes another dtype here before its first input and gradient")
                _convert_parameter(run, parameter, dtype)
        buffers = vars(inner)["_buffers"]
        for name, buffer in buffers.items():
            if _is_other(buffer, dtype):
                buffers[name] = _converted(run, buffer, dtype)
    return layer


def _is_other(tensor: Tensor | None, dtype: torch.dtype) -> bool:
    return tensor is not None and tensor.is_floating_point() and tensor.dtype is not dtype


def _convert_parameter(run: Interpreter, parameter: nn.Parameter, dtype: torch.dtype) -> None:
    run.budget.charge_elements(parameter.nelement())
    node = run.recorder.node_of(parameter)
    with untraced():
        parameter.data = parameter.data.to(dtype)
    _renew(run, parameter, parameter, node)


def _converted(run: Interpreter, buffer: Tensor, dtype: torch.dtype) -> Tensor:
    run.budget.charge_elements(buffer.nelement())
    node, label = run.recorder.node_of(buffer), run.recorder.label_of(buffer)
    with untraced():
        made = buffer.to(dtype)
    if label is not None:
        run.recorder.label(made, label)
    _renew(run, made, buffer, node)
    return made


def _renew(run: Interpreter, tensor: Tensor, old: Tensor, before: RecordNode | None) -> None:
    """Give a weight a node with its new values, under the names of the one that it had."""
    names = run.recorder.names_of(old)
    if before is not None:
        op = "parameter" if isinstance(tensor, nn.Parameter) else "input"
        run.recorder.note_input(tensor, before.bound_name, op)
    for name in names:
        run.recorder.bind(name, tensor)


def to(run: Interpreter, layer: nn.Module, *places: Any, device: Any = None, dtype: Any = None) -> nn.Module:
    """Do what `layer.to(…)` does, for a dtype and for the CPU, the only device."""
    for place in (*places, device, dtype):
        if isinstance(place, torch.dtype):
            convert(run, layer, place)
        elif place is not None:
            cpu_device(place)
    return layer


def _in(name: str, dtype: torch.dtype) -> RunFunction:
    def does(run: Interpreter, layer: nn.Module) -> nn.Module:
        return convert(run, layer, dtype)

    return RunFunction(name, does)


METHODS = {"to": RunFunction("to", to), **{name: _in(name, dtype) for name, dtype in _DTYPES.items()}}
