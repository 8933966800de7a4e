"""Turn exceptions of the user's own code into `ProgramError`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from linecache import getline
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_linalg.base.errors import StackFrame


@contextmanager
def user_code_errors(*ours: type[Exception]) -> Iterator[None]:
    """Turn any exception inside the context into a `ProgramError` with its frames: `SystemExit` and `^C` too.

    Those of the types `ours` pass through unchanged.
    """
    from llm_linalg.base.errors import HaltedError, ProgramError, innermost
    from llm_linalg.recording.call_sites import frames_of

    said_already: tuple[type[Exception], ...] = (ProgramError, *ours)
    try:
        yield
    except said_already:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        frames = vars(error).get("frames") or (*frames_of(error.__traceback__), *_place_of_syntax(error))
        kind = HaltedError if isinstance(error, KeyboardInterrupt) else ProgramError
        failure = kind(_said(error), *innermost(frames))
        failure.frames = frames
        failure.trace = vars(error).get("trace")
        raise failure from error


def _said(error: BaseException) -> str:
    """Return what an exception says, in one line, and what to do if it is not in the code itself."""
    from llm_linalg.explain.shape_errors import plain_message

    kind, words = type(error).__name__, str(error).strip()
    if isinstance(error, KeyboardInterrupt):
        return "stopped: what comes after this was not run"
    if isinstance(error, SyntaxError):
        words = error.msg
    if isinstance(error, ModuleNotFoundError):
        words = f"{words}: it is not installed where llm-linalg is, in {sys.prefix}"
    words = " ".join(plain_message(line.strip()) for line in words.splitlines() if line.strip())
    return f"{kind}: {words}" if words else kind


def _place_of_syntax(error: BaseException) -> tuple[StackFrame, ...]:
    """Return the place in a file that Python can't read, as a frame; of any other error none."""
    from llm_linalg.base.errors import Span, StackFrame

    if not isinstance(error, SyntaxError) or not error.filename or not error.lineno:
        return ()
    text = getline(error.filename, error.lineno).rstrip("\n")
    first = max((error.offset or 1) - 1, 0)
    last = error.end_offset - 1 if error.end_lineno == error.lineno and error.end_offset else 0
    span = Span(error.lineno, first, error.lineno, max(last, first + 1))
    return (StackFrame(error.filename, span, "<module>", text),)
