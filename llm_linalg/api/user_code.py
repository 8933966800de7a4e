"""Turn exceptions of the user's own code into `ProgramError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def user_code_errors(*ours: type[Exception]) -> Iterator[None]:
    """Turn any exception inside the context, `SystemExit` included, into a `ProgramError` with its frames.

    Those of the types `ours` pass through unchanged.
    """
    from llm_linalg.base.errors import ProgramError, innermost
    from llm_linalg.recording.call_sites import frames_of

    said_already: tuple[type[Exception], ...] = (ProgramError, *ours)
    try:
        yield
    except said_already:
        raise
    except (Exception, SystemExit) as error:
        frames = frames_of(error.__traceback__)
        said = str(error).strip().split("\n")[0]
        kind = type(error).__name__
        found = ProgramError(f"{kind}: {said}" if said else kind, *innermost(frames))
        found.frames = frames
        found.trace = vars(error).get("trace")
        raise found from error
