"""How a run ended."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.base.text import clean

EndingKind = Literal["done", "failed", "time", "counts", "memory", "halted", "signal", "exit"]
ENDING_KINDS: tuple[EndingKind, ...] = get_args(EndingKind)
OUT_OF_MEMORY = "the program takes more memory than there is"
"""The message of the error of a program that Python or torch could give no more memory."""
_SENTENCES: dict[EndingKind, str] = {
    "done": "it ran to its end",
    "failed": "it failed",
    "time": "its time was up",
    "counts": "it asked for too much",
    "memory": "it ran out of memory",
    "halted": "it was stopped",
    "signal": "its process was ended by a signal",
    "exit": "its process exited",
}


class Ending(NamedTuple):
    """How a run ended. `str()` of it is a sentence without a full stop.

    Attributes:
        kind: What ended it: `done` if nothing did but its last line; `failed` by an error; its limits of
            `time`, `counts` or `memory`; `halted` from outside; a `signal` or an `exit` of its process.
        line: The line, from 1, that ran then; None if that is not known, or it is done.
        message: What is known beside that, such as the error's message.
    """

    kind: EndingKind = "done"
    line: int | None = None
    message: str = ""

    @classmethod
    def of(cls, error: ProgramError) -> Ending:
        """Return how a run ended that raised an error."""
        kind: EndingKind = "failed"
        if isinstance(error, HaltedError | LimitError):
            kind = "halted" if isinstance(error, HaltedError) else "counts"
            kind = "memory" if error.message == OUT_OF_MEMORY else kind
        return cls(kind, error.line, error.message)

    def __str__(self) -> str:
        place = "" if self.line is None else f" at line {self.line}"
        more = f": {clean(self.message, 600)}" if self.message else ""
        return f"{_SENTENCES[self.kind]}{place}{more}"
