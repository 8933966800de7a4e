"""The documented trace, and `trace`, which records trusted Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.analysis.attention import Head, attention_heads
from llm_linalg.analysis.axis_names import AxisNaming
from llm_linalg.analysis.block_diagram import BlockDiagram
from llm_linalg.analysis.gradients.gradient_program import backward
from llm_linalg.analysis.influence import Influence
from llm_linalg.analysis.lineage import Lineage
from llm_linalg.api.node import Node
from llm_linalg.base.axis_labels import AxisDeclarations, TensorLabels
from llm_linalg.base.cells import Cells, Index
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, StackFrame, innermost
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.base.rng import seed_rng
from llm_linalg.base.short_repr import short_repr
from llm_linalg.capture.gradient_calls import OwnGradients, gradient_handlers
from llm_linalg.capture.uncompiled import uncompiled
from llm_linalg.explain.shape_errors import explain_call
from llm_linalg.ops.arguments import tensors_in
from llm_linalg.recording.aliasing import version_of
from llm_linalg.recording.call_sites import CallSites, held_in, owner_of, variables_in
from llm_linalg.recording.collectives import exchanges
from llm_linalg.recording.ending import Ending, EndingKind
from llm_linalg.recording.record import Record, ancestors, descendants
from llm_linalg.recording.record_node import ALIAS, RecordNode
from llm_linalg.recording.recorder import Recorder
from llm_linalg.recording.retention import BUDGET
from llm_linalg.recording.scopes import settle_folds

FEW_NODES = 1_000  # of a trace whose parameters a lineage has without being asked


class Trace(Record[Node]):
    """What torch did for a program: its nodes and how they depend on each other."""

    @classmethod
    def of(cls, record: Record[Node]) -> Trace:
        """Return a record as a trace."""
        trace = cls(record.nodes, record.names, record.source, record.seed, record.printed)
        trace.cell_errors, trace.failed_line = record.cell_errors, record.failed_line
        trace.lists, trace.lines, trace.gaps = record.lists, record.lines, record.gaps
        trace.cells, trace.prints = record.cells, record.prints
        trace.ending, trace.files = record.ending, record.files
        return trace

    @cached_property
    def heads(self) -> tuple[Head[Node], ...]:
        """The attention heads of all layers, each with its `path`, `layer`, `head`, `batch` and `weights`.

        The weights are [queries, keys], whatever computed them: a softmax of scores, a call of
        `scaled_dot_product_attention`, or `nn.MultiheadAttention`.
        """
        return attention_heads(self)

    @cached_property
    def _gradients(self) -> dict[Node, Trace]:
        return {}

    def save(self, path: str | Path) -> None:
        """Write it into a file, whole or not at all; `load_trace` reads it, also where its program is not.

        Of what needs functions of the program's own (hooks, an `autograd.Function`), or some of torch that no
        rule describes, only the values are kept.

        Raises:
            OSError: If the file can't be written.
            ValueError: If it is the gradient of another trace, or too long.
        """
        from llm_linalg.tracefile import trace_file

        trace_file.save(self, Path(path))

    def backward(self, loss: str | Node, *, halt: Callable[[], bool] | None = None) -> Trace:
        """Return the gradient program of a node: each step in torch terms, such as `dW = dY.T @ X`.

        Args:
            loss: The node, or its name. The gradient of one with several cells is that of their sum.
            halt: Asked at each step whether to stop.

        Returns:
            A trace in which the gradient of a node is named `d` + the node's name.

        Raises:
            LookupError: If values that it depends on were dropped, or it flows through turns of a loop that
                were not recorded, or through what has no derivative, or none that is known, or needs numbers
                that were written over since, at which torch raises, or goes back with the new ones.
            ValueError: If the node is not floating-point.
            LimitError: If a step would take too much memory or time.
            HaltedError: If it was stopped.
        """
        node = self.node(loss)
        if node not in self._gradients:
            self.require_values(ancestors(self.nodes, node))
            with self.functions() if self.functions else nullcontext() as ask:
                self._gradients[node] = Trace.of(backward(self, node, halt, ask))
        return self._gradients[node]

    def lineage(
        self,
        node: str | Node,
        index: Index,
        parameters: bool | None = None,
        halt: Callable[[], bool] | None = None,
    ) -> LineageCells:
        """Return the cells of each node that a cell depends on, back to the inputs, as ranges.

        A cell that a mask set to 0, or to −inf before a softmax, carries nothing.

        Args:
            node: A node, or its name.
            index: Its cell.
            parameters: Whether to follow it into parameters, too; None for traces of up to 1,000 nodes.
            halt: Asked at each node whether to stop.

        Returns:
            By node, its cells; it says whether parameters were left out.

        Raises:
            HaltedError: If `halt` stopped it.
            LookupError: If values that it depends on were dropped.
        """
        start = self.node(node)
        self.require_values(ancestors(self.nodes, start))
        if parameters is None:
            parameters = not self._is_large
        self._lineage.halt = halt
        skip = () if parameters else self._parameters
        return LineageCells(self._lineage.back(start, tuple(index), skip), parameters)

    def reach(
        self, node: str | Node, index: Index, halt: Callable[[], bool] | None = None
    ) -> dict[Node, Cells]:
        """Return the cells of each node that a cell feeds, on to the end; the inverse of `lineage`."""
        start = self.node(node)
        self.require_values(
            ancestors(self.nodes, *descendants(self.nodes, start))
        )  # masks among their other operands count too
        self._lineage.halt = halt
        return self._lineage.forward(start, tuple(index))

    def influence(
        self,
        node: str | Node,
        index: Index,
        halt: Callable[[], bool] | None = None,
        *,
        partial: bool = False,
    ) -> dict[Node, Tensor]:
        """Return the gradient of one cell with respect to each node that it depends on, at their values.

        `lineage` says which cells a cell depends on at all; this says how much. With `partial` a node is left
        out, and not refused, if a call on the way has no derivative in torch, or none that is known.

        Returns:
            By node of real or complex numbers, its own included, a tensor of the node's shape; without
            parameters in traces of more than 1,000 nodes.

        Raises:
            HaltedError: If `halt` stopped it.
            LookupError: If values that it depends on were dropped, or a call on the way has no derivative in
                torch, or none that is known.
            ValueError: If the node is not floating-point.
        """
        start = self.node(node)
        self.require_values(ancestors(self.nodes, start))
        with self.functions() if self.functions else nullcontext() as ask:
            return self._influence.back(start, tuple(index), ask, partial=partial, halt=halt)

    def effect(
        self, node: str | Node, index: Index, halt: Callable[[], bool] | None = None
    ) -> dict[Node, Tensor]:
        """Return the derivative of each node that a cell feeds with respect to that cell, at their values.

        A node is left out if a call on the way has no derivative, or none that is known.
        """
        start = self.node(node)
        self.require_values(descendants(self.nodes, start))
        return self._influence.forward(start, tuple(index), halt)

    @property
    def _is_large(self) -> bool:
        return len(self.nodes) > FEW_NODES

    @cached_property
    def _parameters(self) -> set[Node]:
        return {node for node in self.nodes if node.op == "parameter"}

    @cached_property
    def map(self) -> BlockDiagram[Node]:
        """Its block diagram: operations folded by scope, with arrows and costs, a level at a time."""
        return BlockDiagram(self.nodes, self.scopes)

    @cached_property
    def _influence(self) -> Influence[Node]:
        return Influence(self.nodes, self._parameters if self._is_large else ())

    @cached_property
    def _lineage(self) -> Lineage[Node]:
        return Lineage(self.nodes)

    def edges(
        self, axes: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[str] | str] | None = None
    ) -> dict[Node, TensorLabels]:
        """Return the axis names and labels of each node, derived from those of a few.

        Args:
            axes: By tensor name, the names of its axes in order: `{"Q": ("query", "")}`.
            labels: By axis name, the words along it, or the name of a list in the program.

        Returns:
            For each node about which something is known, an `AxisLabels` (`name`, `labels`) an axis.
        """
        words = {name: x if isinstance(x, str) else tuple(x) for name, x in (labels or {}).items()}
        named = tuple((name, tuple(own)) for name, own in axes.items())
        naming = AxisNaming(AxisDeclarations(named, tuple(words.items())), self.lists)
        edges_by_node = {node: naming.of(node) for node in self.nodes}
        return {node: edges for node, edges in edges_by_node.items() if edges}


class LineageCells(dict[Node, Cells]):
    """The cells of each node that a cell depends on.

    Attributes:
        parameters: Whether those of parameters are among them.
    """

    def __init__(self, cells: Mapping[Node, Cells], parameters: bool) -> None:
        super().__init__(cells)
        self.parameters = parameters

    def __repr__(self) -> str:
        """Return its cells, and that there are none of parameters if they were left out."""
        left_out = "" if self.parameters else " without parameters: lineage(…, parameters=True) has them"
        return f"{super().__repr__()}{left_out}"


def load_trace(path: str | Path) -> Trace:
    """Read a trace from a file that `Trace.save` wrote. The file may be anyone's: nothing in it is run.

    Raises:
        FormatError: If the file is damaged, or no trace; the message is one line.
        OSError: If it can't be read.
    """
    from llm_linalg.tracefile import trace_file

    return Trace.of(trace_file.load(Path(path), Node))


def parse_trace(data: bytes, name: str) -> Trace:
    """Return the trace in the bytes of a file of a name; raise `FormatError` as `load_trace` does."""
    from llm_linalg.tracefile import trace_file

    return Trace.of(trace_file.parse(data, name, Node))


def trace(
    function: Callable[..., Any],
    *inputs: Any,
    seed: int = 0,
    keep: int | None = BUDGET,
    around: int | None = None,
    halt: Callable[[], bool] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    **named: Any,
) -> Trace:
    """Run any Python callable that uses torch, and return the trace of its torch calls.

    This runs the function, so use it only for code that you trust. The nodes of inputs are named after the
    parameters, others after the local variables that hold them when the function returns, or else after
    the variables that they were assigned to; a module's parameters have the module's names for them.
    What is given to `torch.compile` runs as it is written.
    What runs only in C++, such as a scripted module, in another thread, or inside `torch.vmap` and its like
    is not recorded; its results come from outside, and a gradient that flows on there is refused.

    Args:
        function: A function, a method or an `nn.Module`.
        inputs: Its arguments.
        seed: What `torch.manual_seed` is called with before it.
        keep: The most bytes of values to keep (None for all). The other nodes are `dropped`: they keep shape
            and dtype, and the trace's `recomputed` runs the function again for their values.
        around: The position of a node around which values are kept; None for the latest.
        halt: Asked at each torch call whether the run is to stop.
        kwargs: Its arguments by name, among them those that are named as one of the above.
        named: Others by name.

    Raises:
        HaltedError: If `halt` stopped it.
        LimitError: If it makes more calls than a trace can hold.
        ProgramError: If a torch call fails, with the frames that led to it.
        ShapeError: If a torch call fails because its operands don't fit.
        TypeError: For what can't be called.
    """
    if not callable(function):
        raise TypeError(f"what is traced is a function or a module, not {short_repr(function)}")
    named |= kwargs or {}
    places = CallSites(function)
    recorder = Recorder(places.current, None, keep, around, halt)
    recorder.node_type, recorder.heeds_grad_mode = Node, torch.is_grad_enabled()
    gradients = OwnGradients(recorder)
    recorder.handlers = {**gradient_handlers(recorder), **gradients.handlers}

    def name_locals() -> None:
        _name_held(recorder, list(places.locals()))

    recorder.before_drop = lambda: name_locals() if places.is_full else None
    given = dict(_named_inputs(function, inputs, named))
    _name_given(recorder, given)

    def label(module: Any, path: str = "") -> None:
        for name, tensor in _parameters(module):
            recorder.label(tensor, f"{path}.{name}" if path else name)

    label(function)
    places.on_module = label

    def left(ending: Ending | None = None) -> Trace:
        recorder.name_targets()
        result = Trace.of(recorder.finish("", seed))
        result.ending = ending or result.ending
        recorder.release()  # else circles of references would keep the values of a trace that nobody holds
        return result

    def run_again(at: int) -> Trace:
        return trace(function, *inputs, seed=seed, keep=keep, around=at, kwargs=named)

    rerun = _again(function, given, run_again)
    with seed_rng(seed), rare_full_collections(), uncompiled():
        try:
            with gradients.watching(), recorder, exchanges(recorder.watch), places.track_modules():
                returned = function(*inputs, **named)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            frames = places.frames(error.__traceback__)
            failure = _failure_of(recorder, error, frames)
            if failure is None:
                kind: EndingKind = "halted" if isinstance(error, KeyboardInterrupt) else "failed"
                words = f"{type(error).__name__}: {error}" if kind == "failed" else ""
                vars(error)["trace"], vars(error)["frames"] = left(Ending(kind, None, words)), frames
                raise
            failure.trace = left(Ending.of(failure))
            raise failure from (None if isinstance(error, ProgramError) else error)
    name_locals()
    settle_folds(recorder.nodes)
    _permit_gradients(recorder.nodes)
    first = next(filter(Tensor.is_floating_point, tensors_in(returned)), None)
    made = None if first is None else recorder.node_of(first)
    result = left()
    if made is not None:
        result.nodes[made.index].is_returned = True
    result.rerun = rerun
    return result


def _name_given(recorder: Recorder, given: Mapping[str, Any]) -> None:
    """Name a function's inputs after its parameters, and what dicts hold after their keys."""
    for name, value in given.items():
        if isinstance(value, Tensor):
            recorder.bind(name, value)
        else:
            for path, tensor in held_in(value, "" if isinstance(value, dict) else name):
                recorder.label(tensor, path)


def _name_held(recorder: Recorder, held: Sequence[tuple[str, Any]]) -> None:
    """Name what variables hold: tensors, parameters of modules, and tensors in dicts."""
    for _, own in held:
        if isinstance(own, dict):
            recorder.name_values({path: x for path, x in held_in(own) if recorder.node_of(x) is not None})
    modules = [(name, own) for name, own in held if isinstance(own, nn.Module) and name != "self"]
    modules.sort(key=lambda own: len(list(own[1].modules())), reverse=True)  # the outermost name them
    recorder.name_values(
        {f"{name}.{path}": x for name, own in reversed(modules) for path, x in _parameters(own)}
    )
    for name, tensor in held:
        if isinstance(tensor, Tensor) and recorder.node_of(tensor) is not None:
            recorder.bind(name, tensor)


def _permit_gradients(nodes: Sequence[RecordNode]) -> None:
    """Have gradients flow through a function that asks for none at all, as one under `torch.no_grad()`."""
    if all(node.no_grad for node in nodes if node.operands and node.op != ALIAS):
        for node in nodes:
            node.no_grad = False


def _failure_of(
    recorder: Recorder, error: BaseException, frames: tuple[StackFrame, ...]
) -> ProgramError | None:
    """Return what ended a run, with its frames; None for an error of the function's own."""
    if isinstance(error, HaltedError | LimitError):  # the recorder's own
        ended = type(error)(error.message, *innermost(frames))
        ended.frames = frames
        return ended
    of_torch = isinstance(error, RuntimeError | ValueError | IndexError | TypeError)
    if (
        not (isinstance(error, Exception) and of_torch)
        or recorder.failed is None
        or recorder.failure is not error
    ):
        return None
    held = variables_in(error.__traceback__)
    names = [recorder.label_of(tensor) or held.get(id(tensor)) for tensor in recorder.failed.tensors]
    return explain_call(recorder.failed, error, frames, names)


def _again(
    function: Callable[..., Any], inputs: Mapping[str, Any], run_again: Callable[[int], Trace]
) -> Callable[[int], Trace]:
    """Return a function that repeats a run, and raises `ProgramError` if inputs were written since."""
    given = dict(_parameters(function))
    for name, value in inputs.items():
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
    """Return the identity and version of a tensor and of its gradient; a write changes them."""
    several = [item for item in (tensor, tensor.grad) if item is not None]
    return tuple([(id(item), version_of(item)) for item in several])


def _named_inputs(
    function: Callable[..., Any], inputs: tuple[Any, ...], named: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    target = function.forward if isinstance(function, nn.Module) else function
    try:
        bound = signature(target).bind(*inputs, **named)
        parameters = signature(target).parameters
    except (TypeError, ValueError):
        yield from ((f"input_{position}", value) for position, value in enumerate(inputs))
        yield from named.items()
        return
    for name, value in bound.arguments.items():
        if parameters[name].kind is Parameter.VAR_POSITIONAL:
            yield from ((f"{name}_{position}", item) for position, item in enumerate(value))
        elif parameters[name].kind is Parameter.VAR_KEYWORD:
            yield from value.items()
        else:
            yield name, value


def _parameters(function: Callable[..., Any]) -> Iterator[tuple[str, Tensor]]:
    module = function if isinstance(function, nn.Module) else owner_of(function)
    if isinstance(module, nn.Module):
        yield from module.named_parameters()
        yield from module.named_buffers()
