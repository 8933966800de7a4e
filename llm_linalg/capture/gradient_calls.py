"""Calls of torch's autograd, `torch.autograd.Function` and hooks: how they are recorded.

Backward passes are no operations on cells. Where a function of the program computes a gradient, torch calls
it within a call of its own, where no function mode sees what is done. So these functions are recorded again
from there on. What `apply` returns is opaque: its cells are there, and no gradient is followed back through
it, nor through a tensor whose gradient a hook has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import getattr_static
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.ops import TABLE
from llm_linalg.ops.fallback import UntoldOperation, untold
from llm_linalg.recording.recorder import Recorder, is_recording, recording_again

_SAVED: Any = torch._C._FunctionBase.saved_tensors  # noqa: SLF001
_SAVE: Any = torch.autograd.function.FunctionCtx.save_for_backward
_APPLY: Any = getattr_static(Function, "apply")
_REGISTER: Any = Tensor.register_hook
_GRAD: Callable[..., Any] = torch.autograd.grad
_BACKWARD: Callable[..., Any] = Tensor.backward
_DATA: Callable[..., Any] = Tensor.data.__get__  # type: ignore[attr-defined]
_DETACH = TABLE.entries[Tensor.detach].operation


def gradient_handlers(recorder: Recorder) -> Mapping[Any, Callable[..., Any]]:
    """Return by torch's function what is called in its place, which gives the same and is recorded."""

    def data(tensor: Tensor) -> Tensor:  # a `detach` gives the same cells
        found: Tensor = _DATA(tensor)
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


class OwnGradients:
    """Records the functions and hooks of a program that torch calls for gradients."""

    def __init__(self, recorder: Recorder, scopes: CallScopes) -> None:
        self._recorder, self._scopes = recorder, scopes
        self._kinds: dict[type, Any] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record calls of `apply` while the context is open."""

        def apply(kind: Any, *inputs: Any, **named: Any) -> Any:
            return self._apply(kind, *inputs) if is_recording() else _apply_of(kind)(*inputs, **named)

        home: Any = Function
        home.apply = classmethod(apply)
        try:
            yield
        finally:
            home.apply = _APPLY

    def _apply(self, kind: Any, *inputs: Any) -> Any:
        """Do what `Function.apply` does, and record its results with the tensors to which a gradient goes."""
        own = self._kinds.get(kind)
        if own is None:
            own = self._kinds[kind] = self._watched(kind)
        outer = self._scopes.current
        self._scopes.current = outer.inner(kind.__name__)
        try:
            found = _apply_of(own)(*inputs)
            for output in found if isinstance(found, tuple) else (found,):
                if isinstance(output, Tensor) and output.requires_grad:
                    self._note(kind, inputs, output)
        finally:
            self._scopes.current = outer
        return found

    def _watched(self, kind: Any) -> Any:
        """Return a class like a function's, whose `backward` is recorded."""

        def backward(context: Any, *gradients: Any) -> Any:
            with recording_again(self._recorder):
                return kind.backward(context, *gradients)

        members = {"backward": staticmethod(backward), "__module__": kind.__module__}
        own = type(kind.__name__, (kind,), members)
        context: Any = vars(own)["_backward_cls"]
        context.save_for_backward = _save
        context.saved_tensors = property(self._saved)
        return own

    def _saved(self, context: Any) -> tuple[Tensor | None, ...]:
        """Return what `ctx.saved_tensors` is: torch says so if one was changed, or given up."""
        with untraced():
            found: tuple[Tensor | None, ...] = _SAVED.__get__(context)
        kept: Sequence[Tensor | None] = vars(context).get("kept_tensors", ())
        for item, original in zip(found, kept, strict=False):  # of a result torch gives another tensor
            node = None if original is None else self._recorder.node_of(original)
            if item is not None and node is not None and self._recorder.node_of(item) is None:
                self._recorder.adopt(item, node)
        return found

    def _note(self, kind: Any, inputs: Sequence[Any], output: Tensor) -> None:
        known = self._recorder.node_of(output) is not None  # as the result of a step of its `forward`
        sources = [value for value in (output if known else None, *inputs) if isinstance(value, Tensor)]
        self._recorder.note_result(output, sources, UntoldOperation(kind.__name__, "*args"), untold)

    def register_hook(self, tensor: Tensor, hook: Any) -> Any:
        """Do what `x.register_hook` does: call a function of the program with the gradient of `x`."""
        node = self._recorder.node_of(tensor)

        def called(gradient: Tensor) -> Any:
            with recording_again(self._recorder):
                found = hook(gradient)
            if found is not None and node is not None:
                node.has_hook = True
            return found

        called.__name__ = str(getattr(hook, "__name__", "hook"))  # torch names it in its errors
        return _REGISTER(tensor, called)


def _apply_of(kind: Any) -> Callable[..., Any]:
    """Return torch's own `apply` of a function."""
    found: Callable[..., Any] = _APPLY.__get__(None, kind)
    return found


def _save(context: Any, *tensors: Any) -> None:
    """Do what `ctx.save_for_backward` does, and keep the tensors for who asks for their nodes."""
    context.kept_tensors = tensors
    _SAVE(context, *tensors)
