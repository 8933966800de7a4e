"""Where a program runs: our own text in this process, anyone else's in a room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llm_linalg.api.local_program import LocalProgram
from llm_linalg.api.programs import SECONDS, Halt, Program
from llm_linalg.api.trust import is_trusted


@contextmanager
def program_of(
    source: str,
    *,
    own: bool,
    seed: int = 0,
    names: Mapping[str, Any] | None = None,
    cells: Sequence[int] = (),
    seconds: float | None = SECONDS,
    halt: Halt | None = None,
    read: str = "",
    trust: bool = False,
) -> Iterator[Program]:
    """Hold a program where it may run: our own text in this process, anyone else's in a room.

    Where a machine has no lock, a trusted program runs in this process, with the user's rights.

    Args:
        source: The program.
        own: Whether it is our own text, as the course is.
        seed: The seed of its random numbers.
        names: Plain values that it may use.
        cells: The lines, from 1, at which its cells begin, if it has cells.
        seconds: Its time; None leaves counts, memory and processor seconds.
        halt: Asked all along whether to stop.
        read: The folder that it may read; none if empty.
        trust: Whether it may run with the user's rights where there is no lock.

    Raises:
        RoomError: If nothing foreign may run on this machine.
    """
    program: Program
    if own or runs_here(trust):
        clock = None if own else seconds
        program = LocalProgram(source, seed=seed, names=names, cells=cells, seconds=clock, halt=halt)
    else:
        from llm_linalg.api.room_program import RoomProgram  # which the course does without

        program = RoomProgram(
            source, seed=seed, names=names, cells=cells, seconds=seconds, halt=halt, read=read
        )
    try:
        yield program
    finally:
        program.close()


def runs_here(trust: bool) -> bool:
    """Return whether a foreign program runs in this process: there is no lock, and it is trusted."""
    from llm_linalg.room.tier import tier

    return is_trusted(trust) and tier().lock is None
