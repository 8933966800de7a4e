"""From the command to the first useful paint: sidebar, title and the lesson's text; and to the numbers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from itertools import islice, permutations
from typing import cast

from llm_linalg.lessons.reader import find
from tests.bench.fresh import fresh
from tests.bench.programs import EMPTY, MATMUL
from tests.bench.stats import Row, middle
from tests.bench.steps import painted, ready
from tests.terminal.console import Console

ROUNDS = 12  # of the 24 orders
Start = tuple[float, float]
TORCH = """
import json, time
from tui.cli.main import pin_kernels
pin_kernels()
start = time.perf_counter()
import torch
print(json.dumps(time.perf_counter() - start))
"""


def useful(console: Console) -> bool:
    """Whether a learner can start to read: title bar, list of lessons, the prose's beginning."""
    lesson = find("matmul")
    beginning = " ".join(re.sub("[*_`]", "", lesson.stops[0].prose).split()[:5])
    title, *rest = console.text.splitlines()
    sidebar, main = [line[:18] for line in rest], [line[18:] for line in rest]
    listed = any(lesson.part_title[:8] in line for line in sidebar)
    return "llm-linalg" in title and listed and any(beginning in line for line in main)


def numbers(argv: Sequence[str]) -> tuple[float, float]:
    """Seconds to the first useful paint of a program, and to its numbers."""
    start = time.perf_counter()
    with Console(argv=argv) as console:
        console.until(lambda: useful(console))
        paint = time.perf_counter() - start
        console.until(lambda: ready(console))
        return paint, time.perf_counter() - start


def importing() -> float:
    """Seconds that importing torch takes in a process of its own, with the kernels of the app."""
    return cast("float", fresh(TORCH))


def empty_paint() -> float:
    """Seconds to the first paint of an empty Textual app."""
    start = time.perf_counter()
    with Console(argv=EMPTY) as console:
        console.until(lambda: painted(console))
        return time.perf_counter() - start


def first_paint() -> list[Row]:
    """Starts the programs in turn, after one throw-away start of each, and compares the medians.

    What ran just before decides what the processor's caches hold, so each follows each.
    """
    empty, ours, step, torch = list[float](), list[Start](), list[Start](), list[float]()
    turns: list[Callable[[], None]] = [
        lambda: empty.append(empty_paint()),
        lambda: ours.append(numbers(MATMUL)),
        lambda: step.append(numbers((*MATMUL, "--step", "9"))),
        lambda: torch.append(importing()),
    ]
    for turn in turns:
        turn()
    for kept in (empty, ours, step, torch):
        kept.clear()
    for order in islice(permutations(turns), 0, None, 24 // ROUNDS):
        for turn in order:
            turn()
    baseline, imported = middle(empty) * 1000, middle(torch) * 1000
    rows = []
    for name, pairs in (("", ours), (" at --step 9", step)):
        painted = middle([paint for paint, _ in pairs]) * 1000
        rows.append(
            Row(f"first useful paint{name}", painted, "ms", baseline, "an empty Textual app", most_ratio=1.4)
        )
        after = middle([later - paint for paint, later in pairs]) * 1000
        rows.append(Row(f"numbers after it{name}", after, "ms", imported, "importing torch", most_ratio=1.15))
    return rows
