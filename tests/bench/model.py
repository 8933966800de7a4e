"""The whole model at the keys: a control runs it again, and a cell is followed through all of it."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.programs import PYTHON, RIGHT
from tests.bench.screen import Screen
from tests.bench.stats import Row, late, middle
from tests.bench.terminal import Terminal
from tests.bench.typing import started, took

ROUNDS = 20
WHY = (PYTHON, "-m", "tui", "why")
MAP = (*WHY, "--stop", "2")
LOGITS = (*WHY, "--node", "logits", "--step", "last", "--cursor", "logits[0,0]")
SAMPLING = (PYTHON, "-m", "tui", "sampling", "--stop", "7")
DOWN, BACKSPACE = "\x1b[B", "\x7f"


def shows(text: str) -> Callable[[Screen], bool]:
    """Whether a text is on the screen."""
    return lambda screen: text in screen.text


def controls(app: Terminal) -> list[float]:
    """Seconds from a key that moves a control to the new shapes on the map."""
    found = []
    for key, wanted in (("]", "(4, 16)"), ("[", "(4, 8)")):
        found.append(took(app, key, shows(wanted)))
    app.send("\t")
    app.quiet(0.2)
    for key, wanted in (("]", "(5, 8)"), ("[", "(4, 8)")):
        found.append(took(app, key, shows(wanted)))
    app.send("\t")
    app.quiet(0.2)
    return found


def followed(app: Terminal, round_: int) -> float:
    """Seconds from the key to the lit map, for a cell that was not followed before."""
    app.send(DOWN if round_ % 6 == 5 else RIGHT if round_ // 6 % 2 == 0 else "\x1b[D")
    app.quiet(0.2)
    seconds = took(app, "I", shows("depends on"))
    app.send(BACKSPACE)
    app.until(shows("logits["))
    app.quiet(0.2)
    return seconds


def model() -> list[Row]:
    """Moves the whole model's controls and follows cells, in turn with a process that does nothing."""
    moved, lit, grown, base = [], [], [], []
    with Terminal(MAP) as app:
        app.until(shows("block:2"))
        app.quiet(1.0)
        controls(app)
        for _ in range(ROUNDS // 4):
            moved += controls(app)
            base.append(started())
    with Terminal(LOGITS) as app:
        app.until(shows("logits[0,0]"))
        app.quiet(1.0)
        for k in range(ROUNDS):
            lit.append(followed(app, k))
            base.append(started())
    with Terminal(SAMPLING) as app:
        app.until(shows("steps"))
        app.quiet(1.0)
        for _ in range(ROUNDS // 4):
            grown.append(took(app, "a", shows("Appended")))
            took(app, "u", shows("Undone"))
    one = "a start of Python that does nothing"
    least = middle(base) * 1000
    return [
        Row("a control of the whole model, p95", late(moved) * 1000, "ms", least, one, most_ratio=12.0),
        Row("a cell followed through it, p95", late(lit) * 1000, "ms", least, one, most_ratio=6.0),
        Row("the next token appended, p95", late(grown) * 1000, "ms", least, one, most_ratio=12.0),
    ]
