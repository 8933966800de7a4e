"""How long a rehearsal has been, and may be: counted in steps, never in seconds."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from llm_linalg.errors import ProgramError
from llm_linalg.foresight.hollow import Fails, Hollow
from llm_linalg.foresight.least import Least
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.source import Source

LONGEST = 6_700  # steps of a rehearsal; what each takes is in `costs`
A_NODE = 0.6  # steps that it may be shorter for each node of the program, which take long to read
A_CALL = 12  # steps that a call of torch takes as long as


class Timed(Interpreter):
    """Does what an `Interpreter` does, on tensors without cells, and counts how long.

    Attributes:
        exact: Whether values are known for each of the turns that are gone through as one.
        dearest: Whether it goes through what the program does at most, not at least.
        longest: How long it may be, in steps.

    Args:
        source: The checked program.
        names: What it may use.
        budget: What it takes its steps and calls of.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget, _unexplained)
        self.budget: Least = budget
        budget.went_on = self.went_on
        made = source.found.setdefault(Hollow, {})
        self.hollow = Hollow(budget, lambda: self.recorder.severed, lambda: self.went_on(0), made)
        self.exact = self.dearest = False
        self.hurried = False
        self.longest = LONGEST - int(A_NODE * source.size)
        self._steps = 0

    @property
    def length(self) -> int:
        """How long the rehearsal has been, in steps."""
        return self._steps + A_CALL * self.hollow.calls

    def hurry(self, times: int) -> None:
        """Be so many times shorter, at most: the program was rehearsed before."""
        self.hurried, self.longest = True, self.longest // times

    @property
    def too_long(self) -> bool:
        """Whether the rehearsal was too long to be finished."""
        return self.length > self.longest

    def go_through_names(self) -> None:
        """Count nothing: there may be other names than the run will have."""

    def went_on(self, steps: int = 1) -> None:
        """Count steps of the rehearsal; it ends when it has been long enough."""
        self._steps += steps
        if self._steps + A_CALL * self.hollow.calls > self.longest:
            raise Ends

    def error(self, *_: Any) -> ProgramError:
        """Say that the program fails."""
        raise Fails

    def outside(self, message: str, node: ast.AST) -> ProgramError:
        """Say that the program is refused here."""
        raise Fails(super().outside(message, node))


class Ends(Exception):  # noqa: N818
    """The rehearsal ends: it took long enough, or too little is known of what comes next."""


def _unexplained(*_: Any) -> ProgramError:
    raise Fails
