"""Over a link of 256 kbit/s with a round trip of 200 ms: how soon keys act, also while it plays.

`python -m tests.bench.link PROGRAM…` runs a program behind such a link: what it writes arrives later and no
faster, as does what is typed. Like SSH it takes in more than is on its way, so that an app can fill it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import time
import tty
from collections import deque
from collections.abc import Sequence

from tests.bench.programs import KEY, MATMUL, PYTHON
from tests.bench.stats import Row, late, middle
from tests.bench.steps import press, ready
from tests.bench.terminal import Terminal

RATE = 32_000  # bytes a second
DELAY = 0.1  # seconds, one way
HELD = 64_000  # bytes that are taken in before the program has to wait
PRESSES = 20
LINK = (PYTHON, "-m", "tests.bench.link")


class Way:
    """One direction: pieces with the moments at which they have arrived."""

    def __init__(self) -> None:
        self.pieces: deque[tuple[float, bytes]] = deque()
        self.held = 0
        self.free = 0.0  # when the link has sent what it was given

    def take(self, data: bytes, now: float) -> None:
        """Sends a piece on its way behind those that are under way."""
        self.free = max(self.free, now) + len(data) / RATE
        self.pieces.append((self.free + DELAY, data))
        self.held += len(data)

    def arrived(self, now: float) -> bytes:
        """What has arrived by now, each piece once."""
        out = b""
        while self.pieces and self.pieces[0][0] <= now:
            out += self.pieces.popleft()[1]
        self.held -= len(out)
        return out

    @property
    def next(self) -> float | None:
        """When the next piece arrives, or None."""
        return self.pieces[0][0] if self.pieces else None


def relay(argv: Sequence[str]) -> int:
    """Runs a program behind the link, on this process's terminal; returns its exit code."""
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
    tty.setraw(0)
    pid, inner = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execv(argv[0], list(argv))  # noqa: S606 - the program to measure
    there, back = Way(), Way()
    open_ = True
    while open_ or back.pieces:
        now = time.monotonic()
        coming = [at - now for way in (there, back) if (at := way.next) is not None]
        wanted = [0] + ([inner] if open_ and back.held < HELD else [])
        readable, _, _ = select.select(wanted, [], [], max(0.0, min(coming, default=0.2)))
        now = time.monotonic()
        if 0 in readable:
            there.take(os.read(0, 4096), now)
        if inner in readable:
            try:
                data = os.read(inner, 1024)
            except OSError:
                data = b""
            open_ = bool(data)
            back.take(data, now)
        for way, end in ((there, inner), (back, 1)):
            arrived = way.arrived(time.monotonic())
            if arrived and (end == 1 or open_):
                os.write(end, arrived)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def link() -> list[Row]:
    """Presses keys over the link, in turn with an app in which a key changes one character."""
    step, base, pause = [], [], []
    with Terminal((*LINK, *MATMUL)) as app, Terminal((*LINK, *KEY)) as bare:
        app.until(ready)
        bare.until(lambda screen: screen.full)
        app.quiet(1.0)
        bare.quiet(0.5)
        press(app, quiet=0.4)
        for _ in range(PRESSES):
            step.append(press(app, quiet=0.4)[2])
            base.append(press(bare, quiet=0.4)[2])
    with Terminal((*LINK, *MATMUL, "--speed", "20")) as app:
        app.until(ready)
        app.quiet(1.0)
        for _ in range(PRESSES // 2):
            app.send("0 ")
            app.until(lambda screen: "‖" in screen.text and "/64 steps" in screen.text)
            app.during(0.8)
            start = time.perf_counter()
            app.send(" ")
            app.until(lambda screen: "‖" not in screen.text)
            pause.append(time.perf_counter() - start)
        app.send(" ")
        app.during(0.8)
        start = time.perf_counter()
        app.send("q")
        app.ended()
        left = time.perf_counter() - start
    one = "a key that changes one character, over it"
    return [
        Row("key to paint, 200 ms away, median", middle(step) * 1000, "ms", middle(base) * 1000, one),
        Row("key to paint, 200 ms away, p95", late(step) * 1000, "ms", late(base) * 1000, one,
            most_ratio=1.5),
        Row("a key that stops playing at 20/s there", late(pause) * 1000, "ms", late(base) * 1000, one,
            most_ratio=2.5),
        Row("leaving from playing there", left * 1000, "ms", late(base) * 1000, one, most_ratio=4.0),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(relay(sys.argv[1:]))
