"""A program on a pty of its own, and a terminal emulator that shows what it writes.

Nothing here sleeps: whoever waits, waits for something to be on the screen, or for the program's end.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import TracebackType
from unittest.mock import patch

import pyte

from tui.cli.main import main

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 120.0  # seconds: past this a program that we wait for is broken, on however busy a machine
APP = (sys.executable, "-W", "ignore", "-m", "tui")
# What pyte would show as text: the keyboard protocol and queries of modes.
UNKNOWN = re.compile(rb"\x1b\[[<>=][\d;]*[a-zA-Z]|\x1b\[\?\d+\$p")
MODE = re.compile(rb"\x1b\[\?(\d+)([hl])")
OFF = (1049, 1000, 1002, 1003, 1004, 1006, 1015, 1016, 2004, 2026, 2048)  # modes off when nobody runs
ON = (7, 25)  # wrapping, and a cursor

Source = int | None


def environment(**changed: str | None) -> dict[str, str]:
    """What the usual SSH session gives, of which `changed` is changed, or left out if None."""
    kept = ("PATH", "HOME", "VIRTUAL_ENV", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    plain = {name: os.environ[name] for name in kept if name in os.environ}
    plain |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    return {name: value for name, value in (plain | changed).items() if value is not None}


def printed(*words: str, said: str = "", env: Mapping[str, str | None] | None = None) -> str:
    """All that a command prints that takes no terminal: in this process, where it costs no start.

    Args:
        words: The command line.
        said: What comes on standard input.
        env: What of the usual environment is changed, or left out if None.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in "oe")
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as stdin,
        patch.dict(os.environ, environment(**(env or {})), clear=True),
        patch.object(sys, "stdin", stdin),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        stdin.write(said)
        stdin.seek(0)
        main(words)
    return b"".join(stream.detach().getvalue() for stream in (out, err)).decode("utf-8")


def within(reached: Callable[[], bool], seconds: float = LONGEST) -> bool:
    """Whether something comes true in that time."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            return False
        select.select([], [], [], 0.02)
    return True


def gone(pid: int) -> bool:
    """Waits until a process that is not our child has ended."""

    def ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    return within(ended)


def busy(pid: int) -> bool:
    """Whether a thread of a process, or of one that it started, runs or waits to run; unknown is no."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        states = [(task / "stat").read_text(encoding="ascii", errors="replace") for task in tasks]
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # another system, or it has ended
        return False
    running = any(state.rpartition(")")[2].split()[0] in "RD" for state in states)
    return running or any(busy(int(child)) for child in children)


class Console:
    """One program on a pty. A context manager: leaving it ends the program."""

    def __init__(
        self,
        *words: str,
        argv: Sequence[str] = APP,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str | None] | None = None,
        stdin: Source = None,
        stdout: Source = None,
        stderr: Source = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        """What is None of the three streams is the pty. `before` runs in the child, before the program."""
        self.master, self.slave = os.openpty()
        self._size(*size)
        # What one program remembers is not the next one's. One that is killed may be writing it.
        self._state = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.lines_before = termios.tcgetattr(self.slave)[3]
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        streams = (stdin, stdout, stderr)

        def begin() -> None:
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            if before is not None:
                before()

        self.process = subprocess.Popen(
            [*argv, *words],
            stdin=streams[0] if streams[0] is not None else self.slave,
            stdout=streams[1] if streams[1] is not None else self.slave,
            stderr=streams[2] if streams[2] is not None else self.slave,
            env=environment(**({"XDG_STATE_HOME": self._state.name} | dict(env or {}))),
            cwd="/",
            start_new_session=True,
            preexec_fn=begin,  # noqa: PLW1509 - it only makes the pty the controlling terminal
        )

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._state.cleanup()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self.slave = -1

    @property
    def text(self) -> str:
        """What stands on the screen, a line a row."""
        return "\n".join(self.screen.display)

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the window; the kernel tells the program."""
        self.screen.resize(rows, columns)
        self._size(columns, rows)

    def send(self, keys: str | bytes) -> None:
        """Types; reads meanwhile what comes, so that neither side can stop the other."""
        data = memoryview(keys.encode() if isinstance(keys, str) else keys)
        end = time.monotonic() + LONGEST
        while data:
            readable, writable, _ = select.select([self.master], [self.master], [], 0.5)
            if readable:
                self._take()
            if writable:
                data = data[os.write(self.master, data[:512]) :]
            assert time.monotonic() < end, "the program does not read its keys"

    def _take(self, most: int = 1 << 16) -> int:
        data = os.read(self.master, most)
        self.raw += data
        self._stream.feed(UNKNOWN.sub(b"", data))
        return len(data)

    def read(self, seconds: float) -> int:
        """Reads what comes within `seconds`, at most one piece; returns its bytes."""
        ready, _, _ = select.select([self.master], [], [], max(0.0, seconds))
        return self._take() if ready else 0

    def read_all(self) -> None:
        """Reads what the terminal holds now."""
        while self.read(0.0):
            pass

    def until(self, wanted: str | Callable[[], bool], seconds: float = LONGEST) -> Console:
        """Reads until the screen has this text, or until it is as wanted."""
        reached = wanted if callable(wanted) else lambda: wanted in self.text
        end = time.monotonic() + seconds
        while not reached():
            ended = self.process.poll() is not None
            if self.read(0.0 if ended else 0.2) == 0 and ended and not reached():
                raise AssertionError(f"ended ({self.process.returncode}) without {wanted!r}:\n{self.text}")
            if time.monotonic() > end:
                raise AssertionError(f"no {wanted!r} in {seconds:g} s:\n{self.text}")
        return self

    def slowly(self, rate: float, reached: Callable[[], bool]) -> Console:
        """Reads `rate` bytes a second, as a slow link does, until the screen is as wanted."""
        begun = time.monotonic()
        taken = 0
        while not reached():
            now = time.monotonic() - begun
            allowed = int(rate * now) - taken
            if allowed > 0 and select.select([self.master], [], [], 0.01)[0]:
                taken += self._take(min(allowed, 1 << 12))
            else:
                select.select([], [], [], 0.005)  # the link is busy
                taken = max(taken, int(rate * (now - 0.05)))  # what was not used is gone
            assert now < LONGEST, f"not reached:\n{self.text}"
        return self

    def quiet(self, seconds: float = 0.5) -> str:
        """Reads until nothing more comes for so long; returns what stands on the screen then.

        On a busy machine a program that has something to do may be kept waiting for much longer: where the
        system says so, none of its threads must be about to run.
        """
        end = time.monotonic() + LONGEST
        while self.read(seconds) or busy(self.process.pid):
            assert time.monotonic() < end, f"it does not come to rest:\n{self.text}"
        return self.text

    def wait(self, seconds: float = LONGEST) -> int:
        """Reads until the program has ended; returns its exit code, negative for a signal's."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            self.read(0.05)
            assert time.monotonic() < end, f"did not end in {seconds:g} s:\n{self.text}"
        self.read_all()
        return self.process.returncode

    def leave(self, key: str = "q") -> int:
        """Presses a key until the program has ended; returns its exit code.

        A key that a busy program reads together with an Escape before it is another key: it is pressed again.
        """
        end = time.monotonic() + LONGEST
        while self.process.poll() is None:
            with suppress(OSError):
                self.send(key)
            self.quiet(0.5)
            assert time.monotonic() < end, f"{key} did not end it in {LONGEST:g} s:\n{self.text}"
        return self.wait()

    def signal(self, number: int) -> None:
        """Sends a signal to the program alone."""
        os.kill(self.process.pid, number)

    @property
    def app(self) -> int:
        """The process of the app, which the one that was started attends to. Needs a /proc."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children")
        self.until(lambda: bool(children.read_text(encoding="ascii").split()))
        return int(children.read_text(encoding="ascii").split()[0])

    def stopped(self, seconds: float = LONGEST) -> bool:
        """Waits until the program is stopped, as by ctrl+z."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.process.pid, os.WNOHANG | os.WUNTRACED)
            if pid:
                self.read_all()  # what it wrote between the last look and its stop
                return os.WIFSTOPPED(status) and os.WSTOPSIG(status) in (signal.SIGSTOP, signal.SIGTSTP)
        return False

    def hang_up(self) -> None:
        """The terminal goes away, as when a window is closed."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    @property
    def after(self) -> str:
        """What was written after the screen was given back, but for modes."""
        return MODE.sub(b"", self.raw.rpartition(b"\x1b[?1049l")[2]).decode("utf-8", "replace")

    @property
    def left_over(self) -> list[str]:
        """What the program changed in the terminal and did not put back; empty is right."""
        modes = {int(number): way == b"h" for number, way in MODE.findall(self.raw)}
        wrong = [f"mode {number} on" for number in OFF if modes.get(number, False)]
        wrong += [f"mode {number} off" for number in ON if not modes.get(number, True)]
        kitty = self.raw.count(b"\x1b[>") - self.raw.count(b"\x1b[<u")
        wrong += ["keyboard protocol on"] if kitty > 0 else []
        wrong += ["raw input"] if termios.tcgetattr(self.slave)[3] != self.lines_before else []
        return wrong
