"""A document run by the tool, as `llm-linalg run` does it, and what came of each cell."""

from __future__ import annotations

import ast
import base64
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from llm_linalg.language import program
from llm_linalg.language.interpreter import Interpreter

from llm_linalg import run
from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.lessons.lesson import Lesson, Stop
from tests.bench.notebooks.flow import Cell
from tests.bench.notebooks.values import Print, fingerprint, same_everywhere

LONGEST_PRINT = 200_000


@dataclass(slots=True)
class Outcome:
    """What came of a cell, in the tool or in plain Python.

    Attributes:
        done: The statements that ended, as text, in order.
        stopped: The statement that failed, as text, if nothing was run after it.
        error: Why a statement was not run, or failed, the first if there are several; None if all were run.
        limit: Whether a limit ended it.
        root: The cell that it is said to rest on, or to be changed by; None if it says nothing of the kind.
        printed: What it printed.
        values: What the names that it mentions were at its end.
        answer: The value of its last expression.
        draws: The state of torch's generator when it began, if that can't be told from the cells above.
    """

    done: list[str] = field(default_factory=list)
    stopped: str | None = None
    error: str | None = None
    limit: bool = False
    root: int | None = None
    printed: str = ""
    values: dict[str, Print] = field(default_factory=dict)
    answer: Print = None
    draws: str | None = None


class Watch:
    """The observations of one run.

    Args:
        starts: The lines at which its cells begin.
        names: The names whose values are wanted at the end of each.
    """

    def __init__(self, starts: list[int], names: list[frozenset[str]]) -> None:
        self.outcomes = [Outcome() for _ in starts]
        self._starts = starts
        self._names = names
        self._at = -1
        self._printed = 0
        self._top: set[int] = set()
        self._run: Interpreter | None = None

    def begin(self, interpreter: Interpreter) -> None:
        """Watches a run, if it is the first: trials of repairs are others."""
        if self._run is None:
            self._run = interpreter
            body = interpreter.source.tree.body
            contexts = [statement for statement in body if isinstance(statement, ast.With)]
            # Of a context that only watches the program the body is run, as if it stood there by itself.
            self._top = {
                id(statement) for block in (body, *(one.body for one in contexts)) for statement in block
            }

    def watches(self, interpreter: Interpreter, statement: ast.stmt) -> bool:
        """Whether a statement is one of the program's own, outside functions and loops."""
        return interpreter is self._run and id(statement) in self._top

    def enter(self, statement: ast.stmt) -> None:
        """Notes that a statement begins."""
        place = bisect_right(self._starts, statement.lineno) - 1
        if place != self._at:
            self.leave_cell()
            self._at = place
            state = torch.default_generator.get_state()
            self.outcomes[place].draws = base64.b64encode(bytes(state.tolist())).decode()
        self.outcomes[place].stopped = ast.unparse(statement)

    def leave(self, answer: Print) -> None:
        """Notes that the statement has ended."""
        outcome = self.outcomes[self._at]
        assert outcome.stopped is not None
        outcome.done.append(outcome.stopped)
        outcome.stopped, outcome.answer = None, answer

    def leave_cell(self) -> None:
        """Notes what the cell has left behind."""
        if self._run is None or self._at < 0:
            return
        printed = "".join(self._run.printed)
        outcome = self.outcomes[self._at]
        outcome.printed = same_everywhere(printed[self._printed :][:LONGEST_PRINT])
        self._printed = len(printed)
        known = self._run.names.maps[-1]
        with untraced():
            outcome.values = {
                name: fingerprint(known[name]) for name in self._names[self._at] if name in known
            }


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Has the runs inside the context observed."""

    class Watched(Interpreter):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._inside = False
            watch.begin(self)

        def execute(self, statements: Any) -> None:
            if self._inside or not (statements and watch.watches(self, statements[0])):
                super().execute(statements)
                return
            for statement in statements:
                watch.enter(statement)
                answers: list[Any] = []
                if isinstance(statement, ast.Expr):
                    self._keep_first(answers)
                self._inside = True
                try:
                    super().execute([statement])
                finally:
                    self._inside = False
                with untraced():
                    watch.leave(fingerprint(answers[0]) if answers else None)

        def _keep_first(self, answers: list[Any]) -> None:
            """Has the value of the next expression kept, which is that of the whole statement."""

            def evaluate(node: ast.expr) -> Any:
                del self.evaluate
                answers.append(self.evaluate(node))
                return answers[0]

            self.evaluate = evaluate  # type: ignore[method-assign]

    with patch.object(program, "Interpreter", Watched):
        yield


def run_document(lesson: Lesson, cells: list[Cell], seconds: float | None) -> list[Outcome]:
    """Runs a document and returns what came of each of its cells."""
    by_number = {cell.number: cell for cell in cells}
    outcomes = {cell.number: Outcome() for cell in cells}
    last: Stop | None = next((stop for stop in reversed(lesson.stops) if stop.exercise is None), None)
    if last is None:
        return list(outcomes.values())
    starts = list(lesson.cells(last))
    numbers = range(1, len(starts) + 1)
    names = [by_number[number].names if number in by_number else frozenset() for number in numbers]
    watch = Watch(starts, names)
    lines = last.program.count("\n") + 1
    with watching(watch):
        try:
            trace = run(f"{last.program}\n", seed=0, seconds=seconds, cells=(*starts, lines + 1))
        except ProgramError as error:  # the budget of the whole document is used up
            trace = error.trace
    watch.leave_cell()
    errors = iter(trace.cell_errors)
    for state, outcome in zip(trace.cells, watch.outcomes, strict=False):
        outcome.root = state.root
        if state.state != "run":
            outcome.error = state.reason
            outcome.limit = isinstance(next(errors, None), LimitError)
    for number, outcome in zip(numbers, watch.outcomes, strict=True):
        if number in outcomes:
            cell = by_number[number]
            unreached = not outcome.done and outcome.error is None and bool(cell.flows)
            outcome.error = "not reached" if unreached else outcome.error
            outcomes[number] = outcome
    return list(outcomes.values())
