"""Keep the terminal for the screen, and send what libraries write to a log."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tui.terminal import supervisor
from tui.terminal.crash_log import log_file


class Redirection(NamedTuple):
    """The terminal's own file descriptor, and the log that descriptors 1 and 2 lead to meanwhile."""

    screen: int
    log: Path | None


@contextmanager
def redirect_output() -> Iterator[Redirection]:
    """Keep the terminal for the app alone: what C++ writes to descriptor 1 or 2 is found in the log.

    A log that nobody wrote to is removed.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    screen, narration = os.dup(1), os.dup(2)
    handle, log = log_file()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    enables = not faulthandler.is_enabled()
    if enables:  # where it was, in case native code ends the process
        faulthandler.enable(handle)
    supervisor.notes.log = "" if log is None else str(log)
    try:
        yield Redirection(screen, log)
    finally:
        if enables:
            faulthandler.disable()
        supervisor.notes.log = ""
        os.dup2(screen, 1)
        os.dup2(narration, 2)
        os.close(narration)
        empty = os.fstat(handle).st_size == 0
        os.close(handle)
        os.close(screen)
        if log is not None and empty:
            with suppress(OSError):
                log.unlink()
