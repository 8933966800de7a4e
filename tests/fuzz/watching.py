"""Runs programs, and holds that each is a value or an error of ours, and that the system sees none of it."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter

from llm_linalg import ProgramError, run

SCREEN = 24 * 80 * 2
# What Python tells its hooks of itself: a tree that is parsed, a frame or an object that is looked at.
HARMLESS = (
    "compile",
    "object.",
    "sys._getframe",
    "sys._current_frames",
    "gc.",
    "builtins.id",
    "sys.excepthook",
)


class Watch:
    """Counts what a process asks of the system: files, processes, connections, imports, code that is run.

    An audit hook stays for as long as the process lives; it counts while the watch is on.
    """

    def __init__(self) -> None:
        self.on = False
        self.events: Counter[str] = Counter()
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and not event.startswith(HARMLESS):
            self.on = False  # to tell of it may itself be an event
            self.events[f"{event} {arguments!r:.200}"] += 1
            self.on = True


def outcome(program: str) -> str:
    """Run a program and return what came of it: the name of the error, or nothing.

    Raises:
        AssertionError: If the error is longer than a screen or holds what can't be seen.
        Exception: Whatever is no error of ours.
    """
    lines = range(1, program.count("\n") + 2)
    try:
        run(program, cells=lines, seconds=0.1)  # what fails in one line doesn't keep the next from being run
    except ProgramError as error:
        text = str(error)
        if len(text) > SCREEN or len(text.splitlines()) > 24:
            raise AssertionError(f"an error of {len(text)} characters") from error
        if [c for c in text.replace("\n", "") if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]:
            raise AssertionError("an error holds characters that can't be seen") from error
        return type(error).__name__
    return ""
