"""`torch.autograd.Function` and hooks: gradients that a function of the program computes.

torch calls the program within a call of its own, where no function mode sees what is done. So these functions
are recorded again from there on. What `apply` returns gets a node whose gradient goes where the program's
`backward` says; whoever asks for it once the run has ended has that called, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from inspect import getattr_static
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.ops.own_gradient import given_result, own_gradient
from llm_linalg.recording.recorder import Recorder, is_recording, recording_again

_SAVED: Any = torch._C._FunctionBase.saved_tensors  # noqa: SLF001
_SAVE: Any = torch.autograd.function.FunctionCtx.save_for_backward
_APPLY: Any = getattr_static(Function, "apply")
_REGISTER: Any = Tensor.register_hook
Apart = Callable[[], AbstractContextManager[None]]


class OwnGradients:
    """Records the functions and hooks of a program that torch calls for gradients.

    Args:
        recorder: Records the torch calls.
        scopes: The calls of functions that are running.
        apart: Returns a context in which functions of the program run once the run has ended.
    """

    def __init__(self, recorder: Recorder, scopes: CallScopes, apart: Apart) -> None:
        self._recorder, self._scopes, self._apart = recorder, scopes, apart
        self._kinds: dict[type, Any] = {}
        self._results: Any = None

    @property
    def handlers(self) -> Mapping[Any, Callable[..., Any]]:
        """By torch's function, what is called in its place."""
        return {_REGISTER: self.register_hook}

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

    # Functions

    def _apply(self, kind: Any, *inputs: Any) -> Any:
        """Do what `Function.apply` does, and record its results with the tensors to which a gradient goes."""
        own = self._kinds.get(kind)
        if own is None:
            own = self._kinds[kind] = self._watched(kind)
        outer = self._scopes.current
        self._scopes.current = outer.inner(kind.__name__)
        try:
            found = _apply_of(own)(*inputs)
            self._note(kind, inputs, found)
        finally:
            self._scopes.current, self._results = outer, None
        return found

    def _watched(self, kind: Any) -> Any:
        """Return a class like a function's, whose results are known, and whose `backward` is recorded."""

        def forward(*arguments: Any) -> Any:
            self._results = kind.forward(*arguments)
            return self._results

        def backward(context: Any, *gradients: Any) -> Any:
            with recording_again(self._recorder):
                return kind.backward(context, *gradients)

        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        own = type(kind.__name__, (kind,), {**members, "__module__": kind.__module__})
        context: Any = vars(own)["_backward_cls"]
        context.save_for_backward = _save
        context.saved_tensors = property(self._saved)
        return own

    def _saved(self, context: Any) -> tuple[Tensor | None, ...]:
        """Return what `ctx.saved_tensors` is: torch says so if one was changed, or given up."""
        kept: Sequence[Tensor | None] = vars(context).get("kept_tensors", ())
        if vars(context).get("has_ended"):
            return tuple([None if item is None else item.detach() for item in kept])
        with untraced():
            found: tuple[Tensor | None, ...] = _SAVED.__get__(context)
        for item, original in zip(found, kept, strict=False):  # of a result torch gives another tensor
            node = None if original is None else self._recorder.node_of(original)
            if item is not None and node is not None and self._recorder.node_of(item) is None:
                self._recorder.adopt(item, node)
        return found

    def _note(self, kind: Any, inputs: Sequence[Any], outputs: Any) -> None:
        given = [value for value in inputs if isinstance(value, Tensor)]
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        results = self._results if isinstance(self._results, tuple) else (self._results,)
        for place, (output, result) in enumerate(zip(several, results, strict=False)):
            if isinstance(output, Tensor) and isinstance(result, Tensor):
                with untraced():
                    context = output.grad_fn
                if context is not None:
                    pull = partial(self._pull, kind, context, inputs, several, place)
                    operation = own_gradient(kind.__name__, pull)
                    self._recorder.note_result(output, [result, *given], operation, given_result)

    def _pull(
        self, kind: Any, context: Any, inputs: Sequence[Any], outputs: Sequence[Tensor], output: int,
        cotangent: Tensor, place: int,
    ) -> Tensor:  # fmt: skip
        """Return the cotangent of a tensor that a function was given, once the run has ended.

        Args:
            kind: The function's class.
            context: The context of its call.
            inputs: What it was given.
            outputs: Its results.
            output: Which of them has the cotangent.
            cotangent: The cotangent of that result.
            place: Which of the tensors that it was given, counted from 1.
        """
        with self._apart(), torch.no_grad():
            context.has_ended = True
            gradients = [torch.zeros_like(result) for result in outputs]
            gradients[output] = cotangent
            found = kind.backward(context, *gradients)
            several = found if isinstance(found, tuple) else (found,)
            tensors = [number for number, value in enumerate(inputs) if isinstance(value, Tensor)]
            gradient = several[tensors[place - 1]]
            return torch.zeros_like(inputs[tensors[place - 1]]) if gradient is None else gradient.detach()

    # Hooks

    def register_hook(self, tensor: Tensor, hook: Any) -> Any:
        """Do what `x.register_hook` does: call a function of the program with the gradient of `x`."""
        node = self._recorder.node_of(tensor)
        steps: list[Callable[[Tensor], Tensor]] = []
        if node is not None:
            node.gradient_hooks = steps = node.gradient_hooks or steps

        def later(cotangent: Tensor) -> Tensor:
            with self._apart(), torch.no_grad():
                found = hook(cotangent)
                return cotangent if found is None else found.detach()

        def called(gradient: Tensor) -> Any:
            with recording_again(self._recorder):
                found = hook(gradient)
            if found is not None and later not in steps:
                steps.append(later)
            return found

        called.__name__ = str(getattr(hook, "__name__", "hook"))  # torch names it in its errors
        handle = _REGISTER(tensor, called)
        remove = handle.remove

        def forget() -> None:
            remove()
            if later in steps:
                steps.remove(later)

        handle.remove = forget
        return handle


def _apply_of(kind: Any) -> Callable[..., Any]:
    """Return torch's own `apply` of a function."""
    found: Callable[..., Any] = _APPLY.__get__(None, kind)
    return found


def _save(context: Any, *tensors: Any) -> None:
    """Do what `ctx.save_for_backward` does, and keep the tensors for who asks later."""
    context.kept_tensors = tensors
    _SAVE(context, *tensors)
