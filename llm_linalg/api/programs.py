"""A program that can be run, in this process or in a room, and asked about the state that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace

Halt = Callable[[], bool]
SECONDS = 2.0
"""The time of a program that somebody waits for."""


class ProgramFacts(NamedTuple):
    """What a program has left, without the values.

    Attributes:
        names: The names that it has bound.
        is_random: Whether it drew random numbers.
    """

    names: tuple[str, ...] = ()
    is_random: bool = False


class Program(Protocol):
    """A program, run once."""

    def run(self, *, repairs: bool = True) -> Trace:
        """Run it and return its trace.

        Args:
            repairs: Whether repairs of a shape error are looked for.

        Raises:
            ProgramError: If it fails; its `trace` is what ran.
            RoomError: If nothing foreign may run on this machine.
        """

    def facts(self) -> ProgramFacts:
        """Return what it has left."""

    def value(self, expression: str, **names: Any) -> Any:
        """Return the value of an expression in the state that it left, which stays as it is.

        Raises:
            ProgramError: If the text is not one expression, or fails.
        """

    @property
    def was_cheap(self) -> bool:
        """Whether the last expression took so little that others like it may be tried."""

    def close(self) -> None:
        """Let go of its state."""


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
        from llm_linalg.api.local_program import LocalProgram

        clock = None if own else seconds
        program = LocalProgram(source, seed=seed, names=names, cells=cells, seconds=clock, halt=halt)
    else:
        from llm_linalg.api.room_program import RoomProgram

        program = RoomProgram(
            source, seed=seed, names=names, cells=cells, seconds=seconds, halt=halt, read=read
        )
    try:
        yield program
    finally:
        program.close()


def runs_here(trust: bool) -> bool:
    """Return whether a foreign program runs in this process: there is no lock, and it is trusted."""
    from llm_linalg.api.trust import is_trusted
    from llm_linalg.room.tier import tier

    return is_trusted(trust) and tier().lock is None
