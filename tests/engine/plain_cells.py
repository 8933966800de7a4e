"""Cells run by plain `exec`, as the tests of notebooks need them."""

from __future__ import annotations

import ast
import contextlib
import io
import signal
from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple

import torch

from llm_linalg.base.errors import LimitError, ProgramError, Span
from llm_linalg.capture.cell_program import CellProgram
from llm_linalg.capture.isolation import GeneratorStates
from llm_linalg.capture.limits import Interruption
from llm_linalg.capture.marks import Marks
from llm_linalg.capture.notebook_cells import CellRun, Execute, StatementResult
from llm_linalg.capture.plots import Plots
from llm_linalg.recording.cell_state import CellState


class CellResults(NamedTuple):
    """How cells ended, the first error in each by its number, and the marks that are left."""

    states: tuple[CellState, ...]
    errors: dict[int, ProgramError]
    marks: Marks


def texts(cells: Sequence[str]) -> list[CellProgram]:
    """Return cells one below the other."""
    found, line = [], 1
    for cell in cells:
        found.append(CellProgram(cell, line))
        line += cell.count("\n") + 1
    return found


def plain_execute(names: dict[str, Any]) -> Execute:
    """Return what runs a statement by `exec`."""

    def execute(statement: ast.stmt) -> StatementResult:
        before, printed = GeneratorStates.now(), io.StringIO()
        error: ProgramError | None = None
        value: object = None
        try:
            with contextlib.redirect_stdout(printed):
                if isinstance(statement, ast.Expr):
                    code = compile(ast.Expression(statement.value), "<cell>", "eval")
                    value = eval(code, names)  # noqa: S307  the tests' own text
                else:
                    exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)  # noqa: S102
        except Exception as raised:  # noqa: BLE001  whatever it raises
            place = Span(statement.lineno, 0, statement.lineno, 1)
            error = ProgramError(f"{type(raised).__name__}: {raised}", place)
            error.exception = raised
        return StatementResult(error, value, printed=printed.getvalue(), drew=before.drawn())

    return execute


class SignalTime:
    """Lets a signal of the program's own stop its cell, so that no test waits for a time to pass."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGUSR1, self._stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGUSR1, self._before)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        raise Interruption(LimitError("stopped after 2 s"))


def run_plain(
    cells: Sequence[str], names: dict[str, Any] | None = None, plots: Plots | None = None
) -> tuple[CellResults, dict[str, Any]]:
    """Return how cells end that are run by `exec`, and the names that they leave."""
    names = {"torch": torch} if names is None else names
    run = CellRun(plain_execute(names), names, plots, SignalTime)
    return CellResults(tuple(run.run(texts(cells))), run.errors, run.marks), names
