"""Turn exceptions of the user's own code into `ProgramError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def user_code_errors(*ours: type[Exception]) -> Iterator[None]:
    """Turn any exception inside the context, `SystemExit` included, into a `ProgramError` with its frames.

    Args:
        ours: Exception types of our own, which pass through unchanged.
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
    """Return the `ProgramError` for an exception of user code: its type, its message, and its frames."""
    from llm_linalg.base.errors import ProgramError, innermost
    from llm_linalg.recording.call_sites import frames_of

    frames = frames_of(error.__traceback__)
    said = str(error).strip().split("\n")[0]
    message = f"{type(error).__name__}: {said}" if said else type(error).__name__
    found = ProgramError(message, *innermost(frames))
    found.frames = frames
    found.trace = vars(error).get("trace")
    return found
