"""What ends a program, as an error to show: Python's words and torch's, with the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, Span
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import hint
from llm_linalg.capture.limits import Interruption
from llm_linalg.capture.sites import Sites
from llm_linalg.ops.operation import Call
from llm_linalg.recording.ending import OUT_OF_MEMORY
from llm_linalg.recording.failed_call import FailedCall, FailedOperand
from llm_linalg.recording.recorder import Recorder

Explain = Callable[[FailedCall, Source, Span | None], ProgramError]
"""Turns a failed torch call into the error that is shown."""

_OF_TORCH = (RuntimeError, TypeError, ValueError, IndexError)  # what torch raises
_ALLOCATOR = "DefaultCPUAllocator: "
"""What torch says when there is no more memory, in an exception like any other."""


class Failures:
    """Turns what a program raises into errors.

    `try_again` returns the torch call that fails in an expression; None if nobody can tell.

    Attributes:
        names: The names where it failed, those of the innermost function first.
    """

    def __init__(
        self,
        source: Source,
        sites: Sites,
        recorder: Recorder,
        explain: Explain | None = None,
        try_again: Callable[[str], Call | None] = lambda _expression: None,
    ) -> None:
        self._source, self._sites, self._recorder = source, sites, recorder
        self._explain, self._try_again = explain or as_torch_says, try_again
        self._calls: list[tuple[ProgramError, FailedCall]] = []
        self.names: dict[str, Any] = {}

    def shown(self, error: BaseException) -> ProgramError | None:
        """Return the error to show for what was raised; None if it ends the program as it wished."""
        if isinstance(error, SystemExit) and not error.code:
            return None
        frames = self._sites.frames(error.__traceback__)
        site = self._sites.at(frames[-1][0].f_code, frames[-1][1]) if frames else None
        span = None if site is None else site[0]
        if frames:
            self.names = {**frames[-1][0].f_globals, **frames[-1][0].f_locals}
        shown = self._as_program_error(error, span)
        if shown.span is None and span is not None:
            shown.span, shown.source = span, self._source.text
        if not shown.frames:
            shown.frames = self._sites.calls_of_methods(frames)
        shown.exception = None if isinstance(error, ProgramError | Interruption) else error
        return shown

    def call_of(self, error: ProgramError) -> FailedCall | None:
        """Return the torch call whose failure an error shows; None if it shows no call's."""
        return next((call for own, call in self._calls if own is error), None)

    def _as_program_error(self, error: BaseException, span: Span | None) -> ProgramError:
        if isinstance(error, ProgramError):
            return error
        if isinstance(error, Interruption):
            return error.error
        if isinstance(error, KeyboardInterrupt):
            return HaltedError("stopped: what stands below was not run")
        if isinstance(error, RecursionError):
            return LimitError(f"RecursionError: {error}", span, self._source.text)
        if isinstance(error, MemoryError) or _ALLOCATOR in str(error):
            return LimitError(OUT_OF_MEMORY, span, self._source.text)
        recorder = self._recorder
        call = recorder.failed if recorder.failure in (error, error.__cause__) else None
        if call is None and recorder.gaps and span is not None and isinstance(error, _OF_TORCH):
            # In a gap nobody sees the calls.
            call = self._try_again(span.of(self._source.lines))
        if call is not None:
            operands = [
                FailedOperand(recorder.node_of(own), tuple(recorder.names_of(own)), recorder.label_of(own))
                for own in call.tensors
            ]
            failed = FailedCall(call, str(error), tuple(operands))
            shown = self._explain(failed, self._source, span)
            self._calls.append((shown, failed))
            return shown
        kind, words = type(error).__name__, str(error)  # as Python writes them
        if isinstance(error, NameError) and error.name:
            words += hint(error.name, self.names)
        return ProgramError(f"{kind}: {words}" if words else kind, span, self._source.text)


def as_torch_says(failed: FailedCall, source: Source, span: Span | None) -> ProgramError:
    """Return torch's own words for a failed call."""
    first = next((line for line in failed.message.splitlines() if line.strip()), "it failed")
    return ProgramError(f"{failed.call.operation.name}: {first}", span, source.text)
