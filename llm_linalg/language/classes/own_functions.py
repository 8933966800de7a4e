"""`torch.autograd.Function` and hooks: gradients that a function of the program computes.

A class of the program that is made from `Function` is called by its `apply`. Its `forward` is interpreted as
everything is, without gradients; a function of torch's own ties what it returns to its `backward`. When a
backward pass comes there, the interpreter runs `backward`. So torch decides what is called and when, and
nothing of the program's is ever handed to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.budget import Budget
from llm_linalg.language.classes.descriptors import ClassMethod, Property, StaticMethod
from llm_linalg.language.classes.program_class import MISSING, ProgramClass, make_class
from llm_linalg.language.classes.reflection import is_callable, name_of
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction, RunMethod
from llm_linalg.ops.own_gradient import given_result, own_gradient
from llm_linalg.ops.price import Price
from llm_linalg.recording import scopes
from llm_linalg.recording.recorder import is_recording, recording_again

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MOST_INPUTS = 100  # of a function
MOST_PASSES = 10  # backward passes, each of which runs within the one before
_STEPS = 60
_NO_PRICE = Price(0, 0, 0, 0, 0, _STEPS, 0)  # its backward is charged step by step


class _Tied(torch.autograd.Function):
    """A function of autograd's graph that hands both its ways to a call of the program's function."""

    @staticmethod
    def forward(context: Any, call: FunctionCall, *inputs: Any) -> Any:
        context.own = call
        return call.forward(context, inputs)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        return (None, *context.own.backward(gradients))


@lru_cache(1_000)
def _tied(title: str) -> Any:
    """Return the function whose name in the graph is a class's, such as `SquareBackward`."""
    return type(title, (_Tied,), {})


class FunctionCall:
    """One call of a function of the program that has its own gradient.

    Args:
        run: The run.
        kind: Its class.
    """

    def __init__(self, run: Interpreter, kind: ProgramClass) -> None:
        self.run, self.kind = run, kind
        self.native: Any = None
        self.saved: tuple[Tensor | None, ...] = ()
        self.needs: tuple[bool, ...] = ()
        self.results: tuple[Tensor, ...] = ()
        self.inputs: Sequence[Any] = ()
        self.has_ended = False  # torch has let go of what was saved; it is kept here for who asks later
        self.context: Any = _CONTEXT()
        object.__setattr__(self.context, "call", self)

    def _function(self, name: str) -> Any:
        """Return a function of the class.

        Raises:
            NotImplementedError: If it has none.
        """
        found = self.kind.find(name)
        if found is MISSING:
            raise NotImplementedError(
                f"a class made from autograd.Function defines {name} as a static method"
            )
        return found.function if isinstance(found, StaticMethod) else found

    def forward(self, native: Any, inputs: Sequence[Any]) -> Any:
        """Run the program's `forward` without gradients; torch calls this."""
        self.native, self.inputs, self.needs = native, inputs, tuple(native.needs_input_grad[1:])
        with _as_program(self.run, gradients=False):
            if self.kind.find("setup_context") is MISSING:
                result = self.run.call(self._function("forward"), [self.context, *inputs])
            else:
                result = self.run.call(self._function("forward"), inputs)
                self.run.call(self._function("setup_context"), [self.context, tuple(inputs), result])
        several = result if isinstance(result, tuple) else (result,)
        if not several or not all(isinstance(item, Tensor) for item in several):
            raise TypeError("the forward of an autograd.Function returns a tensor, or a tuple of tensors")
        self.results = several
        return result

    def backward(self, gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Run the program's `backward`; torch calls this in the midst of a backward pass."""
        with _within_pass(self.run):
            return self._pulled(self.run, gradients)

    def _pulled(self, run: Interpreter, gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        found = run.call(self._function("backward"), [self.context, *gradients])
        several = list(found) if isinstance(found, tuple) else [found]
        if any(item is not None and not isinstance(item, Tensor) for item in several):
            raise TypeError("backward returns a tensor or None for each argument of forward")
        while len(several) > len(self.inputs) and several[-1] is None:
            several.pop()
        if len(several) != len(self.inputs):
            raise RuntimeError(
                f"function {self.kind.__name__}Backward returned an incorrect number of gradients"
                f" (expected {len(self.inputs)}, got {len(several)})"
            )
        return several

    def pull(self, cotangent: Tensor, place: int, output: int = 0) -> Tensor:
        """Return the cotangent of a tensor that the function was given, once the run has ended.

        Args:
            cotangent: That of one of the results.
            place: Which of the tensors, counted from 1.
            output: Which of the results.
        """
        self.has_ended = True
        gradients = [torch.zeros_like(result).detach() for result in self.results]
        gradients[output] = cotangent
        tensors = [number for number, value in enumerate(self.inputs) if isinstance(value, Tensor)]
        found = _asked_later(self.run, lambda run: self._pulled(run, gradients))[tensors[place - 1]]
        return torch.zeros_like(self.inputs[tensors[place - 1]]).detach() if found is None else found.detach()


@contextmanager
def _as_program(run: Interpreter, *, gradients: bool) -> Iterator[None]:
    """Run a part of the program from within one of torch's own calls, recorded and charged as ever."""
    outside, was = run.recorder.no_grad, torch.is_grad_enabled()
    current = run.current
    run.recorder.no_grad = not gradients
    try:
        if is_recording():
            yield
        else:
            with recording_again(run.recorder):
                yield
    finally:
        run.recorder.no_grad, run.current = outside, current
        with untraced():
            torch.set_grad_enabled(was)


@contextmanager
def _within_pass(run: Interpreter) -> Iterator[None]:
    """Run a part of the program from within a backward pass.

    Raises:
        LimitError: If that pass is within another, and so on: each takes a large part of torch's stack.
    """
    run.budget.step(_STEPS)
    if run.passes >= MOST_PASSES:
        raise LimitError(f"backward passes within each other, more than {MOST_PASSES} deep")
    run.passes += 1
    try:
        with _as_program(run, gradients=torch.is_grad_enabled()):
            yield
    finally:
        run.passes -= 1


def _asked_later(run: Interpreter, ask: Callable[[Interpreter], Any]) -> Any:
    """Ask a function of the program once the run has ended, within a budget of its own."""
    other = run.fork(run.source, Budget())
    other.current = run.current
    other.budget.start()
    with torch.no_grad(), other.recording():
        return ask(other)


def apply(run: Interpreter, kind: ProgramClass, *inputs: Any) -> Any:
    """Do what `Function.apply` does."""
    run.budget.step(_STEPS)
    if len(inputs) > MOST_INPUTS:
        raise LimitError(f"a function of {len(inputs):,} arguments; {MOST_INPUTS} are allowed")
    call, outer = FunctionCall(run, kind), run.scope
    run.scope = scopes.call_path(run.scope, kind.__name__, run.call_counts)
    try:
        found = run.recorder.run_priced(_NO_PRICE, _tied(kind.__name__).apply, call, *inputs)
        several = found if isinstance(found, tuple) else (found,)
        _note(call, several)
    finally:
        run.scope = outer
    return found


def _note(call: FunctionCall, outputs: Sequence[Tensor]) -> None:
    """Record the results, each with the tensors to which its gradient goes."""
    given = [value for value in call.inputs if isinstance(value, Tensor)]
    for place, (output, result) in enumerate(zip(outputs, call.results, strict=True)):
        with untraced():
            has_gradient = output.requires_grad
        if has_gradient:
            operation = own_gradient(call.kind.__name__, partial(call.pull, output=place))
            call.run.recorder.note_result(output, [result, *given], operation, given_result, _NO_PRICE)


def _call_of(context: Any) -> FunctionCall:
    found = vars(context).get("call")
    if not isinstance(found, FunctionCall):
        raise TypeError("this is not the context of a call")
    return found


def _save(_run: Interpreter, context: Any, *tensors: Any) -> None:
    """Do what `ctx.save_for_backward` does."""
    if not all(item is None or isinstance(item, Tensor) for item in tensors):
        raise TypeError("save_for_backward can only save variables: keep other values as ctx.name = value")
    call = _call_of(context)
    call.saved = tensors
    with untraced():
        call.native.save_for_backward(*tensors)


def _saved(run: Interpreter, context: Any) -> tuple[Tensor | None, ...]:
    """Do what `ctx.saved_tensors` does: torch says so if one was changed, or given up."""
    call = _call_of(context)
    if call.has_ended:
        return tuple([None if item is None else item.detach() for item in call.saved])
    with untraced():
        found: tuple[Tensor | None, ...] = call.native.saved_tensors
    for item, original in zip(found, call.saved, strict=False):  # of a result torch gives another tensor
        node = None if original is None else run.recorder.node_of(original)
        if item is not None and node is not None and run.recorder.node_of(item) is None:
            run.recorder.adopt(item, node)
    return found


def _mark(_run: Interpreter, context: Any, *outputs: Any) -> None:
    """Do what `ctx.mark_non_differentiable` does."""
    if not all(isinstance(item, Tensor) for item in outputs):
        raise TypeError("mark_non_differentiable takes tensors")
    with untraced():
        _call_of(context).native.mark_non_differentiable(*outputs)


def _materialize(_run: Interpreter, context: Any, value: Any) -> None:
    """Do what `ctx.set_materialize_grads` does."""
    _call_of(context).native.set_materialize_grads(bool(value))


def _refuse_writes(_run: Interpreter, _context: Any, *_: Any) -> None:
    raise RefusalError("mark_dirty is not part of the language: return a new tensor")


def _of_torch(name: str, members: Mapping[str, Any]) -> ProgramClass:
    """Return a class that every program has alike."""
    made = make_class(name, [object], dict(members), {})
    made.__members__ = MappingProxyType(made.__members__)  # type: ignore[assignment]
    made.is_shared = True
    return made


_CONTEXT_MEMBERS: Mapping[str, Callable[..., Any]] = {
    "save_for_backward": _save,
    "mark_non_differentiable": _mark,
    "set_materialize_grads": _materialize,
    "mark_dirty": _refuse_writes,
}
_CONTEXT: Any = _of_torch(
    "FunctionCtx",
    {
        **{name: RunMethod(name, does) for name, does in _CONTEXT_MEMBERS.items()},
        "saved_tensors": Property(RunFunction("saved_tensors", _saved)),
        "needs_input_grad": Property(
            RunFunction("needs_input_grad", lambda _run, context: _call_of(context).needs)
        ),
    },
)
FUNCTION = _of_torch("Function", {"apply": ClassMethod(RunFunction("apply", apply))})
"""`torch.autograd.Function`."""


class HookHandle:
    """What `register_hook` returns.

    Attributes:
        native: torch's own.
        forget: Forgets the hook in the gradient program, too.
    """

    __slots__ = ("forget", "native")

    def __init__(self, native: Any, forget: Callable[[], None]) -> None:
        self.native, self.forget = native, forget

    def __repr__(self) -> str:
        return "<torch.utils.hooks.RemovableHandle object>"


def register_hook(run: Interpreter, tensor: Tensor, hook: Any) -> HookHandle:
    """Do what `x.register_hook` does: call a function of the program with the gradient of `x`.

    Raises:
        RuntimeError: If the tensor has no gradient.
        TypeError: If the hook can't be called.
    """
    run.budget.step(_STEPS)
    if not is_callable(run, hook):
        raise TypeError(f"a hook is a function, not {short_repr(hook)}")
    node = run.recorder.node_of(tensor)
    steps: list[Callable[[Tensor], Tensor]] = []
    if node is not None:
        node.gradient_hooks = steps = node.gradient_hooks or steps
    own: list[Callable[[Tensor], Tensor]] = []

    def called(gradient: Tensor) -> Tensor | None:
        with _within_pass(run):
            found = _changed(run, hook, gradient)
        if found is not None and not own:
            own.append(lambda cotangent: _hooked_later(run, hook, cotangent))
            steps.extend(own)
        return found

    def forget() -> None:
        for step in own:
            steps.remove(step)
        own.clear()
        run.hooks.pop(called, None)

    called.__name__ = str(name_of(hook))  # torch names it in its errors
    of_torch: Any = tensor
    with untraced():
        native = of_torch.register_hook(called)
    run.hooks[called] = hook
    return HookHandle(native, forget)


def _changed(run: Interpreter, hook: Any, gradient: Tensor) -> Tensor | None:
    found = run.call(hook, [gradient])
    if found is not None and not isinstance(found, Tensor):
        raise TypeError("a hook returns a tensor, or None")
    return found


def _hooked_later(run: Interpreter, hook: Any, cotangent: Tensor) -> Tensor:
    found = _asked_later(run, lambda other: _changed(other, hook, cotangent))
    return cotangent if found is None else found.detach()


def _remove(handle: HookHandle) -> None:
    handle.native.remove()
    handle.forget()


REGISTER_HOOK = RunFunction("register_hook", register_hook)
HANDLE_METHODS: Mapping[str, Callable[..., Any]] = {"remove": _remove}
"""The methods of a handle."""
