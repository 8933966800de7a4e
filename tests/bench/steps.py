"""What a step costs: bytes to the terminal, CPU, and the time from the key to the picture."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.programs import KEY, LARGE, MATMUL, PRODUCT, RIGHT, STEPS
from tests.bench.stats import Row, late, middle
from tests.terminal.console import Console

PRESSES = STEPS - 4
MOVE = re.compile(r"\d/[\d,]+ steps")


def ready(console: Console) -> bool:
    """Whether torch is there and the picture stands: the transport knows how many steps there are."""
    return MOVE.search(console.text) is not None


def painted(console: Console) -> bool:
    """Whether the whole window has been painted once: a bare app paints all of it in one colour."""
    return console.screen.buffer[console.screen.lines - 1][console.screen.columns - 1].bg != "default"


def took(console: Console, keys: str) -> float:
    """Types; returns the seconds until the screen has changed."""
    before, start = console.text, time.perf_counter()
    console.send(keys)
    console.until(lambda: console.text != before)
    return time.perf_counter() - start


def press(console: Console) -> tuple[int, float]:
    """Presses → once; returns the bytes that are sent, and the seconds to the first of them."""
    before = len(console.raw)
    seconds = took(console, RIGHT)
    while console.read(0.1):
        pass
    return len(console.raw) - before, seconds


def cpu(console: Console) -> float:
    """Returns the CPU seconds used so far, also around the app; NaN where there is no /proc."""
    own = Path(f"/proc/{console.process.pid}")
    if not own.exists():
        return float("nan")
    children = (own / "task" / own.name / "children").read_text().split()
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in (own.name, *children)]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What steps cost, in turn with a key that changes one character in a bare app of the same size.

    `steps` and `base` are what `press` returns; `cpu` and `base_cpu` are seconds a step.
    """

    steps: list[tuple[int, float]]
    base: list[tuple[int, float]]
    cpu: float
    base_cpu: float


def stepped(program: Sequence[str], size: tuple[int, int]) -> Cost:
    """Presses → in a program and in the bare app, in turn."""
    with Console(argv=program, size=size) as app, Console(argv=KEY, size=size) as bare:
        app.until(lambda: ready(app)).quiet(1.0)
        bare.until(lambda: painted(bare)).quiet(0.5)
        press(app)  # it takes the prose away as well, and imports what a step needs
        steps, base = [], []
        used, used_bare = cpu(app), cpu(bare)
        for _ in range(PRESSES):
            steps.append(press(app))
            base.append(press(bare))
        return Cost(steps, base, (cpu(app) - used) / PRESSES, (cpu(bare) - used_bare) / PRESSES)


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
        cost = stepped(program, size)
        sent, seconds = zip(*cost.steps, strict=True)
        base_sent, base = zip(*cost.base, strict=True)
        small = program is MATMUL and size == (80, 24)
        rows += [
            Row(f"bytes a step, {name}", middle(sent), "B", middle(base_sent), one,
                most=600.0 if small else None),
            Row(f"CPU a step, {name}", cost.cpu * 1000, "ms", cost.base_cpu * 1000, one,
                most_ratio=4.0 if small else None),
            Row(f"key to paint, median, {name}", middle(seconds) * 1000, "ms", middle(base) * 1000, one),
            Row(f"key to paint, p95, {name}", late(seconds) * 1000, "ms", late(base) * 1000, one,
                most_ratio=4.0),
        ]  # fmt: skip
    return rows
