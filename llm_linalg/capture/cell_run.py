"""The cells of a document's program, run under a recorder: what joins `notebook_cells` to a run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from llm_linalg.base.errors import ProgramError
from llm_linalg.capture.cell_program import CellProgram, ProgramCell
from llm_linalg.capture.console import Output
from llm_linalg.capture.generator_states import GeneratorStates
from llm_linalg.capture.notebook_cells import CellClock, CellResults, StatementResult, run_cells
from llm_linalg.capture.plots import Plots
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.recorder import Recorder

Place = tuple[int, int]  # line and column


def cells_of(text: str, starts: Sequence[int]) -> tuple[ProgramCell, ...]:
    """Return the cells of a program, given the lines, from 1, at which they begin; some may have no lines."""
    lines = text.split("\n")
    firsts = sorted(starts)
    ends = [*firsts[1:], len(lines) + 1]
    return tuple(
        ProgramCell("\n".join(lines[first - 1 : end - 1]), first)
        for first, end in zip(firsts, ends, strict=True)
    )


def python_of(text: str, cells: Sequence[ProgramCell]) -> str:
    """Return a program as Python, lines and columns as they are: without commands and unreadable cells."""
    above = text.split("\n")[: cells[0].line - 1]
    parts = [CellProgram(cell).python for cell in cells if cell.text or cell.line <= text.count("\n") + 1]
    return "\n".join([*above, *parts])


class StatementRun(Protocol):
    """A run that goes on statement by statement."""

    recorder: Recorder
    output: Output
    names: dict[str, Any]

    def run_body(self, body: Sequence[ast.stmt]) -> None:
        """Run some statements; raises `ProgramError` if one fails."""

    def take_last_value(self) -> Any:
        """Return the value of the last statement that was an expression, once."""

    def tensor_of(self, value: object) -> Tensor | None:
        """Return the tensor that stands for an array; None for anything else."""


class CellRun:
    """The cells of a run.

    Args:
        run: The run.
        cells: Its cells.
        body: The statements of its tree with all that is noted between them.
        clock: What stops a cell that takes too long.
    """

    def __init__(
        self,
        run: StatementRun,
        cells: Sequence[ProgramCell],
        body: Sequence[ast.stmt],
        clock: CellClock | None,
    ) -> None:
        self._run, self._cells, self._clock = run, cells, clock
        starts = sorted({_place(own) for cell in cells for own in CellProgram(cell).statements})
        self._parts: dict[Place, list[ast.stmt]] = {start: [] for start in starts}
        here: Place | None = None
        for statement in body:
            here = _place(statement) if _place(statement) in self._parts else here
            if here is not None:
                self._parts[here].append(statement)

    def results(self) -> CellResults:
        """Run them, and return how each ended."""
        listener = self._run.recorder.listener

        def listen(state: CellState) -> None:
            if listener is not None:
                listener.cell(self._with_gaps(state))

        found = run_cells(
            self._cells,
            self._execute,
            self._run.names,
            plots=Plots(self._node_of),
            clock=self._clock,
            listen=listen,
        )
        return found._replace(states=tuple(map(self._with_gaps, found.states)))

    def _with_gaps(self, state: CellState) -> CellState:
        """Return the state of a cell with the turns of its loops that were not recorded."""
        cell = self._cells[state.number - 1]
        last = cell.line + cell.text.count("\n")
        gaps = tuple(gap for gap in self._run.recorder.gaps if cell.line <= gap.line <= last)
        return state._replace(gaps=gaps)

    def _execute(self, statement: ast.stmt, _is_last: bool) -> StatementResult:
        run = self._run
        before, printed = GeneratorStates.now(), len(run.output.texts)
        run.take_last_value()
        error = None
        try:
            run.run_body(self._part(statement))
        except ProgramError as failure:
            error = failure
        value = run.take_last_value()
        return StatementResult(
            error,
            value,
            self._node_of(value),
            len(run.recorder.nodes),
            "".join(text for _, text in run.output.texts[printed:]),
            before.drawn(),
        )

    def _part(self, statement: ast.stmt) -> Sequence[ast.stmt]:
        """Return a statement with what is noted around it; an import of one name of several as it is."""
        part = self._parts.get(_place(statement), [])
        if isinstance(statement, ast.Import | ast.ImportFrom):
            own = next((one for one in part if isinstance(one, ast.Import | ast.ImportFrom)), None)
            if own is None or len(own.names) != len(statement.names):
                return [statement]
        return part or [statement]

    def _node_of(self, value: object) -> int | None:
        tensor = value if isinstance(value, Tensor) else self._run.tensor_of(value)
        node = None if tensor is None else self._run.recorder.node_of(tensor)
        return None if node is None else node.index


def _place(statement: ast.stmt) -> Place:
    return statement.lineno, statement.col_offset
