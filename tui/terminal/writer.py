"""A thread that writes to the terminal, so that a terminal that doesn't read never stops the app."""

from __future__ import annotations

import os
import termios
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread

PATIENCE = 1.0  # seconds that a terminal has to take the last words


class TerminalWriter(Thread):
    """Writes in order. The app draws only while it is not `behind`, and again once all is written."""

    def __init__(
        self,
        descriptor: int,
        drained: Callable[[], None],
        gone: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Take what is called from the thread.

        Args:
            descriptor: the terminal's.
            drained: whenever everything was written.
            gone: if nothing can be written any more.
            failed: for any other error; from then on `write` writes directly, to leave the terminal.
        """
        super().__init__(daemon=True, name="terminal-output")
        self._descriptor = descriptor
        self._drained = drained
        self._gone = gone
        self._failed = failed
        self._waiting: deque[bytes] = deque()
        self._changed = Condition()
        self._busy = False
        self._ending = False
        self._broken = False
        self._alone = False

    @property
    def behind(self) -> bool:
        """Whether there is something that the terminal has not taken yet."""
        with self._changed:
            return bool(self._waiting) or self._busy

    def write(self, text: str) -> None:
        """Take text to be written; never wait."""
        with self._changed:
            if text and self._alone:
                with suppress(OSError):
                    os.write(self._descriptor, text.encode("utf-8", "replace"))
            elif text and not self._broken:
                self._waiting.append(text.encode("utf-8", "replace"))
                self._changed.notify_all()

    def run(self) -> None:
        """Write until told to stop."""
        try:
            self._work()
        except OSError:
            self._break()
            self._gone()
        except Exception as error:  # noqa: BLE001 - nobody else would see that it has ended
            self._break(alone=True)
            self._failed(error)

    def _work(self) -> None:
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
            self._send(memoryview(data))
            with self._changed:
                done = not self._waiting
                self._busy = self._busy and not done
            if done:
                self._drained()

    def _send(self, data: memoryview) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _break(self, *, alone: bool = False) -> None:
        with self._changed:
            self._broken, self._busy, self._alone = True, False, alone
            self._waiting.clear()

    def stop(self) -> None:
        """Write what there is and end; a terminal that takes nothing loses what it was sent and is left."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self.join(PATIENCE)
        if self.is_alive():
            with suppress(termios.error, OSError):
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
            self.join(PATIENCE / 2)
