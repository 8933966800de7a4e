"""Errors of the user's own code, as errors of a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def user_code_errors(*ours: type[Exception]) -> Iterator[None]:
    """Runs the user's own code: whatever it raises, an exit too, is a `ProgramError` that says where.

    Args:
        ours: Errors that it doesn't raise but we do, which go through as they are.
    """
    from llm_linalg.base.errors import ProgramError

    said: tuple[type[Exception], ...] = (ProgramError, *ours)
    try:
        yield
    except said:
        raise
    except (Exception, SystemExit) as error:
        raise error_of_user_code(error) from error


def error_of_user_code(error: BaseException) -> Exception:
    """What to show of an error that user code raised: its kind, its words, and the frames that led to it."""
    from llm_linalg.base.errors import ProgramError, innermost
    from llm_linalg.recording.call_sites import frames_of

    frames = frames_of(error.__traceback__)
    said = str(error).strip().split("\n")[0]
    message = f"{type(error).__name__}: {said}" if said else type(error).__name__
    found = ProgramError(message, *innermost(frames))
    found.frames = frames
    return found
