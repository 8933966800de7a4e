"""A mark that a program is being run, by which the next start knows that a process died of it.

It stands in the user's folder for programs while one of the playground's is run and first drawn. A process
that native code or the system ends removes it no more: then that program is opened, and not run, until it is
changed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

from llm_linalg.base import file_io
from tui.files import user_dirs

NAME = "running"


class RunMark:
    """The mark of one process.

    Args:
        folder: The user's folder for programs; None keeps none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = None if folder is None else folder / NAME
        self._marked = ""  # what stands there of ours
        self._lock = Lock()  # it is set in a run's thread
        self._fatal = self._left_over()

    def _left_over(self) -> str:
        """Return what tells the program at which another process died; empty if none did."""
        if self._path is None:
            return ""
        try:
            owner, _, digest = user_dirs.read_own(file_io.written_path(self._path)).strip().partition(" ")
        except (OSError, ValueError):
            return ""
        return "" if not owner.isdecimal() or _lives(int(owner[:9])) else digest

    def is_fatal(self, program: str) -> bool:
        """Return whether a process died while it ran this program, and no other was run since."""
        return bool(self._fatal) and _digest(program) == self._fatal

    def set(self, program: str) -> None:
        """Note that a program is about to be run."""
        with self._lock:
            self._fatal = ""
            self._write(_digest(program))

    def clear(self, program: str | None = None) -> None:
        """Note that a program has been run and drawn, whichever it was unless given; another's mark stays."""
        with self._lock:
            if program is None or self._marked == _digest(program):
                self._write("")

    def _write(self, digest: str) -> None:
        if self._path is None or digest == self._marked:
            return
        self._marked = digest
        with suppress(OSError, ValueError):  # what can't be marked is run all the same
            user_dirs.keep(self._path, f"{os.getpid()} {digest}\n" if digest else "", sync=False)


def _digest(program: str) -> str:
    import hashlib  # it brings OpenSSL, which the first paint does without

    return hashlib.sha256(program.encode("utf-8", "replace")).hexdigest()


def _lives(process: int) -> bool:
    """Return whether there is such a process, other than this one."""
    if process in (0, os.getpid()):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
