"""What ends a program from outside, and what no program can catch as one of its errors."""

from __future__ import annotations

from llm_linalg.base.errors import ProgramError


class Interruption(BaseException):
    """Ends a program with an error that is not the program's.

    Attributes:
        error: The error: a limit that it exceeds, or that it was stopped.
    """

    def __init__(self, error: ProgramError) -> None:
        super().__init__(str(error))
        self.error = error
