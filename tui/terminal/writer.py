"""A thread that writes to the terminal, so that a terminal that doesn't read never stops the app."""

from __future__ import annotations

import os
import termios
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread

PATIENCE = 1.0  # seconds that a terminal has to take the last words


class Writer(Thread):
    """Writes in order. Whoever draws asks `behind` first, and draws again when it is told of a drain."""

    def __init__(self, descriptor: int, drained: Callable[[], None], gone: Callable[[], None]) -> None:
        """`drained` is called from the thread whenever everything was written, `gone` if that can't be."""
        super().__init__(daemon=True, name="terminal-output")
        self._descriptor = descriptor
        self._drained = drained
        self._gone = gone
        self._waiting: deque[bytes] = deque()
        self._changed = Condition()
        self._busy = False
        self._ending = False
        self._broken = False

    @property
    def behind(self) -> bool:
        """Whether there is something that the terminal has not taken yet."""
        with self._changed:
            return bool(self._waiting) or self._busy

    def write(self, text: str) -> None:
        """Takes text to be written; never waits."""
        with self._changed:
            if text and not self._broken:
                self._waiting.append(text.encode("utf-8", "replace"))
                self._changed.notify_all()

    def run(self) -> None:
        """Writes until told to stop."""
        while True:
            with self._changed:
                self._busy = False
                while not self._waiting and not self._ending:
                    self._changed.wait()
                if not self._waiting:
                    return
                data = b"".join(self._waiting)
                self._waiting.clear()
                self._busy = True
            try:
                self._send(memoryview(data))
            except OSError:
                self._break()
                return
            with self._changed:
                done = not self._waiting
                self._busy = self._busy and not done
            if done:
                self._drained()

    def _send(self, data: memoryview) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _break(self) -> None:
        with self._changed:
            self._broken, self._busy = True, False
            self._waiting.clear()
        self._gone()

    def stop(self) -> None:
        """Writes what there is and ends; a terminal that takes nothing loses what it was sent and is left."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self.join(PATIENCE)
        if self.is_alive():
            with suppress(termios.error, OSError):
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
            self.join(PATIENCE / 2)
