"""Two megabytes pasted: how soon it is said that they were cut."""

from __future__ import annotations

import time

from tests.bench.programs import KEY, MATMUL, RIGHT
from tests.bench.stats import Row, middle
from tests.bench.steps import press, ready
from tests.bench.terminal import Terminal
from tui.terminal.input_filter import END, PASTE, START

TEXT = b"y = x @ W\n"
SIZE = 2_000_000
ROUNDS = 5
MOST_RATIO = 8.0


def pasted(terminal: Terminal, size: int) -> float:
    """Pastes so many bytes and a key; returns the seconds until the key has changed the screen."""
    before = terminal.screen.text
    start = time.perf_counter()
    terminal.feed(START + TEXT * (size // len(TEXT)) + END + RIGHT.encode())
    terminal.until(lambda screen: screen.text != before)
    took = time.perf_counter() - start
    terminal.quiet(0.3)
    return took


def paste() -> list[Row]:
    """Pastes into the app, and as much as it keeps into the bare app, in turn."""
    ours, base = [], []
    with Terminal(MATMUL) as app, Terminal(KEY) as bare:
        app.until(ready)
        bare.until(lambda screen: screen.full)
        for terminal in (app, bare):
            terminal.quiet(1.0)
            press(terminal)
        for _ in range(ROUNDS):
            ours.append(pasted(app, SIZE))
            base.append(pasted(bare, PASTE))
    return [
        Row(
            f"{SIZE // 10**6} MB pasted, until it is told", middle(ours) * 1000, "ms", middle(base) * 1000,
            f"{PASTE // 1000} kB pasted into a bare app", most_ratio=MOST_RATIO,
        )
    ]  # fmt: skip
