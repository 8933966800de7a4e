"""Run a program by Python itself, and return the record of its torch calls.

In process this is for text of our own, the course, and for what somebody asked to be run with their rights;
all else runs like this in a process of its own that can reach nothing.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import linecache
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from types import CodeType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from llm_linalg.base import syntax
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.source import Source
from llm_linalg.capture.bindings import Bindings
from llm_linalg.capture.call_scopes import CallScopes, plain_paths
from llm_linalg.capture.cell_program import cells_of, parts_of
from llm_linalg.capture.console import Output, printing_to
from llm_linalg.capture.devices import LocalDevice
from llm_linalg.capture.failures import Explain, Failures
from llm_linalg.capture.gradient_calls import OwnGradients, gradient_handlers
from llm_linalg.capture.instrument import instrument
from llm_linalg.capture.isolation import GeneratorStates, ProcessState, isolated
from llm_linalg.capture.limits import Counts, Limits
from llm_linalg.capture.new_layers import NewLayers
from llm_linalg.capture.notebook_cells import CellClock, CellRun, StatementResult
from llm_linalg.capture.numpy_steps import NumpySteps, may_hold_arrays
from llm_linalg.capture.origins import Origins
from llm_linalg.capture.plots import Plots
from llm_linalg.capture.sites import FILE, Sites
from llm_linalg.capture.turns import Turns
from llm_linalg.ops.operation import Call
from llm_linalg.ops.vjp import whole_vjp
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.listener import Listener
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import Origin, RecordNode
from llm_linalg.recording.recorder import Recorder
from llm_linalg.recording.scopes import settle_folds

PRESETS: Mapping[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "math": math}
"""Modules that a program has without importing them."""
_FEW_CALLS = 500
_ANNOTATIONS = __future__.annotations.compiler_flag  # the one feature that is not there without an import


class ProgramRun:
    """One run of a program, and the state that it leaves.

    `cells` are the lines, from 1, at which its cells begin, if it has cells; `clock` stops one that takes too
    long. `halt` is asked before each torch call whether the run is to stop. `explain` turns a failed torch
    call into the error that is shown; without it there are torch's own words. `listener` is told what is
    recorded, and the number of the line that runs is stored at place 0 of `running_line`.

    Attributes:
        calls_of_last: How often the last expression called torch.
        operations_of_last: The operations that it called.
        names: The values of its names.
        failures: Turns what it raises into errors to show.

    Raises:
        ProgramError: If the text is not Python.
    """

    def __init__(
        self,
        source: str,
        seed: int = 0,
        names: Mapping[str, Any] | None = None,
        cells: Sequence[int] = (),
        halt: Callable[[], bool] | None = None,
        *,
        node_type: type[RecordNode] = RecordNode,
        explain: Explain | None = None,
        listener: Listener | None = None,
        running_line: Any = None,
        device: LocalDevice | None = None,
        clock: CellClock = nullcontext,
    ) -> None:
        self._text = source
        self._cells, self.source = cells_of(source, cells)
        self.seed = seed
        self.ending = Ending()
        self.module = ModuleType("__main__")
        self._clock = clock
        self._cell_states: tuple[CellState, ...] = ()
        self._cell_errors: tuple[ProgramError, ...] = ()
        self._listener = listener
        self._sites = Sites(self.source)
        self._scopes = CallScopes()
        self._origins = Origins(self._sites, self._scopes)
        self._limits = Limits()
        self._halt = halt
        self._counts = Counts(self._limits, halt)
        self.recorder = self._new_recorder(self._counts)
        self.recorder.node_type, self.recorder.listener = node_type, listener
        self._layers = NewLayers(self.recorder, self._scopes, self._origins)
        self.recorder.is_inner = self._layers.are_filled_by
        self._bindings = Bindings(self.recorder, self._scopes, self._layers)
        self._gradients = OwnGradients(self.recorder, self._scopes)
        self.recorder.handlers = {**self.recorder.handlers, **self._gradients.handlers}
        self._explain = explain
        self.failures = Failures(self.source, self._sites, self.recorder, explain, self._call_that_fails)
        self._turns = Turns(self.recorder, self._limits.loop_nodes)
        self._device = device or LocalDevice()
        self._turns.may_skip = self._device.ranks == 1
        self._device.connect(self.recorder)
        self.output = Output(
            self._origins.line, self._limits.printed, None if listener is None else listener.printed
        )
        tree = syntax.statements(self.source.text)
        self._turns.places = instrument(tree, lines=running_line is not None)
        self._arrays = NumpySteps(self.recorder) if may_hold_arrays(source) else None
        if self._arrays is not None:
            tree = self._arrays.rewritten(tree)
            self._bindings.arrays = self._arrays
        self._body = tree.body
        self._flags = 0  # of what it has imported from `__future__`
        self._left: ProcessState | None = None
        self.names = vars(self.module)
        self._given = ({*self.names} - {*(names or {})}) | {"__builtins__"}
        self.calls_of_last = 0
        self.operations_of_last: frozenset[str] = frozenset()
        self.names.update(names or {}, __builtins__=self._builtins(running_line))

    def _new_recorder(self, counts: Counts) -> Recorder:
        """Return a recorder of calls that the program makes."""
        recorder = Recorder(self._origins.current, counts)
        recorder.heeds_grad_mode = True
        recorder.handlers = gradient_handlers(recorder)
        return recorder

    def _builtins(self, running_line: Any) -> dict[str, Any]:
        """Return what the program has without defining it; beside that, what notes what it does."""
        owners: Mapping[Any, str] = {
            self._bindings: "bound each stored result",
            self._turns: "loop open turn close",
            self._scopes: "enter forward leave leave_forward",
        }
        hooks = {
            f".{name}": getattr(owner, name) for owner, names in owners.items() for name in names.split()
        }
        arrays = {} if self._arrays is None else self._arrays.names
        return {
            **vars(builtins),
            **PRESETS,
            "dist": self._device.module,
            "print": self.output.printer(),
            **hooks,
            **arrays,
            ".line": running_line,
        }

    # Running

    def run(self) -> None:
        """Run the program; raise `ProgramError` if it fails."""
        try:
            with self._as_running():
                if self._cells:
                    self._run_cells()
                else:
                    self._run_body(self._body)
        except ProgramError as error:
            self.ending = Ending.of(error)
            raise

    @contextmanager
    def _as_running(self) -> Iterator[None]:
        """Have the process as the program finds it while the context is open."""
        watching = self._gradients.watching()
        with isolated(self.seed), printing_to(self.output), watching:
            _note_lines(self.source)
            handle = register_module_parameter_registration_hook(self._layers.on_parameter)
            try:
                yield
            finally:
                handle.remove()
                self._device.leave()
                linecache.cache.pop(FILE, None)
                self._left = ProcessState()

    def _run_body(self, body: Sequence[ast.stmt]) -> None:
        """Run some of its statements; raise `ProgramError` if one fails, with its place."""
        try:
            code = _compiled(self.source, ast.Module([*body], []), self._flags)
            self._flags |= code.co_flags & _ANNOTATIONS
            _execute(code, self.names, self.recorder)
        except BaseException as error:
            shown = self.failures.shown(error)
            if shown is None:
                frames = self._sites.frames(error.__traceback__)
                self.ending = Ending("exit", frames[-1][0].f_lineno if frames else None)
                return
            raise shown from error
        finally:
            self._layers.note()

    def _run_cells(self) -> None:
        """Run cell after cell; raise the error of the last one, if it fails."""
        parts = parts_of(self._body)
        plots = Plots(self._node_of)
        run = CellRun(lambda own: self._run_statement(parts(own)), self.names, plots, self._clock)
        for cell, state in zip(self._cells, run.run(self._cells), strict=True):
            last = cell.line + cell.text.count("\n")
            gaps = tuple(gap for gap in self.recorder.gaps if cell.line <= gap.line <= last)
            self._cell_states += (state._replace(gaps=gaps),)
            if self._listener is not None:
                self._listener.cell(self._cell_states[-1])
        last_error = run.errors.pop(len(self._cells), None)
        self._cell_errors = tuple([run.errors[number] for number in sorted(run.errors)])
        if last_error is not None:
            raise last_error

    def _run_statement(self, part: Sequence[ast.stmt]) -> StatementResult:
        before, printed = GeneratorStates.now(), len(self.output.texts)
        self._bindings.last_value = error = None
        try:
            self._run_body(part)
        except ProgramError as failure:
            error = failure
        value, self._bindings.last_value = self._bindings.last_value, None
        texts = "".join(text for _, text in self.output.texts[printed:])
        nodes = len(self.recorder.nodes)
        return StatementResult(error, value, self._node_of(value), nodes, texts, before.drawn())

    def _node_of(self, value: object) -> int | None:
        """Return the position of the node of a tensor or an array; None if it has none."""
        if self._arrays is not None:
            value = self._arrays.tensor(value)
        node = self.recorder.node_of(value) if isinstance(value, Tensor) else None
        return None if node is None else node.index

    # What it leaves

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names that it was given values for, and those that it has bound, in their order."""
        own = (name for name in self.names if name not in self._given)
        return tuple([name for name in own if not name.startswith(("__", "."))])

    def record(self, *, failed: bool = False) -> Record[Any]:
        """Return the record of what the program did, whether it ended or failed."""
        recorder, bindings = self.recorder, self._bindings
        self._origins.outside = self._origin_of_end()
        self._turns.finish()
        settle_folds(recorder.nodes)
        plain = plain_paths(node.scope for node in recorder.nodes)
        for node in recorder.nodes:
            node.scope = plain[node.scope]
        printed = "".join(text for _, text in self.output.texts)
        record: Record[Any] = recorder.finish(self._text, self.seed, printed)
        left = {line: recorder.node_of(tensor) for line, tensor in bindings.left_results.items()}
        record.lines = {
            **bindings.line_results,
            **{line: node for line, node in left.items() if node is not None},
        }
        record.prints = tuple(self.output.texts)
        record.cells, record.cell_errors = self._cell_states, self._cell_errors
        record.ending = self.ending
        lists = {} if failed else {name: self.names[name] for name in self.own_names}
        record.lists = {name: tuple(own) for name, own in lists.items() if _is_words(own)}
        if self._listener is not None:
            for name, words in record.lists.items():
                self._listener.listed(name, words)
        return record

    @property
    def is_short(self) -> bool:
        """Whether it called torch so rarely that it may well be run again."""
        return self._counts.calls <= _FEW_CALLS

    def _origin_of_end(self) -> Origin:
        """Return the place of what is recorded when the program has ended: its last statement."""
        body = self.source.tree.body
        span = self.source.span(body[-1]) if body else None
        return Origin(span, span.of(self.source.lines) if span else "")

    def _call_that_fails(self, expression: str) -> Call | None:
        """Return the torch call that fails in an expression where the program has failed."""
        trial = self._new_recorder(Counts(self._limits))
        apart = self.output.apart(), self._bindings.apart(trial)
        with suppress(Exception), isolated(self.seed), apart[0], apart[1], trial.undoing_writes():
            tree = ast.parse(expression, mode="eval")
            code = _compiled(Source(expression), tree, self._flags)
            _execute(code, {**self.names, **self.failures.names}, trial)
        return trial.failed

    def evaluate(self, expression: str, **names: Any) -> Any:
        """Return the value of an expression in the state that the program left, which stays as it is.

        Args:
            expression: The expression.
            names: Values that it sees beside the program's names.

        Raises:
            ProgramError: If the text is not one expression, or fails.
        """
        source = Source(expression)
        body = source.tree.body
        if len(body) != 1 or not isinstance(body[0], ast.Expr):
            raise ProgramError(f"{expression[:60] or 'an empty text'} is not an expression, such as Y.sum()")
        counts = Counts(self._limits, self._halt)
        trial = self._new_recorder(counts)
        code = _compiled(source, ast.Expression(body[0].value), self._flags)
        apart = self.output.apart(), self._bindings.apart(trial)
        with isolated(self.seed), printing_to(self.output), apart[0], apart[1]:
            if self._left is not None:
                self._left.put_back()
            try:
                with trial.undoing_writes():
                    return _execute(code, {**self.names, **self.failures.names, **names}, trial)
            except BaseException as error:
                shown = Failures(source, Sites(source), trial, self._explain).shown(error)
                raise shown or ProgramError("an expression ends no program") from error
            finally:
                self.calls_of_last = counts.calls
                self.operations_of_last = frozenset(node.op for node in trial.nodes)

    def own_gradients(self, place: int, cotangents: Sequence[Tensor | None], *, hooks: bool) -> list[Tensor]:
        """Return the value of a node, and what its function gives back to each operand for cotangents.

        Args:
            place: The position of the node.
            cotangents: One for each result of its call; None for one from which nothing arrives.
            hooks: Whether its hooks are asked instead, which return its own gradient.

        Raises:
            ProgramError: If the function fails.
        """
        node = self.recorder.nodes[place]
        apart = self.output.apart(), self._bindings.apart(self._new_recorder(Counts(self._limits)))
        with isolated(self.seed), printing_to(self.output), apart[0], apart[1]:
            try:
                if hooks:
                    return [
                        node.value,
                        *(node.changed_by_hooks(own) for own in cotangents if own is not None),
                    ]
                if node.call is None:
                    raise LookupError("it has no function")
                gradients = whole_vjp(node.call, cotangents)
            except Exception as error:
                raise ProgramError(f"{type(error).__name__}: {error}") from error
        return [node.value, *(gradients[node.call.order.index(at)] for at in range(len(gradients)))]


def value_of(expression: str, names: dict[str, Any]) -> Any:
    """Return the value of an expression among names, where its own author asks for it; nothing is recorded.

    Raises:
        ProgramError: If the text is not an expression; else what it raises.
    """
    source = _note_lines(Source(expression))
    code = _compiled(source, ast.Expression(syntax.expression(expression)), 0)
    return _execute(code, names, nullcontext())


def _note_lines(source: Source) -> Source:
    """Have tracebacks show the lines of a program, and return that."""
    linecache.cache[FILE] = len(source.text), None, [f"{line}\n" for line in source.lines], FILE
    return source


def _execute(code: CodeType, names: dict[str, Any], recording: AbstractContextManager[object]) -> Any:
    """Run code of a program, and return the value of an expression; nothing else here runs a text."""
    with recording:
        return eval(code, names)  # noqa: S307  that is what this package is for


def _compiled(source: Source, tree: ast.Module | ast.Expression, flags: int) -> CodeType:
    """Return the code of a program's tree.

    Raises:
        ProgramError: If the tree is none of Python's, such as one with `return` outside of functions.
    """
    try:
        code: CodeType = compile(
            tree, FILE, "exec" if isinstance(tree, ast.Module) else "eval", flags, dont_inherit=True
        )
    except SyntaxError as error:
        raise source.syntax_error(error) from None
    return code


def _is_words(value: Any) -> bool:
    """Return whether a value is a list of words, such as a vocabulary."""
    return value.__class__ in (list, tuple) and bool(value) and all(isinstance(word, str) for word in value)


def finished(run: ProgramRun) -> Record[Any]:
    """Run a program to its end, and return its record.

    Raises:
        ProgramError: If it fails; its `trace` is the record of what ran.
    """
    try:
        run.run()
        return run.record()
    except ProgramError as error:
        error.trace = run.record(failed=True)
        error.trace.failed_line = error.line
        raise
    finally:
        run.recorder.release()
