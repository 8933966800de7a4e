"""A program that runs in this process: our own text, or one that the user trusts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from time import monotonic
from typing import Any

from llm_linalg.api.node import Node
from llm_linalg.api.programs import Halt, ProgramFacts, value_or_none
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, ShapeError
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.capture.limits import Interruption
from llm_linalg.capture.program import ProgramRun
from llm_linalg.explain.repairs import lasting_repairs, repairs_of
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.ending import Ending

TRIAL_SECONDS = 1.0  # of a program that is run again with a repair


class _Clock:
    """Takes the line that runs, and ends the program at a line after its time, or when it is to stop.

    Args:
        seconds: The program's time.
        halt: Whether to stop.
    """

    def __init__(self, seconds: float, halt: Halt | None) -> None:
        self._seconds, self._halt = seconds, halt
        self._end = monotonic() + seconds
        self.is_over = False

    def __setitem__(self, _place: int, line: int) -> None:
        if self._halt is not None and self._halt():
            raise Interruption(HaltedError("stopped: what stands below was not run"))
        if monotonic() > self._end:
            self.is_over = True
            raise Interruption(LimitError(timeout_message(self._seconds)))


def timeout_message(seconds: float | None) -> str:
    """Return why a program was stopped by its clock, and what to do about it."""
    used = f"stopped after {seconds:g} s" if seconds else "its processor time is used up"
    return f"{used}: use fewer iterations, or raise the time limit"


class LocalProgram:
    """A program in this process; the arguments are those of `program_of`."""

    def __init__(
        self,
        source: str,
        *,
        seed: int = 0,
        names: Mapping[str, Any] | None = None,
        cells: Sequence[int] = (),
        seconds: float | None = None,
        halt: Halt | None = None,
    ) -> None:
        self._source, self._seed, self._names, self._cells = source, seed, names, cells
        self._seconds, self._halt = seconds, halt
        self._run: ProgramRun | None = None

    def run(self, *, repairs: bool = True) -> Trace:
        clock = None if self._seconds is None else _Clock(self._seconds, self._halt)
        self._run = run = ProgramRun(
            self._source,
            self._seed,
            self._names,
            self._cells,
            self._halt,
            node_type=Node,
            explain=explain_failure,
            running_line=clock,
        )
        with rare_full_collections():
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
                    self._find_repairs(run, error)
                error.source = self._source  # a notebook's, with its commands
                raise

    def _traced(self, run: ProgramRun, ending: Ending, *, failed: bool = False) -> Trace:
        run.ending = ending
        trace = Trace.of(run.record(failed=failed))
        trace.ending = ending
        return trace

    def _find_repairs(self, run: ProgramRun, error: ShapeError) -> None:
        failed = run.failures.call_of(error)
        if failed is None:
            return
        error.repairs = repairs_of(failed, run.source, error.span, error, partial(value_or_none, self))
        if run.is_short:
            error.repairs = lasting_repairs(error, run.source, self._try)

    def _try(self, source: str) -> None:
        seconds = None if self._seconds is None else TRIAL_SECONDS
        again = LocalProgram(
            source,
            seed=self._seed,
            names=self._names,
            cells=self._cells,
            seconds=seconds,
            halt=self._halt,
        )
        with closing(again):
            again.run(repairs=False)

    def value(self, expression: str, **names: Any) -> Any:
        if self._run is None:
            raise ProgramError("the program was not run")
        return self._run.evaluate(expression, **names)

    def facts(self) -> ProgramFacts:
        if self._run is None:
            return ProgramFacts()
        return ProgramFacts(self._run.own_names, self._run.is_random)

    @property
    def was_cheap(self) -> bool:
        return self._run is not None and self._run.was_cheap

    def close(self) -> None:
        if self._run is not None:
            self._run.recorder.release()
