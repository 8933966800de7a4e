"""Layers of torch's that a program makes: their parameters are inputs, and how they are filled is no step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch import nn, overrides

from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.capture.origins import Origins
from llm_linalg.capture.sites import FILE
from llm_linalg.recording.record_node import Origin
from llm_linalg.recording.recorder import Recorder

_current_mode: Callable[[], object] = overrides._get_current_function_mode  # noqa: SLF001
_MAKING = ("__init__", "initialize_parameters")
_MODULES = str(nn.__file__).rpartition("/")[0]  # where the code of torch's layers lies


class NewLayers:
    """The layers that were made and whose parameters have no nodes yet."""

    def __init__(self, recorder: Recorder, scopes: CallScopes, origins: Origins) -> None:
        self._recorder, self._scopes, self._origins = recorder, scopes, origins
        self._layers: list[tuple[nn.Module, Origin]] = []

    def on_parameter(self, module: nn.Module, _name: str, _parameter: Any) -> None:
        """Take note that a layer is being made; torch calls this for each of its parameters."""
        if _current_mode() is not self._recorder:  # in another thread
            return
        outermost: nn.Module = module
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != FILE:
            owner = frame.f_locals.get("self") if frame.f_code.co_name == "__init__" else None
            outermost = owner if isinstance(owner, nn.Module) else outermost
            frame = frame.f_back
        if frame is None or not is_torchs(outermost) or self._scopes.current.is_of_module:
            return  # a part of a module of the program's, which reads its parameters later
        if not any(known is outermost for known, _ in self._layers):
            self._layers.append((outermost, self._origins.current()))

    def note(self) -> None:
        """Record the parameters of layers that were made since; in a gap each comes in when it is used."""
        if not self._layers:
            return
        layers, self._layers = self._layers, []
        for layer, origin in layers if not self._recorder.is_paused else ():
            for parameter in layer.parameters():
                if self._recorder.node_of(parameter) is None and not nn.parameter.is_lazy(parameter):
                    self._recorder.input(parameter, None, "parameter", origin)

    def are_filled_by(self, frame: FrameType | None) -> bool:
        """Return whether a torch call, made from a frame, fills a layer that is made, or frees gradients."""
        inner = frame
        while inner is not None and (code := inner.f_code).co_filename != FILE:
            if code.co_name in _MAKING and code.co_filename.startswith(_MODULES):
                return True
            if code.co_name == "zero_grad" and inner.f_locals.get("set_to_none"):
                return True
            inner = inner.f_back
        self.note()
        return False


def is_torchs(layer: nn.Module) -> bool:
    """Return whether a layer's class is torch's own."""
    return layer.__class__.__module__.startswith("torch.")
