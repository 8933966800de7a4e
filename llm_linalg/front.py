"""The two front doors: `run` for anyone's text, `trace` for trusted Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_linalg.language.budget import Budget
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.source import Source
from llm_linalg.node import Node
from llm_linalg.places import Places, owner_of
from llm_linalg.recorder import Recorder
from llm_linalg.shapes import explain, explain_call
from llm_linalg.tracing import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN = ("llm_linalg", "torch")
_OWN_BUDGET = {"total": 2**31, "work": 2**42, "tensors": 2**20}


def run(
    source: str, seed: int = 0, names: Mapping[str, Any] | None = None, cells: Sequence[int] = ()
) -> Trace:
    """Run a program in the tensor language and return its trace.

    The text may be anyone's: it is interpreted over an allow-list, never executed.

    Args:
        source: The program.
        seed: What ``torch.manual_seed`` is called with before it; torch's own generator is left as it was.
        names: Plain values that the program may use, such as a lesson's controls.
        cells: Lines, from 1, at which its cells begin, if it has cells. As in a notebook, one that fails is
            passed over from there on, and is in the trace's `refused`; but the last one has to run.

    Raises:
        ProgramError: If it can't be read or run, with line, column and caret.
        ShapeError: If operands don't fit, with the clashing axes and repairs that work.
        LimitError: If it asks for more than the budget.
    """
    return execute(source, seed, names or {}, cells=cells)


def execute(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    known: Mapping[str, Node] | None = None,
    cells: Sequence[int] = (),
) -> Trace:
    """Run a program whose names may also be tensors of another trace's nodes (``known``).

    Such a program is our own, made from a trace that exists: its size is that trace's, and not bounded again.
    """
    checked = Source(source, bounded=known is None)
    tensors = {name: node.value for name, node in (known or {}).items()}
    budget = Budget() if known is None else Budget(**_OWN_BUDGET)
    interpreter = Interpreter(checked, {**names, **tensors}, budget, explain)
    for name, node in (known or {}).items():
        interpreter.recorder.know(tensors[name], node)
    with _seeded(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's advice is for its own users
        refused = interpreter.run(cells)
    trace = interpreter.recorder.finish(checked.text, seed, "".join(interpreter.printed))
    trace.refused = tuple(refused)
    return trace


def trace(function: Callable[..., Any], *inputs: Any, seed: int = 0) -> Trace:
    """Run any Python callable that uses torch, and return the trace of its torch calls.

    This runs the function: it is for code that you trust. Nodes of inputs are named after the
    parameters, and others after the local variables that hold them when the function returns.

    Args:
        function: A function, a method or an ``nn.Module``.
        inputs: Its arguments.
        seed: What ``torch.manual_seed`` is called with before it.

    Raises:
        ShapeError: If operands of a torch call don't fit.
    """
    places = Places(function)
    recorder = Recorder(places.here)
    for name, value in _named_inputs(function, inputs):
        if isinstance(value, Tensor):
            recorder.bind(name, value)
    for name, parameter in _parameters(function):
        recorder.label(parameter, name)
    with _seeded(seed):
        try:
            with recorder, places.following():
                function(*inputs)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if recorder.failed is None:
                raise
            found = explain_call(recorder.failed, error, places.frames(error.__traceback__))
            raise found from error
    for name, tensor in places.locals():
        if recorder.node_of(tensor) is not None:
            recorder.bind(name, tensor)
    return recorder.finish("", seed)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # and no other device's
        yield


def _named_inputs(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    target = function.forward if isinstance(function, nn.Module) else function
    try:
        bound = signature(target).bind(*inputs)
        parameters = signature(target).parameters
    except (TypeError, ValueError):
        yield from ((f"input_{position}", value) for position, value in enumerate(inputs))
        return
    for name, value in bound.arguments.items():
        if parameters[name].kind is Parameter.VAR_POSITIONAL:
            yield from ((f"{name}_{position}", item) for position, item in enumerate(value))
        else:
            yield name, value


def _parameters(function: Callable[..., Any]) -> Iterator[tuple[str, Tensor]]:
    module = function if isinstance(function, nn.Module) else owner_of(function)
    if isinstance(module, nn.Module):
        yield from module.named_parameters()
        yield from module.named_buffers()
