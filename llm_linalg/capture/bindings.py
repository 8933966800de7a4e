"""What a program binds and what its lines result in; the program itself calls these methods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.capture.new_layers import NewLayers, is_torchs
from llm_linalg.capture.sites import program_frame
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.recorder import Recorder

if TYPE_CHECKING:
    from llm_linalg.capture.numpy_steps import NumpySteps

_PLAIN = frozenset([int, float, bool, str, NoneType, list, tuple, dict])


class Bindings:
    """Gives nodes the names that the program binds to their tensors.

    Attributes:
        line_results: The node that each line bound, returned, or ended with.
        left_results: The tensor, of lines that did so last in a gap.
        last_value: The value of the last statement that was an expression, until somebody takes it.
    """

    def __init__(self, recorder: Recorder, scopes: CallScopes, layers: NewLayers) -> None:
        self._recorder, self._scopes, self._layers = recorder, scopes, layers
        self.line_results: dict[int, RecordNode] = {}
        self.left_results: dict[int, Tensor] = {}
        self.last_value: Any = None
        self.arrays: NumpySteps | None = None

    @contextmanager
    def apart(self, recorder: Recorder) -> Iterator[None]:
        """Tell another recorder while the context is open, and forget at its end what lines gave."""
        before = self._recorder, self.line_results, self.left_results
        self._recorder, self.line_results, self.left_results = recorder, {}, {}
        try:
            yield
        finally:
            self._recorder, self.line_results, self.left_results = before

    # Called by the program

    def bound(self, name: str, value: Any, line: int) -> Any:
        """Take note that a name was bound, or an item of what it is bound to written; return the value."""
        if value.__class__ in _PLAIN:
            return value
        tensor = value if self.arrays is None else self.arrays.tensor(value)
        if isinstance(tensor, Tensor):
            self._note(line, self._bind(name, tensor, line), tensor)
        elif isinstance(value, nn.Module):
            self.bind_weights(name, value)
        return value

    def each(self, name: str, value: Any) -> bool:
        """Take note that a comprehension bound a name; it is no result of its line."""
        if value.__class__ not in _PLAIN and isinstance(value, Tensor):
            self._bind(name, value)
        return True

    def stored(self, root: Any, path: str, text: str, line: int) -> None:
        """Take note that an attribute was written: the one at the end of a path from a value.

        `text` is the attribute as the program writes it.
        """
        *steps, name = path.split(".")
        for step in steps:
            root = _member(root, step)
        value = _member(root, name)
        if not isinstance(value, Tensor):
            return
        self._layers.note()
        if isinstance(root, nn.Module) and is_torchs(root):
            self._bind_again(root)
            return
        node = self._recorder.node_of(value)
        if node is not None and node.bound_name is None:
            node.bound_name = text
        self._note(line, node, value)

    def result(self, value: Any, line: int) -> Any:
        """Take note of the value of a line that binds nothing, and return it."""
        self.last_value = value
        if value.__class__ not in _PLAIN and isinstance(value, Tensor):
            self._layers.note()
            self._note(line, self._recorder.node_of(value), value)
        return value

    # Layers

    def bind_weights(self, name: str, layer: nn.Module) -> None:
        """Give the nodes of a layer's weights its name; a module's get their nodes where it reads them."""
        recorder = self._recorder
        if self._scopes.current.is_of_module:  # whoever binds the module itself names them
            return
        self._layers.note()
        is_lazy = not all(map(is_torchs, layer.modules()))
        for inner, tensor in chain(layer.named_parameters(), layer.named_buffers()):
            path = f"{name}.{inner}"
            is_empty = nn.parameter.is_lazy(tensor)  # it has no cells yet
            if not is_empty and (not is_lazy or recorder.node_of(tensor) is not None):
                recorder.bind(path, tensor)
            elif not self._scopes.current.path or recorder.label_of(tensor) is None:
                recorder.label(tensor, path)

    def _bind_again(self, layer: nn.Module) -> None:
        """Give a new weight of a layer its name from each name that the layer has."""
        frame = program_frame(2)
        for scope in () if frame is None else (frame.f_locals, frame.f_globals):
            for name in [name for name, value in scope.items() if value is layer]:
                self.bind_weights(name, layer)

    def _bind(self, name: str, value: Tensor, line: int | None = None) -> RecordNode | None:
        self._layers.note()
        return self._recorder.bind(name, value, line)

    def _note(self, line: int, node: RecordNode | None, tensor: Tensor) -> None:
        """Remember what a line gave: a tensor, and its node, unless it has none in a gap."""
        if node is not None:
            self.line_results[line] = node
            self.left_results.pop(line, None)
            if self._recorder.listener is not None:
                self._recorder.listener.line_result(line, node)
        elif self._recorder.is_paused:  # what it gave before is no longer its result
            self.line_results.pop(line, None)
            self.left_results[line] = tensor


def _member(owner: Any, name: str) -> Any:
    """Return what an attribute holds, without running code of the program's; None if that is not known."""
    if isinstance(owner, Tensor | type):
        return None
    with untraced():
        held = getattr(owner, "__dict__", {})
    for own in (held, held.get("_parameters"), held.get("_buffers"), held.get("_modules")):
        if isinstance(own, dict) and name in own:
            return own[name]
    return None
