"""The end of the process where a run is still under way: code of the user's own that heeds nobody."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

THREAD = "llm-linalg run"  # the name of the threads that run programs
PATIENCE = 0.5  # seconds in which a run may come to its next call, and end


def leave(code: int) -> int:
    """Returns the exit code; with a run still in a call, the process ends here, since Python would wait.

    Torch, taken down under a thread that is in it, may end the process by a signal: so nothing is taken down.
    """
    running = [thread for thread in threading.enumerate() if thread.name == THREAD]
    for thread in running:
        thread.join(PATIENCE)
    if not any(thread.is_alive() for thread in running):
        return code
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    os._exit(code)
