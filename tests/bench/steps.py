"""What a step costs: bytes to the terminal, CPU, and the time from the key to the picture."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.programs import KEY, LARGE, MATMUL, PRODUCT, RIGHT, STEPS
from tests.bench.screen import Screen, cheapest
from tests.bench.stats import Row, late, middle
from tests.bench.terminal import Terminal

PRESSES = STEPS - 4
MOVE = re.compile(r"\d/[\d,]+ steps")


def ready(screen: Screen) -> bool:
    """Whether torch is there and the picture stands: the transport knows how many steps there are."""
    return MOVE.search(screen.text) is not None


def press(terminal: Terminal, quiet: float = 0.1) -> tuple[int, int, float]:
    """Presses → once; returns the bytes sent, the cheapest encoding of what changed, the seconds to it.

    What comes within `quiet` seconds of it belongs to it.
    """
    before = terminal.screen.picture
    start = time.perf_counter()
    terminal.send(RIGHT)
    sent = 0
    while terminal.screen.picture == before and time.perf_counter() - start < 2.0:
        sent += terminal.read(2.0)
    took = time.perf_counter() - start
    sent += terminal.quiet(quiet)
    return sent, cheapest(before, terminal.screen.picture), took


@dataclass(frozen=True, slots=True)
class Cost:
    """What steps cost, in turn with a key that changes one character in a bare app of the same size.

    `steps` and `base` are what `press` returns; `cpu` and `base_cpu` are seconds a step.
    """

    steps: list[tuple[int, int, float]]
    base: list[tuple[int, int, float]]
    cpu: float
    base_cpu: float


def stepped(program: Sequence[str], columns: int, rows: int) -> Cost:
    """Presses → in a program and in the bare app, in turn."""
    with Terminal(program, columns, rows) as app, Terminal(KEY, columns, rows) as bare:
        app.until(ready)
        bare.until(lambda screen: screen.full)
        app.quiet(1.0)
        bare.quiet(0.5)
        press(app)  # it takes the prose away as well, and imports what a step needs
        steps, base = [], []
        used, used_bare = app.cpu(), bare.cpu()
        for _ in range(PRESSES):
            steps.append(press(app))
            base.append(press(bare))
        return Cost(steps, base, (app.cpu() - used) / PRESSES, (bare.cpu() - used_bare) / PRESSES)


def step_cost() -> list[Row]:
    """Steps through an 8×8×8 product at 80×24 and at 200×50, and through one of 4096×4096 matrices."""
    one = "a key that changes one character"
    rows: list[Row] = []
    for name, program, size in (
        ("8×8×8, 80×24", MATMUL, (80, 24)),
        ("8×8×8, 200×50", MATMUL, (200, 50)),
        (f"{LARGE}×{LARGE}, 80×24", PRODUCT, (80, 24)),
        (f"{LARGE}×{LARGE}, 200×50", PRODUCT, (200, 50)),
    ):
        cost = stepped(program, *size)
        sent, least, took = zip(*cost.steps, strict=True)
        _, _, base = zip(*cost.base, strict=True)
        small = program is MATMUL and size == (80, 24)
        rows += [
            Row(f"bytes a step, {name}", middle(sent), "B", middle(least), "the cheapest encoding",
                most=600.0 if small else None, most_ratio=1.6),
            Row(f"CPU a step, {name}", cost.cpu * 1000, "ms", cost.base_cpu * 1000, one,
                most_ratio=4.0 if small else None),
            Row(f"key to paint, median, {name}", middle(took) * 1000, "ms", middle(base) * 1000, one),
            Row(f"key to paint, p95, {name}", late(took) * 1000, "ms", late(base) * 1000, one,
                most_ratio=4.0),
        ]  # fmt: skip
    return rows
