"""The two front doors: `run` for anyone's text, `trace` for trusted Python."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from llm_linalg import node as recorded
from llm_linalg.api.node import Node
from llm_linalg.api.trace import Trace
from llm_linalg.collecting import old_objects_kept
from llm_linalg.errors import HaltedError, LimitError, ProgramError, ShapeError, innermost
from llm_linalg.generator import seeded
from llm_linalg.keeping import BUDGET
from llm_linalg.language.budget import SECONDS, Budget, never
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.printing import CHOSEN
from llm_linalg.language.source import Source
from llm_linalg.lasting import comes_by_again, lasting
from llm_linalg.memory import version
from llm_linalg.node import N
from llm_linalg.ops.arguments import tensors_in
from llm_linalg.places import Places, frames_of, named_in, owner_of
from llm_linalg.ranks import Group, InTurn, chosen, in_turn, joined
from llm_linalg.recorder import Recorder
from llm_linalg.repairs import repairs
from llm_linalg.shapes import explain, explain_call
from llm_linalg.tracing import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIAL: Mapping[str, Any] = {
    "steps": 20_000,
    "tensors": 500,
    "elements": 2**20,
    "multiplications": 2**28,
}
_SHORT = 10_000  # steps: some milliseconds
_OWN_BUDGET: Mapping[str, Any] = {
    "steps": 2**40,
    "tensors": 2**20,
    "elements": 2**31,
    "multiplications": 2**44,
    "call_elements": 2**31,
    "call_multiplications": 2**44,
    "seconds": None,
}


def run(
    source: str,
    *,
    seed: int = 0,
    seconds: float | None = SECONDS,
    names: Mapping[str, Any] | None = None,
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    ranks: int = 0,
) -> Trace:
    """Run a program in the tensor language and return its trace.

    The text may be anyone's: it is interpreted over an allow-list, never executed. Of runs in several threads
    one waits for the other, since they draw from torch's one generator.

    Args:
        source: The program.
        seed: What ``torch.manual_seed`` is called with before it; torch's own generator is left as it was.
        seconds: How long it may run; None if counts alone decide, which are the same on every machine.
        names: Plain values that the program may use, such as a lesson's controls.
        cells: Lines, from 1, at which its cells begin, if it has cells. As in a notebook, one that fails is
            passed over from there on, and is in the trace's `refused`; but the last one has to run.
        halt: Asked before each torch call and every hundred steps; once it says yes, the run ends.
        ranks: If not 0: it is run on so many devices, in turn and in this process; see `llm_linalg.ranks`.
            The trace is that of the device whose number is given as the name ``rank``, else of the first;
            its `ranks` are those of all.

    Raises:
        ProgramError: If it can't be read or run, with line, column and caret; its `trace` is what ran.
        ShapeError: If operands don't fit, with the clashing axes and repairs that work.
        LimitError: If one of its calls, or all it does, is more than the budget allows, or its time is over.
        HaltedError: If it was stopped.
    """
    try:
        if not ranks:
            return Trace.of(
                execute(source, seed, names or {}, cells=cells, halt=halt, seconds=seconds, node_type=Node)
            )
        records = _on_devices(source, seed, names or {}, cells, halt, ranks, seconds)
        return chosen(tuple(map(Trace.of, records)), names or {})
    except ProgramError as error:
        error.trace = None if error.trace is None else Trace.of(error.trace)
        raise


@old_objects_kept()
def _on_devices(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    cells: Sequence[int],
    halt: Callable[[], bool] | None,
    ranks: int,
    seconds: float | None,
) -> tuple[Record[Node], ...]:
    """Run a program on several devices, which share one budget; return the record of each."""
    read = Source(source)
    budget = Budget(seconds=seconds, halt=halt or never)

    def one(given: Mapping[str, Any], device: InTurn) -> Record[Node]:
        with seeded(seed):
            return _executed(read, seed, given, budget, cells=cells, group=device, node_type=Node)

    with quiet(seed):
        return in_turn(one, names, ranks)


@old_objects_kept()
def execute(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    known: Mapping[str, recorded.Node] | None = None,
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    group: Group | None = None,
    *,
    seconds: float | None = SECONDS,
    node_type: type[N],
) -> Record[N]:
    """Run a program whose names may also be tensors of another trace's nodes (``known``).

    Such a program is our own, made from a trace that exists: its size is that trace's, and not bounded again.
    """
    checked = Source(source, bounded=known is None)
    bounds = {"seconds": seconds} if known is None else _OWN_BUDGET
    budget = Budget(**bounds, halt=halt or never)
    with quiet(seed):
        return _executed(
            checked, seed, names, budget, known=known, cells=cells, group=group, node_type=node_type
        )


def _executed(
    checked: Source,
    seed: int,
    names: Mapping[str, Any],
    budget: Budget,
    *,
    known: Mapping[str, recorded.Node] | None = None,
    cells: Sequence[int] = (),
    group: Group | None = None,
    trial: bool = False,
    node_type: type[N],
) -> Record[N]:
    """As `execute`, of a text that has been read, with what it may take, and the generator as it is.

    Of a trial only the beginning is run, and no repairs are looked for.
    """
    tensors = {name: node.value for name, node in (known or {}).items()}
    interpreter = Interpreter(
        checked, {**names, **tensors}, budget, explain, None if trial else repairs, node_type
    )
    for name, node in (known or {}).items():
        interpreter.recorder.know(tensors[name], node)
    group = group or InTurn()
    group.records(interpreter.recorder, budget.charge_copy)
    try:
        with joined(group):
            interpreter.run(cells)
        trace: Record[N] = _traced(interpreter, seed)
    except ProgramError as error:
        error.trace = _traced(interpreter, seed, failed=True)
        error.trace.failed = error.line
        if isinstance(error, ShapeError) and not trial and _tries_whole(interpreter, error, names):
            error.repairs = lasting(error, lambda text: _tried(text, seed, names, budget, cells))
        raise
    trace.lists = {
        name: tuple(value)
        for name, value in interpreter.names.items()
        if isinstance(value, list | tuple) and value and all(isinstance(word, str) for word in value)
    }
    return trace


def _tried(text: str, seed: int, names: Mapping[str, Any], budget: Budget, cells: Sequence[int]) -> None:
    """Run the beginning of a program, as far as is left of what a budget has for what is tried.

    Raises:
        ProgramError: What the program does.
        LimitError: If it has not ended by then.
    """
    trial = budget.trial(len(text), **_TRIAL)
    try:
        with quiet(seed):
            _executed(Source(text), seed, names, trial, cells=cells, trial=True, node_type=Node)
    finally:
        budget.trials -= trial.steps_used


def _tries_whole(interpreter: Interpreter, error: ShapeError, names: Mapping[str, Any]) -> bool:
    """Whether the program is run again with each repair: it may come by again, and has done little so far."""
    short = interpreter.budget.steps_used <= _SHORT
    plain = all(isinstance(value, int | float | str | tuple) for value in names.values())
    return bool(error.repairs) and short and plain and comes_by_again(interpreter.source, error)


def _traced(interpreter: Interpreter, seed: int, *, failed: bool = False) -> Record[Any]:
    """Return the trace of what a program did, also if it failed."""
    printed = "".join(interpreter.printed)
    trace = interpreter.recorder.finish(interpreter.source.text, seed, printed, failed=failed)
    trace.lines = dict(interpreter.lines)
    trace.refused = interpreter.refused
    return trace


def evaluated(expression: str, seed: int = 0) -> Any:
    """Return the value of one expression of the tensor language; a tuple for several, as in Python.

    Raises:
        ProgramError: If it is none, or can't be run.
    """
    checked = Source(expression)
    body = checked.tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        said = expression[:60] or "an empty text"
        raise ProgramError(f"{said} is not an expression, such as torch.randn(2, 5, 8)")
    interpreter = Interpreter(checked, {}, Budget(), explain)
    interpreter.budget.start()
    with quiet(seed), interpreter.recorder:
        return interpreter.evaluate(body[0].value)


def trace(
    function: Callable[..., Any],
    *inputs: Any,
    seed: int = 0,
    keep: int | None = BUDGET,
    around: int | None = None,
    halt: Callable[[], bool] | None = None,
) -> Trace:
    """Run any Python callable that uses torch, and return the trace of its torch calls.

    This runs the function: it is for code that you trust. Nodes of inputs are named after the
    parameters, and others after the local variables that hold them when the function returns,
    or else after the one that they were assigned to; a module's parameters as the module names them.
    What runs in C++ alone, such as a scripted module, in another thread, or inside ``torch.vmap`` and
    its like is not recorded; what it gives comes in as an input.

    Args:
        function: A function, a method or an ``nn.Module``.
        inputs: Its arguments.
        seed: What ``torch.manual_seed`` is called with before it.
        keep: The most bytes of the values that are kept (None: all). Of the nodes beyond it, `dropped` is
            true: they know their shape, and the trace's `recomputed` runs the function again for them.
        around: The position of a node around which values are kept; the last ones unless given.
        halt: Is asked at each torch call whether the run is to end.

    Raises:
        HaltedError: If it was stopped.
        LimitError: If it makes more calls than a trace can hold.
        ProgramError: If a torch call fails, with the frames that led to it.
        ShapeError: If that is since its operands don't fit.
    """
    places = Places(function)
    recorder = Recorder(places.here, None, keep, around, halt)
    recorder.node_type = Node

    def name_locals() -> None:
        for name, tensor in places.locals():
            if recorder.node_of(tensor) is not None:
                recorder.bind(name, tensor)

    recorder.before_drop = lambda: name_locals() if places.many else None
    for name, value in _named_inputs(function, inputs):
        if isinstance(value, Tensor):
            recorder.bind(name, value)

    def label(module: Any, path: str = "") -> None:
        for name, tensor in _parameters(module):
            recorder.label(tensor, f"{path}.{name}" if path else name)

    label(function)
    places.met = label
    rerun = _again(function, inputs, lambda at: trace(function, *inputs, seed=seed, keep=keep, around=at))
    with seeded(seed), old_objects_kept():
        try:
            with recorder, places.following():
                function(*inputs)
        except (HaltedError, LimitError) as error:  # the recorder's own
            frames = frames_of(error.__traceback__)
            ended = type(error)(error.message, *innermost(frames))
            ended.frames = frames
            raise ended from None
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if recorder.failed is None or recorder.failure is not error:
                raise  # the function's own, whatever torch refused before it
            held = named_in(error.__traceback__)
            names = [recorder.labelled(tensor) or held.get(id(tensor)) for tensor in recorder.failed.tensors]
            raise explain_call(recorder.failed, error, frames_of(error.__traceback__), names) from error
    name_locals()
    recorder.name_targets()
    found = Trace.of(recorder.finish("", seed))
    found.rerun = rerun
    return found


def _again(
    function: Callable[..., Any], inputs: tuple[Any, ...], run_again: Callable[[int], Trace]
) -> Callable[[int], Trace]:
    """Return what runs a function again, unless the tensors that it is given have been written by then."""
    given = dict(_parameters(function))
    for name, value in _named_inputs(function, inputs):
        for place, tensor in enumerate(tensors_in(value)):
            given[name if tensor is value else f"{name}[{place}]"] = tensor
    were = list(map(_state, given.values()))

    def rerun(at: int) -> Trace:
        for (name, tensor), was in zip(given.items(), were, strict=True):
            if _state(tensor) != was:
                raise ProgramError(f"{name} has been written since: the function would give other values")
        return run_again(at)

    return rerun


def _state(tensor: Tensor) -> tuple[object, ...]:
    """Return what is another once a tensor was written, or its gradient."""
    several = [item for item in (tensor, tensor.grad) if item is not None]
    return tuple([(id(item), version(item)) for item in several])


@contextmanager
def quiet(seed: int) -> Iterator[None]:
    """As `seeded`, without torch's advice, which is for its own users, and with torch's way of printing."""
    options = CHOSEN.set(None)
    try:
        with seeded(seed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        CHOSEN.reset(options)


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
