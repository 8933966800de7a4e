"""Trusted Python shown in place of a lesson: a function or a module to run, or an existing trace."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from llm_linalg.api.user_code import user_code_errors

if TYPE_CHECKING:
    from llm_linalg.analysis.comparison import Comparison
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace


Halt = Callable[[], bool]
Make = Callable[[int, int | None, Halt | None], "Trace"]


class ExternalProgram:
    """A traceable program outside the lessons, run by the app on demand.

    Args:
        make: Returns its trace, given a seed, the position of a node around which values are kept (None for
            the latest), and a function asked at each torch call whether to stop.
        words: The command line that opens it again, without the program's name; empty if there is none.
        comparison: What differs between its trace and another.
    """

    def __init__(
        self, make: Make, words: tuple[str, ...] = (), comparison: Comparison[Node] | None = None
    ) -> None:
        self.words = words
        self.comparison = comparison
        self._make = make
        self._last: tuple[int, Trace] | None = None

    def run(self, seed: int, around: int | None = None, halt: Halt | None = None) -> Trace:
        """Return the trace, reusing the last one if the seed is the same and the wanted values are there.

        Its output is in the trace's `printed`.

        Raises:
            ProgramError: If it fails in any way, with the frames that led to the failure.
        """
        if self._last is not None and self._last[0] == seed:
            trace = self._last[1]
            if around is None or around >= len(trace.nodes) or not trace.nodes[around].dropped:
                return trace
        printed = io.StringIO()
        with user_code_errors(), redirect_stdout(printed):
            made = self._make(seed, around, halt)
        made.printed = made.printed or printed.getvalue()
        self._last = seed, made
        return made


def of_trace(
    trace: Trace, words: tuple[str, ...] = (), comparison: Comparison[Node] | None = None
) -> ExternalProgram:
    """Return an existing trace as an external program, compared with another; the seed has no effect."""

    def make(_seed: int, around: int | None, _halt: Halt | None) -> Trace:
        return trace if around is None or trace.rerun is None else trace.rerun(around)

    return ExternalProgram(make, words, comparison)


def of_function(
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    words: tuple[str, ...] = (),
    keep: int | None = None,
    named: Mapping[str, Any] | None = None,
) -> ExternalProgram:
    """Return a function or a module with its inputs, by position and by name, as an external program."""

    def make(seed: int, around: int | None, halt: Halt | None) -> Trace:
        from llm_linalg.api.trace import trace
        from llm_linalg.recording.retention import BUDGET

        kept = BUDGET if keep is None else keep
        return trace(function, *inputs, seed=seed, keep=kept, around=around, halt=halt, **(named or {}))

    return ExternalProgram(make, words)
