"""A program that can be run, in this process or in a room, and asked about the state that it leaves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llm_linalg.base.errors import HaltedError, ProgramError, ShapeError
from llm_linalg.explain.repairs import lasting_repairs, repairs_of

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.source import Source
    from llm_linalg.recording.failed_call import FailedCall

Halt = Callable[[], bool]
SECONDS = 2.0  # of a program that somebody waits for
FEW_CALLS = 1_000  # of torch, of an expression that others like it may be tried
TRIAL_SECONDS = 1.0  # of a program that is run again with a repair


@dataclass(frozen=True, slots=True)
class ProgramTask:
    """A program, and with what it is run.

    Attributes:
        source: The program.
        seed: The seed of its random numbers.
        names: Plain values that it may use.
        cells: The lines, from 1, at which its cells begin, if it has cells.
        seconds: Its time; None leaves counts, memory and processor seconds.
        halt: Asked all along whether to stop.
        read: The folder that it may read; none if empty.
    """

    source: str
    seed: int = 0
    names: Mapping[str, Any] | None = None
    cells: Sequence[int] = ()
    seconds: float | None = SECONDS
    halt: Halt | None = None
    read: str = ""


class Program(ABC):
    """A program, run once."""

    def __init__(self, task: ProgramTask) -> None:
        self.task = task

    @abstractmethod
    def run(self, *, repairs: bool = True) -> Trace:
        """Run it and return its trace.

        Args:
            repairs: Whether repairs of a shape error are looked for.

        Raises:
            ProgramError: If it fails; its `trace` is what ran.
            RoomError: If nothing foreign may run on this machine.
        """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names that it has bound."""

    @abstractmethod
    def value(self, expression: str, **names: Any) -> Any:
        """Return the value of an expression in the state that it left, which stays as it is.

        Raises:
            ProgramError: If the text is not one expression, or fails.
        """

    @property
    @abstractmethod
    def was_cheap(self) -> bool:
        """Whether the last expression took so little that others like it may be tried."""

    @property
    @abstractmethod
    def operations_of_last(self) -> frozenset[str]:
        """The operations of torch that the last expression called."""

    @abstractmethod
    def close(self) -> None:
        """Let go of its state."""

    def find_repairs(
        self, error: ShapeError, failed: FailedCall | None, text: Source, *, is_short: bool
    ) -> None:
        """Note its repairs on an error, each tried where it failed, and in the whole of a short program."""
        if failed is not None:
            error.repairs = repairs_of(failed, text, error.span, error, self._value_or_none)
            if is_short:
                error.repairs = lasting_repairs(error, text, self._try)

    def _value_or_none(self, expression: str) -> Any:
        try:
            return self.value(expression)
        except HaltedError:
            raise
        except ProgramError:
            return None

    def _try(self, source: str) -> None:
        task = replace(self.task, source=source, seconds=self.task.seconds and TRIAL_SECONDS)
        with closing(type(self)(task)) as again:
            again.run(repairs=False)
