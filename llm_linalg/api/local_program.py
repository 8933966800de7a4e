"""A program that runs in this process: our own text, or one that the user trusts."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import Any

from llm_linalg.api.node import Node
from llm_linalg.api.programs import FEW_CALLS, Halt, Program, ProgramTask
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, ShapeError
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.capture.limits import Interruption
from llm_linalg.capture.program import ProgramRun
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.ending import Ending


class Clock:
    """Takes the line that runs, and ends the program at a line after its time, or when it is to stop."""

    def __init__(self, seconds: float | None, halt: Halt | None) -> None:
        self._seconds, self._halt = seconds, halt
        self._end = inf if seconds is None else monotonic() + seconds
        self.is_over = False

    @classmethod
    def of(cls, task: ProgramTask, runs: int = 1) -> Clock | None:
        """Return the clock of a program that runs some times; None for one that nothing stops."""
        seconds = None if task.seconds is None else task.seconds * runs
        return cls(seconds, task.halt) if seconds or task.halt else None

    def __setitem__(self, _place: int, line: int) -> None:
        if self._halt is not None and self._halt():
            raise Interruption(HaltedError("stopped: what stands below was not run"))
        if monotonic() > self._end:
            self.is_over = True
            raise Interruption(LimitError(timeout_message(self._seconds)))


def timeout_message(seconds: float | None) -> str:
    """Return why a program was stopped by its clock, and what to do about it."""
    used = f"stopped after {seconds:g} s" if seconds else "its processor time is used up"
    return f"{used}: use fewer iterations, or raise the time limit (--time-limit)"


class LocalProgram(Program):
    """A program in this process."""

    def __init__(self, task: ProgramTask) -> None:
        super().__init__(task)
        self._run: ProgramRun | None = None

    @rare_full_collections()
    def run(self, *, repairs: bool = True) -> Trace:
        task = self.task
        clock = Clock.of(task)
        self._run = run = ProgramRun(
            *(task.source, task.seed, task.names, task.cells, task.halt),
            node_type=Node,
            explain=explain_failure,
            running_line=clock,
        )
        try:
            run.run()
            return self._traced(run, Ending())
        except ProgramError as error:
            ending = Ending.of(error)
            if clock is not None and clock.is_over:
                ending = ending._replace(kind="time")
            error.trace = self._traced(run, ending, failed=True)
            error.trace.failed_line = error.line
            if repairs and isinstance(error, ShapeError):
                self.find_repairs(error, run.failures.call_of(error), run.source, is_short=run.is_short)
            error.source = task.source  # a notebook's, with its commands
            raise

    def _traced(self, run: ProgramRun, ending: Ending, *, failed: bool = False) -> Trace:
        run.ending = ending
        trace = Trace.of(run.record(failed=failed))
        trace.ending = ending
        return trace

    def value(self, expression: str, **names: Any) -> Any:
        if self._run is None:
            raise ProgramError("the program was not run")
        return self._run.evaluate(expression, **names)

    @property
    def names(self) -> tuple[str, ...]:
        return () if self._run is None else self._run.own_names

    @property
    def was_cheap(self) -> bool:
        return self._run is not None and self._run.calls_of_last <= FEW_CALLS

    @property
    def operations_of_last(self) -> frozenset[str]:
        return frozenset() if self._run is None else self._run.operations_of_last

    def close(self) -> None:
        if self._run is not None:
            self._run.recorder.release()
