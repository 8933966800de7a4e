"""A program that can be run, in this process or in a room, and asked about the state that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from llm_linalg.base.errors import HaltedError, ProgramError

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


def value_or_none(program: Program, expression: str) -> Any:
    """Return the value of an expression in the state that a program left; None if it has none.

    Raises:
        HaltedError: If it was stopped.
    """
    try:
        return program.value(expression)
    except HaltedError:
        raise
    except ProgramError:
        return None


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
