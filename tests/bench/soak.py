"""Playing for an hour, in less than one: whether memory grows.

A lap plays a walk to its end as fast as the app plays, takes another seed and another order, looks at another
lesson, and changes the window. After each lap the program says what it holds.
"""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import linear_regression

from tests.bench.programs import WATCHED
from tests.bench.screen import Screen
from tests.bench.stats import Row
from tests.bench.terminal import LONGEST, Terminal

A_MINUTE = 4 * 60  # steps: the app plays four a second unless told otherwise
MINUTES = 60.0
SIZE = 12
PLAYED = ("matmul", *(f"--set={name}={SIZE}" for name in "mkn"), "--order", "cells", "--speed", "100")
WARM = 0.4  # of the steps, in which caches of a fixed size fill up
MOST_MB = 2.0  # that memory may grow in an hour of playing
# Python's blocks of memory. What is done, unlike what is played, is written down as a script, up to 20,000
# lines of it: some twenty blocks a lap, and there are 350 laps in an hour. An object kept a step is 14,400.
MOST_BLOCKS = 9_000
LARGER, USUAL = (100, 30), (80, 24)
STEPS = re.compile(r"(\d+)/(\d+) steps|(\d+)/(\d+) terms")
ELSEWHERE = "l\x1b[B\r"  # the lesson after this one


@dataclass(frozen=True, slots=True)
class Held:
    """What the program held when so many steps had been played."""

    steps: int
    megabytes: float
    blocks: int


def at(screen: Screen) -> tuple[int, int]:
    """Which step of how many the transport says; none where it says nothing."""
    found = STEPS.search(screen.text)
    step, steps = (text for text in found.groups() if text is not None) if found else ("0", "0")
    return int(step), int(steps)


def ended(screen: Screen) -> bool:
    """Whether it has been played to the end, and stands there."""
    step, steps = at(screen)
    return 0 < step == steps and "‖" not in screen.text


def lap(terminal: Terminal, number: int) -> int:
    """One lap; returns how many steps were played."""
    terminal.send("0")
    terminal.until(lambda screen: at(screen)[0] == 0 and at(screen)[1] > 0)
    terminal.send(" ")
    terminal.until(ended)
    played = at(terminal.screen)[1]
    here = terminal.screen.text.splitlines()[0]
    terminal.send(ELSEWHERE)
    terminal.until(lambda screen: screen.text.splitlines()[0] != here and "seed" in screen.text)
    terminal.quiet(0.1)
    terminal.send("u")
    terminal.until(lambda screen: ended(screen) and screen.text.splitlines()[0] == here)
    terminal.resize(*(LARGER if number % 2 else USUAL))
    terminal.until(lambda screen: screen.full and at(screen)[1] > 0)
    terminal.send("so")
    terminal.quiet(0.1)
    return played


def asked(terminal: Terminal, file: Path, steps: int) -> Held:
    """What the program says that it holds."""
    known = len(file.read_text().splitlines())
    os.kill(terminal.pid, signal.SIGUSR1)
    end = time.perf_counter() + LONGEST
    while len(lines := file.read_text().splitlines()) == known:
        terminal.read(0.02)
        if time.perf_counter() > end:
            raise TimeoutError("the program does not say what it holds")
    said = json.loads(lines[-1])
    return Held(steps, said["megabytes"], said["blocks"])


def laps(minutes: float) -> list[Held]:
    """Plays so long; what was held after each lap."""
    held: list[Held] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "held"
        file.touch()
        with Terminal((*WATCHED, str(file), *PLAYED)) as terminal:
            terminal.until(lambda screen: at(screen)[1] > 0)
            terminal.quiet(0.5)
            steps = 0
            for number in count(1):
                steps += lap(terminal, number)
                held.append(asked(terminal, file, steps))
                if steps >= minutes * A_MINUTE:
                    return held
    return held


def growth(values: Sequence[float], steps: Sequence[int]) -> float:
    """What a quantity grows by in an hour: the slope of the straight line through what was measured."""
    return linear_regression(steps, values).slope * 60 * A_MINUTE if len(set(steps)) > 1 else 0.0


def soak(minutes: float = MINUTES) -> list[Row]:
    """What memory grows by, once caches of a fixed size are full; held against what it is then."""
    held = laps(minutes)
    late = [one for one in held if one.steps >= WARM * held[-1].steps]
    steps = [one.steps for one in late]
    first = late[0]
    return [
        Row(
            f"memory, an hour more of playing ({held[-1].steps:,} steps played)",
            growth([one.megabytes for one in late], steps), "MB",
            first.megabytes, "what is held, once warm", most=MOST_MB,
        ),
        Row(
            "Python's blocks of memory, an hour more",
            growth([one.blocks for one in late], steps), "",
            first.blocks, "what is held, once warm", most=MOST_BLOCKS,
        ),
    ]  # fmt: skip
