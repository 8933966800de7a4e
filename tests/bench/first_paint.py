"""From the command to the first useful paint: sidebar, title and the lesson's text."""

from __future__ import annotations

import re

from llm_linalg.lesson import find
from tests.bench.programs import EMPTY, MATMUL
from tests.bench.screen import Screen
from tests.bench.stats import Row, middle
from tests.bench.terminal import Terminal

ROUNDS = 9


def useful(screen: Screen) -> bool:
    """Whether a learner can start to read: title bar, list of lessons, the prose's beginning."""
    lesson = find("matmul")
    beginning = " ".join(re.sub("[*_`]", "", lesson.stops[0].prose).split()[:5])
    title, *rest = screen.text.splitlines()
    sidebar, main = [line[:18] for line in rest], [line[18:] for line in rest]
    listed = any(lesson.part_title[:8] in line for line in sidebar)
    return "llm-linalg" in title and listed and any(beginning in line for line in main)


def first_paint() -> list[Row]:
    """Starts both programs in turn, after one throw-away start of each, and compares the medians."""
    ours, empty = [], []
    for round_ in range(ROUNDS + 1):
        with Terminal(EMPTY) as terminal:
            nothing = terminal.until(lambda screen: screen.full)
        with Terminal(MATMUL) as terminal:
            lesson = terminal.until(useful)
        if round_:
            empty.append(nothing)
            ours.append(lesson)
    value, baseline = middle(ours) * 1000, middle(empty) * 1000
    return [Row("first useful paint", value, "ms", baseline, "an empty Textual app", most_ratio=1.8)]
