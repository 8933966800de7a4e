"""A program of several devices, each in a room of its own: the app carries what they exchange."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic
from typing import Any

from torch import Tensor

from llm_linalg.api.programs import Halt, ProgramTask
from llm_linalg.api.room_program import RoomProgram
from llm_linalg.api.trace import Trace
from llm_linalg.base.constants import MOST_RANKS
from llm_linalg.base.errors import FormatError, ProgramError
from llm_linalg.base.text import clean
from llm_linalg.capture.devices import DIFFERENT_EXCHANGES, MOST_EXCHANGES
from llm_linalg.room.room_run import RoomRun
from llm_linalg.tracefile.plain_values import Decoder

_BEAT = 0.005  # seconds between two looks at a device
_MOST_NAME = 200


def run_on_devices(task: ProgramTask, ranks: int) -> tuple[Trace, ...]:
    """Run a program on several devices, each a locked process, and return the trace of each.

    It has the number of its device as the name `rank`, and their count as `ranks`.

    Raises:
        ProgramError: If it fails on a device, or the devices don't all make the same exchanges.
        RoomError: If nothing foreign may run on this machine.
    """
    if not 1 <= ranks <= MOST_RANKS:
        raise ProgramError(f"a program runs on 1 to {MOST_RANKS} devices, not {ranks}")
    with ExitStack() as ends:
        programs = []
        for rank in range(ranks):
            names = {**(task.names or {}), "rank": rank, "ranks": ranks}
            programs.append(RoomProgram(replace(task, names=names, cells=())))
            ends.callback(programs[-1].close)
        runs = [program.start(device=[rank, ranks]) for rank, program in enumerate(programs)]
        _run_together(runs, task.seconds, task.halt)
        pairs = [*zip(programs, runs, strict=True)]
        failed = [pair for pair in pairs if pair[1].ending is not None and pair[1].ending.kind == "failed"]
        for program, run in failed:  # the others were stopped because of it
            program.finish(run.wait(task.seconds, task.halt))
        return tuple([program.finish(run.wait(task.seconds, task.halt)) for program, run in pairs])


def _run_together(runs: Sequence[RoomRun], seconds: float | None, halt: Halt | None) -> None:
    """Carry the parts of exchanges until all devices have ended, or one can't go on.

    Raises:
        ProgramError: If they don't make the same exchanges.
    """
    end = None if seconds is None else monotonic() + seconds * len(runs)
    exchanges = 0
    while [run for run in runs if not run.poll(_BEAT)]:
        if halt is not None and halt():
            _stop(runs, "halted")
            return
        if end is not None and monotonic() > end:
            _stop(runs, "time")
            return
        if any(run.ending is not None and run.ending.kind != "done" for run in runs):
            _stop(runs, "halted")  # the error is the one device's
            return
        waiting = [run for run in runs if run.part is not None]
        if len(waiting) + sum(run.ending is not None for run in runs) < len(runs):
            continue
        exchanges += 1
        if exchanges > MOST_EXCHANGES:
            raise ProgramError(f"the devices exchange more than {MOST_EXCHANGES} times")
        if len(waiting) < len(runs):
            raise ProgramError(DIFFERENT_EXCHANGES)
        _hand_out(runs)


def _stop(runs: Sequence[RoomRun], kind: Any) -> None:
    for run in runs:
        if run.ending is None:
            run.stop(kind)


def _hand_out(runs: Sequence[RoomRun]) -> None:
    """Give each device the parts of all; raises `ProgramError` if they are of different kinds."""
    parts = [run.part for run in runs]
    try:
        if len({_kind(part) for part in parts}) > 1:
            raise ProgramError(DIFFERENT_EXCHANGES)
    except (FormatError, ValueError, TypeError):
        raise ProgramError("what a device exchanges can't be believed") from None
    reply = {"parts": [encoded for _, encoded, _ in parts], "name": clean(str(parts[0][2]), _MOST_NAME)}
    for run in runs:
        run.part = None
        run.send(reply)


def _kind(part: Any) -> tuple[str, tuple[int, ...], str]:
    """Return of a device's part which call it is for, its shape and its dtype."""
    call, encoded, _name = part
    tensor = Decoder().decode(encoded)
    if not isinstance(tensor, Tensor):
        raise TypeError("a part that is no tensor")
    return str(call), tuple(tensor.shape), str(tensor.dtype)
