"""Runs programs in the room, in the way of its tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from llm_linalg.recording.ending import Ending
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.room.room_client import Room, room
from llm_linalg.room.room_limits import RoomLimits
from llm_linalg.room.room_run import RoomRun
from llm_linalg.room.zygote_process import readable
from llm_linalg.tracefile.log_reader import Reader


class Outcome(NamedTuple):
    """What a program printed, and how it ended."""

    printed: str
    ending: Ending


def printed(run: RoomRun) -> str:
    """Returns what a program has printed so far."""
    reader = Reader(run.memory, RecordNode)
    reader.read()
    return "".join(text for _, text in reader.prints)


def outcome(
    source: str,
    seconds: float | None = 10.0,
    limits: RoomLimits | None = None,
    halt: Callable[[], bool] | None = None,
    where: Room | None = None,
) -> Outcome:
    """Returns what a program printed and how it ended."""
    run = (where or room()).start({"source": source}, limits)
    try:
        ending = run.wait(seconds, halt)
        return Outcome(printed(run), ending)
    finally:
        run.close()


def gone(process: int, seconds: float = 1.0) -> bool:
    """Returns whether a process has ended, or does within that time; one that nobody has reaped counts."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return readable(handle, seconds)
    finally:
        os.close(handle)
