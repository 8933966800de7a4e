"""A program on a real pty, driven by keys and read byte by byte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tests.bench.screen import Screen

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 60.0  # seconds: past this a program that we wait for is broken


def environment() -> dict[str, str]:
    """Returns what the usual SSH session gives: 256 colours, UTF-8, nothing of the developer's."""
    kept = {"PATH", "HOME", "VIRTUAL_ENV", "PYTHONPATH", "TMPDIR"}
    plain = {name: value for name, value in os.environ.items() if name in kept}
    nowhere = {"XDG_STATE_HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull}
    return plain | nowhere | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


class Terminal:
    """One program on a pty of its own. A context manager: leaving it ends the program."""

    def __init__(self, argv: Sequence[str], columns: int = 80, rows: int = 24) -> None:
        self.screen = Screen(columns, rows)
        self.peak = 0.0
        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # the child: becomes the program, or nothing
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.chdir(ROOT)
                os.execve(argv[0], list(argv), environment())  # noqa: S606
            finally:
                os._exit(127)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, keys: str) -> None:
        """Types `keys` (escape sequences included)."""
        os.write(self._fd, keys.encode())

    def feed(self, data: bytes) -> None:
        """Sends a lot, and reads meanwhile what comes, so that neither side can stop the other."""
        end = time.perf_counter() + LONGEST
        left = memoryview(data)
        while left:
            readable, writable, _ = select.select([self._fd], [self._fd], [], 0.5)
            if readable:
                self.read(0.0)
            if writable:
                left = left[os.write(self._fd, left[:2048]) :]
            if time.perf_counter() > end:
                raise TimeoutError("the program does not read what it is sent")

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the window, of which nothing is known yet; the kernel tells the program."""
        self.screen = Screen(columns, rows)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> int:
        """Waits at most `seconds` for output; returns the bytes that came, 0 if none did."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, seconds))
        if not ready:
            return 0
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # Linux says so when the program has gone
            data = b""
        if not data:
            raise RuntimeError(f"the program ended; its screen was:\n{self.screen.text}")
        self.screen.feed(data)
        return len(data)

    def until(self, reached: Callable[[Screen], bool]) -> float:
        """Reads until the screen is as wanted; returns the seconds since the program was started."""
        end = time.perf_counter() + LONGEST
        while not reached(self.screen):
            if time.perf_counter() > end:
                raise TimeoutError(f"not reached in {LONGEST:g} s; the screen is:\n{self.screen.text}")
            self.read(0.5)
        return time.perf_counter() - self.started

    def ended(self) -> None:
        """Reads until the program has ended."""
        end = time.perf_counter() + LONGEST
        with contextlib.suppress(RuntimeError):
            while time.perf_counter() < end:
                self.read(0.5)

    def quiet(self, seconds: float = 0.25) -> int:
        """Reads until nothing has come for `seconds`; returns the bytes that came."""
        total = 0
        while came := self.read(seconds):
            total += came
        return total

    def during(self, seconds: float) -> int:
        """Reads for `seconds`, whatever comes; returns the bytes."""
        end = time.perf_counter() + seconds
        total = 0
        while (left := end - time.perf_counter()) > 0:
            total += self.read(left)
        return total

    def cpu(self) -> float:
        """Returns the CPU seconds used so far, also around the app; NaN where there is no /proc."""
        own = Path(f"/proc/{self.pid}")
        if not own.exists():
            return float("nan")
        children = (own / "task" / str(self.pid) / "children").read_text().split()
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in (self.pid, *children)]
        fields = [stat.rpartition(")")[2].split() for stat in stats]
        return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends the program, keeps its peak memory in MB in `peak`."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter() + 5.0
        while True:
            with contextlib.suppress(RuntimeError):
                self.read(0.05)
            pid, _, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() > end:
                os.kill(self.pid, signal.SIGKILL)
        self.peak = megabytes(usage.ru_maxrss)
        os.close(self._fd)


def megabytes(peak: int) -> float:
    """Returns `ru_maxrss` in MB: macOS counts bytes, Linux KiB."""
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
