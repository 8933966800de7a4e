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
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from llm_linalg.base import syntax
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, ShapeError
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.base.source import Source
from llm_linalg.capture.bindings import Bindings
from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.capture.devices import DIST, DeviceGroup, LocalDevice, in_group, run_in_turn
from llm_linalg.capture.failures import Explain, Failures, FindRepairs
from llm_linalg.capture.gradient_calls import GradientCalls
from llm_linalg.capture.instrument import instrument
from llm_linalg.capture.isolation import ProcessState, isolated
from llm_linalg.capture.limits import Counts, Limits
from llm_linalg.capture.new_layers import NewLayers
from llm_linalg.capture.origins import Origins
from llm_linalg.capture.output import Output, printing_to
from llm_linalg.capture.own_gradients import OwnGradients
from llm_linalg.capture.sites import FILE, Sites
from llm_linalg.capture.trials import TRIAL, lasting, may_repeat
from llm_linalg.capture.turns import Turns
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.listener import Listener
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, Origin, RecordNode
from llm_linalg.recording.recorder import Recorder

PRESETS: Mapping[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "math": math, "dist": DIST}
"""Modules that a program has without importing them."""
_FEW_CALLS = 500
_FEATURES = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}


class ProgramRun:
    """One run of a program, and the state that it leaves.

    Args:
        source: The program.
        seed: The seed of torch's generator, and of Python's.
        names: Values that the program may use.
        cells: The lines, from 1, at which its cells begin, if it has cells.
        halt: Asked before each torch call whether the run is to stop.
        limits: What it may do.
        node_type: The class of the recorded nodes.
        explain: Turns a failed torch call into the error that is shown; None for torch's own words.
        listener: Who is told what is recorded; None for nobody.
        running_line: Where the number of the running line is stored, at place 0; None for nowhere.
        group: The devices that run the program together, as this one sees them; None for one alone.

    Attributes:
        source: The program, read.
        seed: The seed.
        module: The program's module.
        names: The values of its names.
        recorder: Records its torch calls.
        output: What it has printed.
        failures: Turns what it raises into errors to show.
        ending: How it ended.

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
        limits: Limits | None = None,
        node_type: type[RecordNode] = RecordNode,
        explain: Explain | None = None,
        listener: Listener | None = None,
        running_line: Any = None,
        group: DeviceGroup | None = None,
    ) -> None:
        limits = limits or Limits()
        self.source = Source(source)
        self.seed = seed
        self.ending = Ending()
        self.module = ModuleType("__main__")
        self._cells = tuple(sorted(cells))
        self._cell_states: list[CellState] = []
        self._cell_errors: list[ProgramError] = []
        self._listener = listener
        self._sites = Sites(self.source)
        self._scopes = CallScopes()
        self._origins = Origins(self._sites, self._scopes)
        self._limits = limits
        self._counts = Counts(limits, halt)
        self.recorder = self._new_recorder(self._counts)
        self.recorder.node_type, self.recorder.listener = node_type, listener
        self._layers = NewLayers(self.recorder, self._scopes, self._origins)
        self.recorder.is_inner = self._layers.are_filled_by
        self._bindings = Bindings(self.recorder, self._scopes, self._layers)
        self._scopes.bind_layer = self._bindings.bind_layer
        self._gradients = OwnGradients(self.recorder, self._scopes, self._apart)
        self.recorder.handlers = {**self.recorder.handlers, **self._gradients.handlers}
        self.failures = Failures(self.source, self._sites, self.recorder, explain)
        self._turns = Turns(self.recorder, limits.loop_nodes)
        self._group = group or LocalDevice()
        self._turns.may_skip = self._group.ranks == 1
        self._group.connect(self.recorder, self._counts.charge_copy)
        self.output = Output(
            self._origins.line, limits.printed, None if listener is None else listener.printed
        )
        changed = instrument(syntax.statements(self.source.text), lines=running_line is not None)
        self._sites.add(changed)
        self._turns.places = changed.loops
        self._body = changed.tree.body
        self._flags = _flags(self.source.tree)
        self._left: ProcessState | None = None
        self.names = vars(self.module)
        self.names.update(names or {}, __builtins__=self._builtins(running_line))

    def _new_recorder(self, counts: Counts | None = None) -> Recorder:
        """Return a recorder of calls that the program makes."""
        counts = counts or Counts(self._limits)
        recorder = Recorder(self._origins.current, counts)
        recorder.heeds_grad_mode = recorder.skims_gaps = True
        recorder.handlers = GradientCalls(recorder, counts).handlers
        return recorder

    @contextmanager
    def _apart(self, trial: Recorder | None = None) -> Iterator[None]:
        """Run a part of the program beside its run, of which nothing is noted, while the context is open."""
        with self.output.apart(), self._bindings.apart(trial or self._new_recorder()):
            yield

    def _builtins(self, running_line: Any) -> dict[str, Any]:
        """Return what the program has without defining it; beside that, what notes what it does."""
        owners: Mapping[Any, str] = {
            self._bindings: "bound written named each stored result",
            self._turns: "loop open turn close",
            self._scopes: "enter forward leave leave_forward begin end pause resume through",
        }
        hooks = {
            f".{name}": getattr(owner, name) for owner, names in owners.items() for name in names.split()
        }
        return {**vars(builtins), **PRESETS, "print": self.output.printer(), **hooks, ".line": running_line}

    # Running

    def run(self) -> None:
        """Run the program.

        Raises:
            ProgramError: If it fails.
        """
        try:
            with self._as_running(self.seed):
                if self._cells:
                    self._run_cells()
                else:
                    self._run_body(self._body)
        except ProgramError as error:
            self.ending = Ending.of(error)
            raise

    @contextmanager
    def _as_running(self, seed: int) -> Iterator[None]:
        """Have the process as the program finds it while the context is open."""
        watching = self._gradients.watching()
        with isolated(seed), printing_to(self.output), watching, in_group(self._group):
            lines = [f"{line}\n" for line in self.source.lines]
            linecache.cache[FILE] = len(self.source.text), None, lines, FILE
            handle = register_module_parameter_registration_hook(self._layers.on_parameter)
            try:
                yield
            finally:
                handle.remove()
                linecache.cache.pop(FILE, None)
                self._left = ProcessState.now()

    def _run_body(self, body: Sequence[ast.stmt]) -> None:
        """Run some of its statements.

        Raises:
            ProgramError: If one fails, with its place.
        """
        try:
            _execute(
                _compiled(self.source, ast.Module([*body], []), self._flags),
                self.names,
                self.recorder,
            )
        except BaseException as error:
            shown = self.failures.shown(error)
            if shown is None:
                self.ending = Ending("exit")
                return
            raise shown from error
        finally:
            self._layers.note()

    def _run_cells(self) -> None:
        """Run cell after cell; a statement that fails ends neither its cell nor the others."""
        ends = [*self._cells[1:], len(self.source.lines) + 2]
        last: ProgramError | None = None
        for number, (start, end) in enumerate(zip(self._cells, ends, strict=True), 1):
            first, printed = len(self.recorder.nodes), len(self.output.texts)
            if last is not None:
                self._cell_errors.append(last)
            last = self._run_cell([node for node in self._body if start <= node.lineno < end])
            state = CellState(
                number, "run" if last is None else "failed", reason=last.message if last else ""
            )
            made = len(self.recorder.nodes) - 1
            text = "".join(text for _, text in self.output.texts[printed:])
            self._cell_states.append(state._replace(node=made if made >= first else None, printed=text))
            if self._listener is not None:
                self._listener.cell(self._cell_states[-1])
        if last is not None:
            raise last

    def _run_cell(self, body: Sequence[ast.stmt]) -> ProgramError | None:
        """Run the statements of a cell; return the first error."""
        first: ProgramError | None = None
        for statement in body:
            try:
                self._run_body([statement])
            except HaltedError:
                raise
            except ProgramError as error:
                first = first or error
                if isinstance(error, LimitError):
                    break
        return first

    # What it leaves

    def record(self, *, failed: bool = False) -> Record[Any]:
        """Return the record of what the program did, whether it ended or failed."""
        recorder, bindings = self.recorder, self._bindings
        self._origins.outside = self._origin_of_end()
        self._turns.finish()
        self._scopes.finish(recorder.nodes)
        record: Record[Any] = recorder.finish(
            self.source.text, self.seed, "".join(text for _, text in self.output.texts), failed=failed
        )
        left = {line: recorder.node_after_gap(tensor) for line, tensor in bindings.left_results.items()}
        record.lines = {
            **bindings.line_results,
            **{line: node for line, node in left.items() if node is not None},
        }
        record.prints = tuple(self.output.texts)
        record.cells, record.cell_errors = tuple(self._cell_states), tuple(self._cell_errors)
        record.ending = self.ending
        record.lists = (
            {} if failed else {name: tuple(own) for name, own in self.names.items() if _is_words(own)}
        )
        if self._listener is not None:
            for name, words in record.lists.items():
                self._listener.listed(name, words)
            if self.failures.failed_call is not None:
                self._listener.failed(self.failures.failed_call)
            self._listener.ended(self.ending)
        return record

    def value_of(self, expression: str) -> Any:
        """Return the value of an expression in the state that the program left; None if it fails."""
        try:
            return self.evaluate(expression)
        except HaltedError:
            raise
        except ProgramError:
            return None

    @property
    def is_short(self) -> bool:
        """Whether it called torch so rarely that it may well be run again."""
        return self._counts.calls <= _FEW_CALLS

    def _origin_of_end(self) -> Origin:
        """Return the place of what is recorded when the program has ended: its last statement."""
        body = self.source.tree.body
        span = self.source.span(body[-1]) if body else None
        return Origin(span, span.of(self.source.lines) if span else "")

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
        trial = self._new_recorder()
        code = _compiled(source, ast.Expression(body[0].value), self._flags)
        with isolated(self.seed), printing_to(self.output), self._apart(trial):
            if self._left is not None:
                self._left.put_back()
            try:
                with trial.undoing_writes():
                    return _execute(code, {**self.names, **self.failures.names, **names}, trial)
            except BaseException as error:
                shown = Failures(source, Sites(source), trial).shown(error)
                raise shown or ProgramError("an expression ends no program") from error


def _execute(code: CodeType, names: dict[str, Any], recorder: Recorder) -> Any:
    """Run code of a program, and return the value of an expression; nothing else here runs a text."""
    with recorder:
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


def _flags(tree: ast.Module) -> int:
    """Return the flags of what a program imports from `__future__`."""
    names = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    }
    return sum(flag for name, flag in _FEATURES.items() if name in names)


def _is_words(value: Any) -> bool:
    """Return whether a value is a list of words, such as a vocabulary."""
    return value.__class__ in (list, tuple) and bool(value) and all(isinstance(word, str) for word in value)


@rare_full_collections()
def execute(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    *,
    limits: Limits | None = None,
    node_type: type[N],
    explain: Explain | None = None,
    find_repairs: FindRepairs | None = None,
    listener: Listener | None = None,
) -> Record[N]:
    """Run a program, and return the record of its torch calls; the other arguments are `ProgramRun`'s.

    Args:
        source: The program.
        seed: The seed of torch's generator, and of Python's.
        names: Values that the program may use.
        cells: The lines at which its cells begin, if it has cells.
        halt: Asked before each torch call whether the run is to stop.
        limits: What it may do.
        node_type: The class of the recorded nodes.
        explain: Turns a failed torch call into the error that is shown.
        find_repairs: Finds what could stand in place of a call whose shapes clash.
        listener: Who is told what is recorded.

    Raises:
        ProgramError: If it fails; its `trace` is the record of what ran.
    """
    how: dict[str, Any] = {"node_type": node_type, "explain": explain}
    run = ProgramRun(source, seed, names, cells, halt, limits=limits, listener=listener, **how)
    try:
        return finished(run, find_repairs)
    except ShapeError as error:
        is_plain = all(isinstance(value, int | float | str | tuple) for value in names.values())
        if error.repairs and is_plain and run.is_short and may_repeat(run.source, error):
            error.repairs = lasting(
                error, lambda text: finished(ProgramRun(text, seed, names, cells, halt, limits=TRIAL))
            )
        raise


def finished(run: ProgramRun, find_repairs: FindRepairs | None = None) -> Record[Any]:
    """Run a program to its end, and return its record; raises what `execute` does."""
    try:
        run.run()
        return run.record()
    except ProgramError as error:
        error.trace = run.record(failed=True)
        error.trace.failed_line = error.line
        failed = run.failures.failed_call
        if isinstance(error, ShapeError) and failed is not None and find_repairs is not None:
            error.repairs = find_repairs(failed, run.source, error.span, error, run.value_of)
        raise
    finally:
        run.recorder.release()


@rare_full_collections()
def execute_on_devices(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    *,
    ranks: int,
    limits: Limits | None = None,
    node_type: type[N],
    explain: Explain | None = None,
) -> tuple[Record[N], ...]:
    """Run a program on several devices in turn, and return the record of each; raises what `execute` does."""
    how: Mapping[str, Any] = {"limits": limits, "node_type": node_type, "explain": explain}

    def run_on(device: LocalDevice, names: Mapping[str, Any]) -> Record[N]:
        return finished(ProgramRun(source, seed, names, cells, halt, group=device, **how))

    with isolated(seed):
        return run_in_turn(run_on, names, ranks)
