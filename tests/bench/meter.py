"""Bytes a step for every lesson, loop order and look, against the cheapest encoding of what changed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace

from llm_linalg.illustrations.look_names import LookName
from llm_linalg.lessons.reader import catalog, parse
from tests.bench.programs import PYTHON, RIGHT
from tests.bench.screen import Screen, cheapest
from tests.bench.stats import Row, late, middle
from tests.bench.terminal import Terminal
from tui.compose.view_runner import open_view
from tui.layout.arrange import arrange
from tui.model.frame import CELL_LOOKS
from tui.model.view import View

MOST_OF_A_LOOK = 900.0  # bytes of a frame
BETWEEN = 0.02  # seconds without output between two frames: a drawing that moves has one every 0.04
PRESSES = 6  # steps that are measured in each order
STEPS = re.compile(r"(\d+)/(\d+) (?:steps|terms|operations)")
ORDER = re.compile(r"order: (\w+)")


STAGE = (59, 10)  # columns and rows of the stage at 80×24
LOOKS: Mapping[LookName, str] = {
    "plane": "A, X = torch.tensor([[1., 1.], [0., 1.]]), torch.randn(8, 2)\nY = X @ A",
    "bars": "x = torch.randn(12)\nP = torch.softmax(x, 0)\nE = P * 2",
    "curve": "t = torch.linspace(-3, 3, 41)\ny = F.gelu(t)",
    "symbols": "A, x = torch.randn(8, 3), torch.randn(3)\ny = A @ x",
    "weave": "x = torch.arange(24.0).reshape(2, 3, 4)\ny = x.transpose(0, 2)",
}
"""A program that has each look, whose walk has at least eight steps."""


def position(screen: Screen) -> tuple[int, int] | None:
    """Which step of how many the transport says; None while there is none."""
    found = STEPS.search(screen.text)
    return (int(found[1]), int(found[2])) if found else None


def order(screen: Screen) -> str:
    """The loop order that the transport names."""
    found = ORDER.search(screen.text)
    return found[1] if found else "–"


def press_by_frames(terminal: Terminal) -> list[tuple[int, int]]:
    """Presses → once; returns the bytes sent and the least possible, a pair a frame: more if it moves."""
    frames: list[tuple[int, int]] = []
    terminal.send(RIGHT)
    before = terminal.screen.picture
    while sent := terminal.read(2.0 if not frames else 0.1):
        sent += terminal.quiet(BETWEEN)
        frames.append((sent, cheapest(before, terminal.screen.picture)))
        before = terminal.screen.picture
    return frames


def measured(slug: str, *words: str) -> dict[str, list[tuple[int, int]]]:
    """Bytes sent and the least possible, a pair a frame, for each order of a stop; the first, unless told."""
    found: dict[str, list[tuple[int, int]]] = {}
    with Terminal((PYTHON, "-m", "tui", slug, *words)) as terminal:
        # A screen may be full of nothing before it says that torch is loaded.
        terminal.until(lambda screen: "loading torch" in screen.text or position(screen) is not None)
        terminal.until(lambda screen: "loading torch" not in screen.text)
        terminal.quiet(0.5)
        while position(terminal.screen) and order(terminal.screen) not in found:
            terminal.send("0")
            terminal.quiet(0.2)
            at = position(terminal.screen) or (0, 0)
            steps = [press_by_frames(terminal) for _ in range(min(PRESSES, at[1] - at[0]))]
            pairs = [frame for frames in steps for frame in frames]
            found[order(terminal.screen)] = pairs[1:]  # the first frame also takes the prose away
            terminal.send("o")
            terminal.quiet(0.2)
    return found


def lesson_in(look: LookName) -> str:
    """A lesson of one stop that opens in a look."""
    return f'+++\ntitle = "Look"\npart = 9\n+++\nText.\n\n```python look="{look}"\n{LOOKS[look]}\n```\n'


def look_times(look: LookName) -> tuple[list[float], list[float]]:
    """Seconds of CPU that each step's frame takes with its picture drawn: in the look, and in numbers."""
    view = View.opening(parse(lesson_in(look), "look.md"))
    run = open_view(view)
    taken: dict[LookName, list[float]] = {look: [], "numbers": []}
    for name, seconds in [*taken.items()] * 3:
        for step in range(run.navigation(view).length(run.navigation(view).order or "cells") + 1):
            start = time.thread_time()
            frame = run.frame(replace(view, look=name, step=step))
            if frame.stage.drawing is not None:
                frame.stage.drawing.rows(*STAGE)
            else:
                arrange(frame.stage.panels, frame.stage.arrangement, *STAGE)
            seconds.append(time.thread_time() - start)
    return taken[look], taken["numbers"]


def look_rows() -> list[Row]:
    """The time of a frame in each look that is drawn."""
    rows = []
    for look in LOOKS:
        drawn, plain = look_times(look)
        name = f"CPU a frame, p95, {look}"
        rows.append(
            Row(name, late(drawn) * 1000, "ms", late(plain) * 1000, "the same in numbers", most_ratio=8.0)
        )
    return rows


def looks() -> list[Row]:
    """A row a stop that opens in a look, and the median of all frames of each look."""
    rows: list[Row] = []
    sent_by_look: dict[str, list[int]] = {}
    for lesson in catalog():
        for stop in lesson.stops:
            if stop.look is None or stop.look in CELL_LOOKS:
                continue
            steps = [
                step for pairs in measured(lesson.slug, "--stop", str(stop.number)).values() for step in pairs
            ]
            if steps:
                sent, least = (middle(column) for column in zip(*steps, strict=True))
                name = f"bytes a frame, {lesson.slug} {stop.number} as {stop.look}"
                rows.append(Row(name, sent, "B", least, "cheapest encoding"))
                sent_by_look.setdefault(stop.look, []).extend(one for one, _ in steps)
    return rows + [
        Row(
            f"bytes a frame, {look}",
            middle(sent),
            "B",
            MOST_OF_A_LOOK,
            "what a look may take",
            most=MOST_OF_A_LOOK,
        )
        for look, sent in sent_by_look.items()
    ]


def meter() -> list[Row]:
    """A row a lesson and order, the median of all steps, and the looks."""
    rows, everything = [], []
    for lesson in catalog():
        for name, pairs in measured(lesson.slug).items():
            if pairs:
                everything += pairs
                sent, least = (middle(column) for column in zip(*pairs, strict=True))
                rows.append(Row(f"bytes a step, {lesson.slug} {name}", sent, "B", least, "cheapest encoding"))
    sent = middle([one for one, _ in everything])
    ratio = middle([one / least for one, least in everything if least])
    least = sent / ratio if ratio else 0.0
    return [
        *rows,
        *looks(),
        *look_rows(),
        Row("bytes a step, all", sent, "B", least, "cheapest encoding, ratio: median", most_ratio=1.6),
    ]
