"""Run the program of a request in a locked process, and tell of it: the seam of room, capture and trace.

What the program does is told in the log as it does it. After its end the process answers what is asked in the
state that the program left: expressions for repairs, answers and checks.
"""

from __future__ import annotations

import mmap
import signal
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.capture.devices import DevicePart, LocalDevice, Parts
from llm_linalg.capture.limits import Interruption
from llm_linalg.capture.program import ProgramRun
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.record import Record
from llm_linalg.room.room_limits import TOO_LONG
from llm_linalg.tracefile.log_format import LINE, MOST_FAILED, MemoryLog
from llm_linalg.tracefile.log_writer import Writer
from llm_linalg.tracefile.plain_values import Decoder, UntoldValueError, encode_whole

if TYPE_CHECKING:
    from llm_linalg.room.requests import Requests

MOST_NAMES = 1_000  # of a program that are told
MOMENT = 0.001  # seconds: a cell that has used up its time is stopped at once


class Timeout(Interruption):
    """The program's time is up."""

    seconds: float | None = None
    """How long the program of this process may take, or each of its cells."""

    def __init__(self) -> None:
        after = "" if self.seconds is None else f" after {self.seconds:g} s"
        way_on = "use fewer iterations, or raise the time limit (--time-limit)"
        super().__init__(LimitError(f"stopped{after}: {way_on}"))


class Alarm:
    """The time of a cell, which runs while this is entered; the alarm of this process stops the cell.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, max(self._left, MOMENT))

    def __exit__(self, *_: object) -> None:
        self._left = signal.setitimer(signal.ITIMER_REAL, 0)[0]


class ToldProgram:
    """A program that runs in this process, and is told of in a log.

    Args:
        request: The program's `source`, and perhaps its `seed`, `names`, `cells`,
            `seconds` (of each cell) and `device`.
        memory: The memory of the log.
        requests: Where a device meets the others; None if nobody asks.
    """

    def __init__(self, request: Mapping[str, Any], memory: mmap.mmap, requests: Requests | None) -> None:
        self._source, self._seed = str(request["source"]), int(request.get("seed", 0))
        self._names = {name: Decoder().decode(value) for name, value in request.get("names", {}).items()}
        self._cells = tuple(request.get("cells", ()))
        self._seconds = Timeout.seconds = request.get("seconds")
        self.log = Writer(MemoryLog(memory), self._source, self._seed)
        self._run: ProgramRun | None = None
        self._device: LocalDevice | None = None
        if requests is not None and "device" in request:
            rank, ranks = request["device"]
            self._device = LocalDevice(rank, ranks, partial(_exchange, requests=requests))

    def run(self) -> Ending:
        """Run it to its end, and return that."""
        try:
            self._run = run = ProgramRun(
                self._source,
                self._seed,
                self._names,
                self._cells,
                explain=explain_failure,
                listener=self.log,
                running_line=self.log.head[LINE:],
                device=self._device,
                clock=nullcontext if self._seconds is None else partial(Alarm, self._seconds),
            )
        except ProgramError as error:  # it can't be read
            self.log.rest(Record((), {}, self._source, self._seed), error)
            ending = Ending.of(error)
        else:
            failure, ending = self._failure_of(run)
            record = run.record(failed=failure is not None)
            record.failed_line = None if failure is None else failure.line
            calls = self._tell_failed_calls(run, [*record.cell_errors, failure])
            for name, node in record.names.items():
                self.log.bound(name, node)
            self.log.rest(record, failure, calls, run.own_names[:MOST_NAMES])
        self.log.ended(ending)
        return ending

    def _failure_of(self, run: ProgramRun) -> tuple[ProgramError | None, Ending]:
        try:
            run.run()
        except Timeout as timeout:
            return timeout.error, Ending("time", int(self.log.head[LINE]) or None)
        except ProgramError as error:
            is_late = error.__cause__.__class__ is Timeout
            return error, Ending("time", error.line) if is_late else Ending.of(error)
        return None, run.ending

    def _tell_failed_calls(self, run: ProgramRun, errors: Sequence[ProgramError | None]) -> list[int]:
        """Tell the torch calls whose failures errors show, and return the positions of those errors."""
        places: list[int] = []
        for place, error in enumerate(errors):
            if error is None or error.span is None or len(places) == MOST_FAILED:
                continue
            failed = run.failures.call_of(error)
            with suppress(LimitError, ValueError):  # then torch's own words are shown
                if failed is not None:
                    self.log.failed(failed)
                    places.append(place)
        return places

    def answer(self, request: Mapping[str, Any]) -> list[Any]:
        """Return what is asked in the state that the program left, or why there is no answer.

        That is the value of an expression, `ask` with `names`, or what a function of the program gives for
        `cotangents`: see `ProgramRun.own_gradients`.
        """
        run = self._run
        if run is None:
            return ["error", "the program was not run"]
        names = {name: Decoder().decode(value) for name, value in request.get("names", {}).items()}
        try:
            if "cotangents" in request:
                several = [own and _cotangent(*own) for own in request["cotangents"]]
                value: Any = run.own_gradients(int(request["at"]), several, hooks=bool(request["hooks"]))
            else:
                value = run.evaluate(str(request["ask"]), **names)
        except Timeout:
            raise
        except ProgramError as error:
            return ["error", error.message]
        operations = sorted(run.operations_of_last)[:MOST_NAMES]
        return ["value", *self.log.value(value), run.calls_of_last, operations]


def _cotangent(shape: Sequence[int], is_complex: bool, pieces: Sequence[Any]) -> Tensor:
    own = torch.cat([Decoder().decode(piece) for piece in pieces]).reshape([*shape])
    return torch.view_as_complex(own) if is_complex else own


def _exchange(own: DevicePart, requests: Requests) -> Parts:
    """Hand out a device's part, and return those of all."""
    try:
        with untraced():
            requests.say("exchange", [own.call, encode_whole(own.tensor), own.name])
    except UntoldValueError:
        raise Interruption(LimitError(f"{own.call} hands over more numbers than devices may")) from None
    reply = requests.read()
    if reply is None:
        raise Interruption(HaltedError("stopped: what stands below was not run"))
    with untraced():
        return [Decoder().decode(part) for part in reply["parts"]], reply["name"]


def serve(request: Mapping[str, Any], memory: mmap.mmap, requests: Requests | None) -> None:
    """Run the program of a request, telling of it in `memory`, then answer `requests`."""
    program = ToldProgram(request, memory, requests)
    ending = program.run()
    if requests is None:
        return
    requests.say("end", *ending)
    for further in requests:
        try:
            requests.say("answer", program.answer(further))
        except Timeout:
            requests.say("answer", ["error", TOO_LONG])
