"""A program of anyone's: it runs in a room, and what it tells becomes a trace here.

Nothing that it tells is believed before it was checked, and nothing of it is compiled in this process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

import torch
from torch import Tensor

from llm_linalg.api.local_program import timeout_message
from llm_linalg.api.node import Node
from llm_linalg.api.programs import FEW_CALLS, SECONDS, Program, ProgramTask
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import (
    FormatError,
    HaltedError,
    LimitError,
    ProgramError,
    RoomError,
    ShapeError,
    Span,
)
from llm_linalg.base.source import Source
from llm_linalg.base.text import clean
from llm_linalg.capture.cell_program import cells_of
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.failed_call import FailedCall
from llm_linalg.recording.record import AskFunction
from llm_linalg.room.room_client import room
from llm_linalg.room.room_limits import ANSWER_SECONDS, RoomLimits
from llm_linalg.room.room_run import RoomRun
from llm_linalg.room.tier import known_lack, tier
from llm_linalg.tracefile.log_format import MOST_LISTS, MOST_NAME
from llm_linalg.tracefile.log_reader import Reader
from llm_linalg.tracefile.plain_values import UntoldValueError, encode_whole

SHORT = 0.5  # seconds: a program that takes no more is run again with each repair
MOST_GIVEN = 2**18  # cells of a gradient that a function of the program is called with
AT_ONCE = 200  # records of a log that are read between two looks at whether to stop


class RoomProgram(Program):
    """A program in a room."""

    was_cheap = True
    operations_of_last: frozenset[str] = frozenset()

    def __init__(self, task: ProgramTask) -> None:
        super().__init__(task)
        self._text = Source("")
        self._run: RoomRun | None = None
        self._began = 0.0
        self._reader: Reader[Node] | None = None
        self._is_damaged = False

    def close(self) -> None:
        if self._run is not None:
            self._run.close()

    def run(self, *, repairs: bool = True) -> Trace:
        task = self.task
        if not task.cells or task.seconds is None:
            ending = self.start().wait(task.seconds, self._read_on)
        else:
            run = self.start(seconds=task.seconds)
            ending = run.wait_for_cells(task.seconds, task.cells, self._read_on)
        return self.finish(ending, repairs=repairs)

    def _read_on(self) -> bool:
        """Read what the program told meanwhile; return whether to stop it."""
        if self.task.halt is not None and self.task.halt():
            return True
        if self._reader is not None and not self._is_damaged:
            try:
                self._reader.poll(AT_ONCE)
            except FormatError:  # it is raised again once the program has ended
                self._is_damaged = True
        return self._is_damaged

    def start(self, **more: Any) -> RoomRun:
        """Start it; `more` is added to the request."""
        task = self.task
        _, self._text = cells_of(task.source, task.cells)  # what can't be read needs no process
        names = {name: encode_whole(value) for name, value in (task.names or {}).items()}
        request = {
            "source": task.source,
            "seed": task.seed,
            "names": names,
            "cells": tuple(task.cells),
            **more,
        }
        self._run = self._started(request)
        self._began = monotonic()
        self._reader = Reader(self._run.memory, Node)
        return self._run

    def finish(self, ending: Ending, *, repairs: bool = False) -> Trace:
        """Return its trace once it has ended; raises what `run` does."""
        if self._run is None or self._reader is None:
            raise RoomError("the program was not run")
        text, reader = self._text, self._reader
        try:
            reader.read()
            trace = Trace.of(reader.record())
        except FormatError as error:
            self.close()
            raise RoomError(f"what the program told can't be believed: {error}") from None
        trace.cell_errors = tuple(
            [_explained(error, reader.cell_calls.get(at), text) for at, error in enumerate(trace.cell_errors)]
        )
        trace.ending = ending if reader.ending is None or ending.kind != "done" else reader.ending
        trace.functions = partial(_functions, replace(self.task, halt=None), trace.nodes)
        failure = self._failure(text, ending)
        if failure is None:
            return trace
        failure.trace = trace
        trace.failed_line = failure.line
        if repairs and isinstance(failure, ShapeError):
            is_short = monotonic() - self._began < SHORT
            self.find_repairs(failure, reader.failed, text, is_short=is_short)
        raise failure

    def _started(self, request: dict[str, Any]) -> RoomRun:
        if lack := known_lack():
            raise RoomError.without_lock(lack)
        try:
            return room().start(request, RoomLimits(read=self.task.read), halt=self.task.halt)
        except RoomError:
            if lack := tier().reason:
                raise RoomError.without_lock(lack) from None
            raise

    def _failure(self, text: Source, ending: Ending) -> ProgramError | None:
        """Return the error with which it ended; None if it ran to its end."""
        error = self._reader.error if self._reader is not None else None
        line = ending.line or 0
        span = Span.of_line(line, text.lines[line - 1]) if 1 <= line <= len(text.lines) else None
        has_exited = ending.kind == "exit" and self._reader is not None and self._reader.ending is not None
        if ending.kind == "done" or has_exited:  # as after `sys.exit()`: its process is there
            return None
        if ending.kind == "halted":
            return HaltedError("stopped: what stands below was not run", span, text.text)
        if ending.kind == "time":
            return LimitError(timeout_message(self.task.seconds), span, text.text)
        if ending.kind in ("signal", "exit") or error is None:
            kind = LimitError if ending.kind == "memory" else ProgramError
            return kind(f"{ending}", span, text.text)
        error.source = self.task.source  # what is no Python is not in the text
        return _explained(error, None if self._reader is None else self._reader.failed, text)

    def value(self, expression: str, **names: Any) -> Any:
        """Return what `Program.value` does; of what is no tensor, number, text or list, its text."""
        try:
            known = {name: encode_whole(value) for name, value in names.items()}
        except UntoldValueError:
            raise ProgramError("a value that can't be handed over") from None
        return self.asked({"ask": expression, "names": known})

    def asked(self, request: dict[str, Any], seconds: float = ANSWER_SECONDS) -> Any:
        """Return what the child answers in the state that the program left."""
        if self._run is None or self._reader is None:
            raise RoomError("the program was not run")
        match self._run.ask(request, seconds):
            case ["error", reason]:
                raise ProgramError(clean(str(reason), MOST_NAME))
            case ["value", encoded, references, int() as calls, list() as operations]:
                self.was_cheap = calls <= FEW_CALLS
                self.operations_of_last = frozenset(own for own in operations if isinstance(own, str))
            case _:
                raise RoomError("what the program told can't be believed: an answer with other parts")
        try:
            self._reader.read()
            return self._reader.value([encoded, references])
        except FormatError as error:
            raise RoomError(f"what the program told can't be believed: {error}") from None

    @property
    def names(self) -> tuple[str, ...]:
        return () if self._reader is None else self._reader.own_names


@contextmanager
def _functions(task: ProgramTask, nodes: Sequence[Node]) -> Iterator[AskFunction]:
    """Yield what calls functions of the program: it runs once more, when the first is called."""
    again: list[RoomProgram] = []

    def ask(at: int, hooks: bool, cotangents: Sequence[Tensor | None]) -> Sequence[Tensor]:
        if not again:
            again.append(RoomProgram(task))
            with suppress(ProgramError):  # it fails as it did
                again[0].run(repairs=False)
        node = nodes[at]
        request = {"at": at, "hooks": hooks, "cotangents": list(map(_told, cotangents))}
        made: Any = again[0].asked(request, task.seconds or SECONDS)
        wanted = [node.value, *([node.value] if hooks else [operand.value for operand in node.operands])]
        if made.__class__ is not list or list(map(_kind, made)) != list(map(_kind, wanted)):
            raise RoomError("what the program told can't be believed: gradients of other shapes")
        if not torch.allclose(made[0], node.value, rtol=0, atol=0, equal_nan=True):
            raise ProgramError("the program gives other values when it runs again")
        return made[1:]

    try:
        yield ask
    finally:
        for program in again:
            program.close()


def _told(cotangent: Tensor | None) -> Any:
    """Return a cotangent as a shape, whether its pairs are complex numbers, and its numbers in pieces."""
    if cotangent is None:
        return None
    if cotangent.numel() > MOST_GIVEN:
        raise ProgramError(f"a gradient of more than {MOST_GIVEN:,} cells can't be handed to it")
    own = torch.view_as_real(cotangent.resolve_conj()) if cotangent.is_complex() else cotangent
    return [
        own.shape,
        cotangent.is_complex(),
        [encode_whole(piece) for piece in torch.split(own.flatten(), MOST_LISTS)],
    ]


def _kind(value: Any) -> object:
    return (value.dtype, value.shape) if isinstance(value, Tensor) else None


def _explained(error: ProgramError, failed: FailedCall | None, text: Source) -> ProgramError:
    """Return an error as it is shown; where it is a torch call's failure, torch's words are explained."""
    if failed is None or isinstance(error, LimitError) or error.span is None:
        return error
    explained = explain_failure(failed, text, error.span)
    explained.frames = error.frames
    explained.source = error.source or text.text  # a notebook's, with its commands
    return explained
