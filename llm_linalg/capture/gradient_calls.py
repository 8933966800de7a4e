"""Calls of torch's autograd, `torch.autograd.Function` and hooks: how they are recorded.

Backward passes are no operations on cells. Where a function of the program computes a gradient, torch calls
it within a call of its own, where no function mode sees what is done. So these functions are recorded again
from there on. What `apply` returns is opaque: its cells are there, and a gradient goes back through it by
calling the function's own backward pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import getattr_static
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.modules._functions import BackwardHookFunction
from torch.utils.checkpoint import CheckpointFunction, _checkpoint_hook

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.capture.unseen_calls import unseen_calls
from llm_linalg.ops.fallback import UntoldOperation
from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record import ancestors
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.recorder import Recorder, is_recording, recording_again

_SAVED: Any = torch._C._FunctionBase.saved_tensors  # noqa: SLF001
_SAVE: Any = torch.autograd.function.FunctionCtx.save_for_backward
_APPLY: Any = getattr_static(Function, "apply")
_REGISTER: Any = Tensor.register_hook
_GRAD: Callable[..., Any] = torch.autograd.grad
_BACKWARD: Callable[..., Any] = Tensor.backward
_HISTORY: Any = Tensor.grad_fn.__get__  # type: ignore[union-attr]
# What `grad_fn.register_hook` and `saved_tensors_hooks` call, whose functions nobody can ask for later.
_STEP: Any = torch.autograd.function._HookMixin  # noqa: SLF001
_REGISTER_AT_STEP: Callable[..., Any] = _STEP._register_hook  # noqa: SLF001
_SAVED_HOOKS: Any = torch.autograd.graph.saved_tensors_hooks
_OPEN, _CLOSE = _SAVED_HOOKS.__enter__, _SAVED_HOOKS.__exit__
_TORCH = str(Path(torch.__file__).parent)


def gradient_handlers(recorder: Recorder) -> Mapping[Any, Callable[..., Any]]:
    """Return by torch's function what is called in its place, which gives the same and is recorded."""

    def backward(tensor: Tensor, *arguments: Any, **named: Any) -> None:
        recorder.run_backward(_BACKWARD, tensor, *arguments, **named)

    def grad(outputs: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        """Each gradient is a node, read from its input; torch hands over a tuple of them, whatever it got."""
        gradients = _GRAD(outputs, inputs, *arguments, **named)
        with untraced():
            for source, gradient in zip(inputs, gradients, strict=True):
                if isinstance(source, Tensor) and gradient is not None:
                    recorder.note_gradient(gradient, source)
        return gradients

    return {_BACKWARD: backward, _GRAD: grad}


class OwnGradients:
    """Records the functions and hooks of a program that torch calls for gradients."""

    def __init__(self, recorder: Recorder, scopes: CallScopes | None = None) -> None:
        self._recorder, self._scopes = recorder, scopes or CallScopes()
        self._kinds: dict[type, Any] = {}
        self._checkpoints = self._open_checkpoints = 0
        self._asked: list[RecordNode] = []  # of whose tensors the program has read what autograd knows

    @property
    def handlers(self) -> Mapping[Any, Callable[..., Any]]:
        """By torch's function what is called in its place, to note the program's hooks."""
        return {_REGISTER: self.register_hook, _HISTORY: self._history}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record calls of `apply` while the context is open, and note hooks of autograd's own steps."""

        def apply(kind: Any, *inputs: Any, **named: Any) -> Any:
            return self._apply(kind, *inputs) if is_recording() else _apply_of(kind)(*inputs, **named)

        def opened(hooks: Any) -> None:
            self._save(hooks, 1)
            _OPEN(hooks)

        def closed(hooks: Any, *error: object) -> None:
            self._save(hooks, -1)
            _CLOSE(hooks, *error)

        home: Any = Function
        home.apply, _SAVED_HOOKS.__enter__, _SAVED_HOOKS.__exit__ = classmethod(apply), opened, closed
        _STEP._register_hook = staticmethod(self._register_at_step)  # noqa: SLF001
        try:
            with unseen_calls(self._recorder):
                yield
        finally:
            home.apply, _SAVED_HOOKS.__enter__, _SAVED_HOOKS.__exit__ = _APPLY, _OPEN, _CLOSE
            _STEP._register_hook = staticmethod(_REGISTER_AT_STEP)  # noqa: SLF001

    def _history(self, tensor: Tensor) -> Any:
        """Do what `x.grad_fn` does, and take note that a hook may be set there, or at a step before it."""
        node = self._recorder.node_of(tensor)
        if node is not None:
            self._asked.append(node)
        return _HISTORY(tensor)

    def _recompute(self, change: int) -> None:
        """Note that a `checkpoint` begins or ends; of one within another the outer one counts."""
        self._open_checkpoints += change
        if not self._open_checkpoints:
            self._recorder.checkpoint = 0
        elif change > 0 and self._open_checkpoints == 1:
            self._checkpoints += 1
            self._recorder.checkpoint = self._checkpoints

    def _register_at_step(self, hooks: Any, hook: Any) -> Any:
        """Do what `grad_fn.register_hook` does: nobody tells at which step, nor what it does to gradients."""
        if not sys._getframe(1).f_code.co_filename.startswith(_TORCH):
            for node in ancestors(self._recorder.nodes, *self._asked):
                node.flows_on = node.flows_on or bool(node.operands)
        return _REGISTER_AT_STEP(hooks, hook)

    def _save(self, hooks: Any, change: int) -> None:
        """Note that hooks of the program are opened or closed: a backward pass sees what they give back."""
        if isinstance(hooks, _checkpoint_hook):
            self._recompute(change)
        elif not str(getattr(hooks.pack_hook, "__module__", "")).startswith("torch."):
            self._recorder.saving_hooks += change

    def _apply(self, kind: Any, *inputs: Any) -> Any:
        """Do what `Function.apply` does, and record its results with the tensors to which a gradient goes."""
        if kind is CheckpointFunction:  # its backward pass does the same steps again
            heeds, self._recorder.heeds_grad_mode = self._recorder.heeds_grad_mode, False
            self._recompute(1)
            try:
                return _apply_of(kind)(*inputs)
            finally:
                self._recompute(-1)
                self._recorder.heeds_grad_mode = heeds
        own = self._kinds.get(kind)
        if own is None:
            own = self._kinds[kind] = self._watched(kind)
        outer = self._scopes.current
        self._scopes.current = outer.inner(kind.__name__)
        before = torch.get_rng_state()
        try:
            result = _apply_of(own)(*inputs)
            self._note(kind, inputs, result, before)
        finally:
            self._scopes.current = outer
        return result

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
            saved: tuple[Tensor | None, ...] = _SAVED.__get__(context)
        kept: Sequence[Tensor | None] = vars(context).get("kept_tensors", ())
        for item, original in zip(saved, kept, strict=False):  # of a result torch gives another tensor
            node = None if original is None else self._recorder.node_of(original)
            if item is not None and node is not None and self._recorder.node_of(item) is None:
                self._recorder.adopt(item, node)
        return saved

    def _note(self, kind: type, inputs: Sequence[Any], result: Any, before: Tensor) -> None:
        """Add nodes for what a function returned; `before` is the state of the generator before it."""
        recorder, made = self._recorder, _differentiable(result)
        if not made or not _differentiable(inputs):
            return
        known = [
            output for output in made if recorder.node_of(output) is not None
        ]  # by steps of its `forward`
        with untraced():
            state = None if torch.equal(before, torch.get_rng_state()) else before
        first = len(recorder.nodes)
        recorder.note_call(
            *(_Applied(kind), (known, *inputs), {}, made),
            operation=UntoldOperation(kind.__name__, "results, *inputs"),
            rng_state=state,
        )
        for node in recorder.nodes[first:]:
            node.flows_on = any(own is given for own in made for given in inputs)
            node.has_hook = kind is BackwardHookFunction  # a module's hooks stand where nobody sees them

    def register_hook(self, tensor: Tensor, hook: Any) -> Any:
        """Do what `x.register_hook` does: call a function of the program with the gradient of `x`."""
        node = self._recorder.hooked(tensor)

        def called(gradient: Tensor) -> Any:
            with recording_again(self._recorder):
                return hook(gradient)

        called.__name__ = str(getattr(hook, "__name__", "hook"))  # torch names it in its errors
        self._recorder.note_hook(called, hook)
        handle = _REGISTER(tensor, called)
        if node is not None and getattr(hook, "__module__", "") != "torch.autograd.graph":  # those only look
            node.hooks = (*node.hooks, hook)
            take_off = handle.remove

            def remove() -> None:
                take_off()
                node.hooks = tuple([own for own in node.hooks if own is not hook])

            handle.remove = remove
        return handle


@dataclass(frozen=True, slots=True)
class _Applied:
    """The function of a call of `apply`, whose first argument is what steps of it gave as results."""

    kind: type

    def __call__(self, _results: Sequence[Tensor], *inputs: Any) -> tuple[Tensor, ...]:
        return _differentiable(_apply_of(self.kind)(*inputs))


def _differentiable(values: Any) -> tuple[Tensor, ...]:
    """Return the tensors among some values, or a value, that a gradient flows through."""
    several = values if isinstance(values, tuple) else (values,)
    return tuple([value for value in several if isinstance(value, Tensor) and has_gradient(value)])


def _apply_of(kind: Any) -> Callable[..., Any]:
    """Return torch's own `apply` of a function."""
    bound: Callable[..., Any] = _APPLY.__get__(None, kind)
    return bound


def _save(context: Any, *tensors: Any) -> None:
    """Do what `ctx.save_for_backward` does, and keep the tensors for who asks for their nodes."""
    context.kept_tensors = tensors
    _SAVE(context, *tensors)
