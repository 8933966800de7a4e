"""What an app that nobody touches sends: nothing."""

from __future__ import annotations

from tests.bench.programs import EMPTY, MATMUL
from tests.bench.stats import Row
from tests.bench.steps import ready
from tests.bench.terminal import Terminal

SECONDS = 3.0


def idle() -> list[Row]:
    """Counts the bytes of a few seconds in which no key is pressed."""
    with Terminal(MATMUL) as app, Terminal(EMPTY) as empty:
        app.until(ready)
        empty.until(lambda screen: screen.full)
        app.quiet(1.0)
        empty.quiet(1.0)
        used = app.cpu()
        sent = app.during(SECONDS)
        used = app.cpu() - used
        nothing = empty.during(SECONDS)
    return [
        Row(f"bytes in {SECONDS:g} s idle", sent, "B", nothing, "an empty Textual app", most=0),
        Row("CPU idle", used / SECONDS * 100, "%", 100.0, "one core"),
    ]
