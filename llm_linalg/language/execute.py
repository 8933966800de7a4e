"""Ways to run a program: a user's within a budget, the same on several devices, and one of our own.

Each checks the text, interprets it with torch's global state isolated, and returns the record of its calls; a
program that fails leaves the record of what it did on the error.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, Repair, ShapeError
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.base.rng import seed_rng
from llm_linalg.base.syntax import descendants
from llm_linalg.language.arrays.array_text import ARRAY_OPTIONS
from llm_linalg.language.arrays.mersenne_twister import own_generator
from llm_linalg.language.budget import SECONDS, Budget
from llm_linalg.language.devices import DeviceGroup, LocalDevice, in_group, run_in_turn
from llm_linalg.language.interpreter import Code, Explain, Interpreter
from llm_linalg.language.missing import MissingValue
from llm_linalg.language.printing import PRINT_OPTIONS
from llm_linalg.language.program import FindRepairs, interpreter, run_program, source_of
from llm_linalg.language.source import Source
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, RecordNode

_TRIAL: Mapping[str, Any] = {  # for a program that is run again with a repair
    "steps": 20_000,
    "tensors": 500,
    "elements": 2**20,
    "multiplications": 2**28,
}
_SHORT = 10_000  # steps: some milliseconds
_OWN_BUDGET: Mapping[str, Any] = {  # as good as none
    "steps": 2**40,
    "tensors": 2**20,
    "elements": 2**31,
    "multiplications": 2**44,
    "call_elements": 2**31,
    "call_multiplications": 2**44,
    "pass_steps": 2**40,
    "loop_nodes": 2**40,
    "seconds": None,
}
_REPEATING = (
    *(ast.For, ast.While, ast.FunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


@dataclass(frozen=True, slots=True)
class Explanations:
    """How errors are explained; the layer above knows more of that than the language.

    Attributes:
        explain: Turns a failed call into the error that is shown.
        find_repairs: Finds what could stand in place of a call whose shapes clash.
    """

    explain: Explain
    find_repairs: FindRepairs | None = None


def _torch_error(run: Interpreter, node: Code, error: Exception) -> ProgramError:
    return run.error(str(error), node)


PLAIN = Explanations(_torch_error)
"""torch's own words, for our own programs, which are not meant to fail."""


@rare_full_collections()
def execute(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    explanations: Explanations,
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    group: DeviceGroup | None = None,
    *,
    seconds: float | None = SECONDS,
    node_type: type[N],
) -> Record[N]:
    """Run a user's program within a budget; for the arguments see `llm_linalg.run`."""
    budget = Budget(seconds=seconds, halt=halt)
    with isolated_torch_state(seed):
        return _run(
            source_of(source, cells),
            seed,
            names,
            budget,
            explanations,
            cells=cells,
            group=group,
            node_type=node_type,
        )


@rare_full_collections()
def execute_on_devices(
    source: str,
    seed: int,
    names: Mapping[str, Any],
    explanations: Explanations,
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    *,
    ranks: int,
    seconds: float | None = SECONDS,
    node_type: type[N],
) -> tuple[Record[N], ...]:
    """Run a program on several devices, which share one budget, and return the record of each."""
    checked = source_of(source, cells)
    budget = Budget(seconds=seconds, halt=halt)

    def run_on(device: LocalDevice, names: Mapping[str, Any]) -> Record[N]:
        with seed_rng(seed):
            return _run(
                checked, seed, names, budget, explanations, cells=cells, group=device, node_type=node_type
            )

    with isolated_torch_state(seed):
        return run_in_turn(run_on, names, ranks)


@rare_full_collections()
def execute_over(
    source: str,
    known: Mapping[str, RecordNode],
    *,
    seed: int = 0,
    names: Mapping[str, Any] | None = None,
    node_type: type[N],
) -> Record[N]:
    """Run a program of our own, such as a backward pass, over the nodes of a record.

    It is as large as the record, whose size has been limited, so it gets no budget of its own.

    Args:
        source: The program.
        known: The nodes whose tensors it uses, by the names that it has for them.
        seed: The seed of torch's generator.
        names: Other values that it uses.
        node_type: The class of the recorded nodes.
    """
    budget = Budget(**_OWN_BUDGET)
    with isolated_torch_state(seed):
        return _run(
            Source(source, bounded=False), seed, names or {}, budget, PLAIN, known=known, node_type=node_type
        )


def _run(
    checked: Source,
    seed: int,
    names: Mapping[str, Any],
    budget: Budget,
    explanations: Explanations,
    *,
    known: Mapping[str, RecordNode] | None = None,
    cells: Sequence[int] = (),
    group: DeviceGroup | None = None,
    trial: bool = False,
    node_type: type[N],
) -> Record[N]:
    """Interpret a checked program and return its record; a trial is not repaired in turn.

    Raises:
        ProgramError: If the program fails; its `trace` is the record of what ran.
    """
    tensors = {name: node.value for name, node in (known or {}).items()}
    find_repairs = None if trial else explanations.find_repairs
    run = interpreter(checked, {**names, **tensors}, budget, explanations.explain, node_type)
    run.random.seed(seed)
    for name, node in (known or {}).items():
        run.recorder.adopt(tensors[name], node)
    group = group or LocalDevice()
    run.may_skip = group.ranks == 1
    group.connect(run.recorder, budget.charge_copy)
    try:
        with in_group(group), own_generator(seed, budget.step):
            run_program(run, cells, find_repairs)
        trace: Record[N] = _record_of(run, seed)
    except ProgramError as error:
        error.trace = _record_of(run, seed, failed=True)
        error.trace.failed_line = error.line
        if isinstance(error, ShapeError) and not trial and _should_try_repairs(run, error, names):
            error.repairs = _repairs_that_last(
                error, lambda text: _run_trial(text, seed, names, budget, explanations, cells)
            )
        raise
    finally:
        run.recorder.release()  # it and the interpreter know each other: few collections would free them
    trace.lists = {
        name: tuple(value)
        for name, value in run.names.items()
        if isinstance(value, list | tuple) and value and all(isinstance(word, str) for word in value)
    }
    return trace


def _run_trial(
    text: str,
    seed: int,
    names: Mapping[str, Any],
    budget: Budget,
    explanations: Explanations,
    cells: Sequence[int],
) -> None:
    """Run a program with a repair in it, as far as the budget for trials reaches.

    Raises:
        ProgramError: If it fails.
        LimitError: If the budget ends first.
    """
    trial = budget.trial(len(text), **_TRIAL)
    try:
        with isolated_torch_state(seed):
            _run(
                source_of(text, cells),
                seed,
                names,
                trial,
                explanations,
                cells=cells,
                trial=True,
                node_type=RecordNode,
            )
    finally:
        budget.trials -= trial.steps_used


def _should_try_repairs(run: Interpreter, error: ShapeError, names: Mapping[str, Any]) -> bool:
    """Return whether to run the program again with each repair: its line may run again, and it is short."""
    short = run.budget.steps_used <= _SHORT
    plain = all(isinstance(value, int | float | str | tuple) for value in names.values())
    return bool(error.repairs) and short and plain and _may_repeat(run.source, error)


def _may_repeat(source: Source, error: ShapeError) -> bool:
    """Return whether the line of an error stands in a loop or a function."""
    line = error.line or 0
    return any(
        isinstance(node, _REPEATING) and node.lineno <= line <= (node.end_lineno or line)
        for node in descendants(source.tree)
    )


def _repairs_that_last(error: ShapeError, rerun: Callable[[str], object]) -> tuple[Repair, ...]:
    """Return the repairs of an error with which its line succeeds each time that it runs."""
    lasting: list[Repair] = []
    for repair in error.repairs:
        try:
            rerun(error.apply_repair(repair))
        except HaltedError:
            raise
        except LimitError:
            pass  # it was right as far as the trial got
        except ProgramError as other:
            if other.span is not None and error.span is not None and other.span[:2] == error.span[:2]:
                continue
        lasting.append(repair)
    return tuple(lasting)


def _record_of(run: Interpreter, seed: int, *, failed: bool = False) -> Record[Any]:
    """Return the record of what a program did, whether it ended or failed."""
    printed = "".join(run.printed)
    trace = run.recorder.finish(run.source.text, seed, printed, failed=failed)
    left = {line: run.recorder.node_after_gap(tensor) for line, tensor in run.left_results.items()}
    trace.lines = {**run.line_results, **{line: node for line, node in left.items() if node is not None}}
    trace.prints = tuple(zip(run.print_lines, run.printed, strict=True))
    trace.cell_errors, trace.cells = run.cell_errors, run.cell_states
    if run.cell_states:
        gone = {name for name, value in run.names.items() if value.__class__ is MissingValue}
        for name in [name for name in trace.names if name.partition(".")[0] in gone]:
            del trace.names[name]
    return trace


def evaluate_expression(expression: str, explanations: Explanations, seed: int = 0) -> Any:
    """Return the value of an expression of the language.

    Raises:
        ProgramError: If the text is not one expression, or fails.
    """
    checked = Source(expression)
    body = checked.tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        said = expression[:60] or "an empty text"
        raise ProgramError(f"{said} is not an expression, such as torch.randn(2, 5, 8)")
    run = interpreter(checked, {}, Budget(), explanations.explain)
    run.budget.start()
    with isolated_torch_state(seed), own_generator(seed, lambda _numbers: None), run.recording():
        return run.evaluate(body[0].value)


@contextmanager
def isolated_torch_state(seed: int) -> Iterator[None]:
    """Seed torch's generator, reset its print options and silence warnings; undo all of it afterwards."""
    options, arrays = PRINT_OPTIONS.set(None), ARRAY_OPTIONS.set(None)
    gradients = torch.is_grad_enabled()
    try:
        with seed_rng(seed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_grad_enabled(gradients)
        PRINT_OPTIONS.reset(options)
        ARRAY_OPTIONS.reset(arrays)
