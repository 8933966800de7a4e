"""Playing and typing for an hour, in less than one: whether memory grows.

A lap plays an animation step by step, looks at the stop after it and comes back, and changes the window.
A lap of typing changes a program, which runs in a room each time. After each lap the memory of all processes
of the app is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import linear_regression

from tests.bench.programs import MATMUL, RIGHT
from tests.bench.stats import Row
from tests.bench.steps import ready
from tests.bench.typing import BACKSPACE, playground
from tests.terminal.console import Console

STEPS_A_LAP, KEYS_A_LAP = 60, 20
LAPS = 240  # of steps: an hour of an app that plays four a second
TYPED = 60  # laps of typing: 1,200 programs
WARM = 0.4  # of the laps, in which caches of a fixed size fill up
MOST_MB = 4.0  # that memory may grow in all laps; an object of 300 bytes kept a step would be as much
LARGER, USUAL = (100, 30), (80, 24)


def held(process: int) -> float:
    """The memory that a process and those that it started have written, in MB. Needs a /proc.

    What they only map, such as torch's libraries, is counted or not by who else runs.
    """
    own = Path(f"/proc/{process}")
    try:
        text = (own / "smaps_rollup").read_text()
        children = [
            child for task in (own / "task").iterdir() for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended
        return 0.0
    private = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_Dirty"))
    return private / 1024 + sum(held(int(child)) for child in children)


def played() -> Iterator[Callable[[], float]]:
    """Plays a lap each time."""
    with Console(argv=MATMUL) as app:
        app.until(lambda: ready(app)).quiet(1.0)
        for lap in range(LAPS):
            app.send(RIGHT * STEPS_A_LAP)
            app.quiet(0.1)
            app.send("JKR")
            app.quiet(0.1)
            app.resize(*(USUAL if lap % 2 else LARGER))
            app.quiet(0.1)
            yield lambda: held(app.process.pid)


def typed() -> Iterator[Callable[[], float]]:
    """Changes a program some times, each time until its shapes are there."""
    with playground() as app:
        for _ in range(TYPED):
            for _ in range(KEYS_A_LAP // 2):
                app.send("1")
                app.until("(21,) float32")
                app.send(BACKSPACE)
                app.until("(2,) float32")
            app.quiet(0.5)
            yield lambda: held(app.process.pid)


def growth(laps: Iterator[Callable[[], float]]) -> tuple[float, float]:
    """What memory grows by in all laps, by the line through those that are warm; and what was held then."""
    values = [look() for look in laps]
    late = values[int(WARM * len(values)) :]
    return linear_regression(range(len(late)), late).slope * len(values), late[0]


def soak() -> list[Row]:
    """What memory grows by, held against what it is once warm."""
    rows = []
    for name, laps in (
        (f"memory, {LAPS * STEPS_A_LAP:,} steps more", played),
        (f"memory, {TYPED * KEYS_A_LAP:,} programs typed", typed),
    ):
        grown, warm = growth(laps())
        rows.append(Row(name, grown, "MB", warm, "what is held, once warm", most=MOST_MB))
    return rows
