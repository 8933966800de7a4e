"""What a step costs: bytes to the terminal, CPU, and the time from the key to the picture."""

from __future__ import annotations

import time

from tests.bench.programs import KEY, MATMUL, RIGHT, STEPS
from tests.bench.screen import Screen, cheapest
from tests.bench.stats import Row, middle
from tests.bench.terminal import Terminal

PRESSES = STEPS - 4
TRANSPORT = f"/{STEPS}"


def ready(screen: Screen) -> bool:
    """Whether torch is there and the picture stands: the transport knows how many steps there are."""
    return TRANSPORT in screen.text


def press(terminal: Terminal) -> tuple[int, int, float]:
    """Presses → once; returns the bytes sent, the cheapest encoding of what changed, the seconds to it."""
    before = terminal.screen.picture
    start = time.perf_counter()
    terminal.send(RIGHT)
    sent = 0
    while terminal.screen.picture == before and time.perf_counter() - start < 2.0:
        sent += terminal.read(2.0)
    took = time.perf_counter() - start
    sent += terminal.quiet(0.1)
    return sent, cheapest(before, terminal.screen.picture), took


def step_cost() -> list[Row]:
    """Presses → through an 8×8×8 product, in turn with a key that changes one character in a bare app."""
    with Terminal(MATMUL) as app, Terminal(KEY) as bare:
        app.until(ready)
        bare.until(lambda screen: screen.full)
        app.quiet(1.0)
        bare.quiet(0.5)
        ours, base = [], []
        used, used_bare = app.cpu(), bare.cpu()
        for _ in range(PRESSES):
            ours.append(press(app))
            base.append(press(bare))
        used, used_bare = app.cpu() - used, bare.cpu() - used_bare
    sent, least, took = (middle(column) for column in zip(*ours, strict=True))
    bare_took = middle([seconds for _, _, seconds in base])
    one = "a key that changes one character"
    return [
        Row(
            "bytes a step, 8×8×8 cells",
            sent,
            "B",
            least,
            "the cheapest encoding of the change",
            most=600,
            most_ratio=1.6,
        ),
        Row("CPU a step", used / PRESSES * 1000, "ms", used_bare / PRESSES * 1000, one),
        Row("key to paint", took * 1000, "ms", bare_took * 1000, one),
    ]
