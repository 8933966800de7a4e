"""A program of anyone's: it runs in a room, and what it tells becomes a trace here.

Nothing that it tells is believed before it was checked, and nothing of it is compiled in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from llm_linalg.api.node import Node
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import (
    FormatError,
    HaltedError,
    LimitError,
    ProgramError,
    RoomError,
    ShapeError,
)
from llm_linalg.base.source import Source
from llm_linalg.explain.repairs import lasting_repairs, repairs_of
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.failed_call import FailedCall, FailedOperand
from llm_linalg.room.room_client import room
from llm_linalg.room.room_limits import SECONDS, RoomLimits
from llm_linalg.room.room_run import RoomRun
from llm_linalg.tracefile.log_reader import Reader
from llm_linalg.tracefile.plain_values import UntoldValueError, encode

Halt = Callable[[], bool]
TRIAL_SECONDS = 1.0  # of a program that is run again with a repair


class RoomProgram:
    """A program in a room: its trace, and the values of expressions in the state that it leaves.

    Args:
        source: The program.
        seed: The seed of its random numbers.
        names: Plain values that it may use.
        cells: The lines, from 1, at which its cells begin, if it has cells.
        seconds: Its time; None leaves counts, memory and processor seconds.
        halt: Asked all along whether to stop.
        read: The folder that it may read; none if empty.
        trust: Whether it may run with the user's rights where this machine has no lock.
    """

    def __init__(
        self,
        source: str,
        *,
        seed: int = 0,
        names: Mapping[str, Any] | None = None,
        cells: Sequence[int] = (),
        seconds: float | None = SECONDS,
        halt: Halt | None = None,
        read: str = "",
        trust: bool = False,
    ) -> None:
        self.source = source
        self._seed, self._names, self._cells = seed, dict(names or {}), tuple(cells)
        self._seconds, self._halt = seconds, halt
        self._limits = RoomLimits(read=read, trust=trust)
        self._run: RoomRun | None = None
        self._reader: Reader[Node] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End its process."""
        if self._run is not None:
            self._run.close()

    def run(self, *, repairs: bool = True) -> Trace:
        """Run it and return its trace.

        Args:
            repairs: Whether repairs of a shape error are looked for.

        Raises:
            ProgramError: If it fails; its `trace` is what ran.
            RoomError: If nothing foreign may run on this machine.
        """
        text = Source(self.source)  # what can't be read needs no process
        request = {
            "source": self.source,
            "seed": self._seed,
            "names": {name: encode(value) for name, value in self._names.items()},
            "cells": self._cells,
        }
        self._run = run = room().start(request, self._limits, halt=self._halt)
        ending = run.wait(self._seconds, self._halt)
        self._reader = reader = Reader(run.memory, Node)
        try:
            while reader.poll():
                pass
            trace = Trace.of(reader.record())
        except FormatError as error:
            self.close()
            raise RoomError(f"what the program told can't be believed: {error}") from None
        trace.ending = ending if reader.ending is None or ending.kind != "done" else reader.ending
        error = self._error(text, ending, trace)
        if error is None:
            return trace
        error.trace = trace
        trace.failed_line = error.line
        if repairs and isinstance(error, ShapeError):
            error.repairs = self._repairs(text, error)
        raise error

    def _error(self, text: Source, ending: Ending, trace: Trace) -> ProgramError | None:
        """Return the error with which it ended; None if it ran to its end."""
        told = self._reader.error if self._reader is not None else None
        span = None if ending.line is None else text.line_span(ending.line)
        if ending.kind == "done":
            return None
        if ending.kind == "halted":
            return HaltedError("stopped: what stands below was not run", span, text.text)
        if ending.kind == "time":
            said = f"stopped after {self._seconds:g} s" if self._seconds else "its processor time is used up"
            return LimitError(f"{said}: use fewer iterations, or raise the time limit", span, text.text)
        if ending.kind in ("memory", "signal", "exit") or told is None:
            kind = LimitError if ending.kind == "memory" else ProgramError
            return kind(f"{ending}", span, text.text)
        failed = self._failed_call()
        if failed is not None and not isinstance(told, LimitError) and told.span is not None:
            explained = explain_failure(failed, text, told.span)
            explained.frames = told.frames
            return explained
        told.source = text.text
        return told

    def _failed_call(self) -> FailedCall | None:
        if self._reader is None or self._reader.failed is None:
            return None
        call, message, operands = self._reader.failed
        return FailedCall(call, message, tuple(FailedOperand(*own) for own in operands))

    def _repairs(self, text: Source, error: ShapeError) -> tuple[Any, ...]:
        """Return the repairs of an error, each tried in the state at the failure, and in the whole program."""
        failed = self._failed_call()
        if failed is None:
            return ()
        error.repairs = repairs_of(failed, text, error.span, error, self._value_or_none)
        return lasting_repairs(error, text, self._try)

    def _try(self, source: str) -> None:
        again = RoomProgram(
            source,
            seed=self._seed,
            names=self._names,
            cells=self._cells,
            seconds=TRIAL_SECONDS,
            halt=self._halt,
            read=self._limits.read,
            trust=self._limits.trust,
        )
        with again:
            again.run(repairs=False)

    def _value_or_none(self, expression: str) -> Any:
        try:
            return self.value(expression)
        except HaltedError:
            raise
        except ProgramError:
            return None

    def value(self, expression: str, **names: Any) -> Any:
        """Return the value of an expression in the state that the program left.

        Tensors, numbers, texts and lists of them come as they are; of anything else comes its text.

        Raises:
            ProgramError: If it fails, or takes too long.
        """
        if self._run is None or self._reader is None:
            raise RoomError("the program was not run")
        try:
            given = {name: encode(value) for name, value in names.items()}
        except UntoldValueError:
            raise ProgramError("a value that can't be handed over") from None
        word, *rest = self._run.ask({"ask": expression, "names": given}) or [""]
        if word == "error":
            raise ProgramError(str(rest[0]) if rest else "it failed")
        try:
            while self._reader.poll():
                pass
            return self._reader.value(rest)
        except FormatError as error:
            raise RoomError(f"what the program told can't be believed: {error}") from None
