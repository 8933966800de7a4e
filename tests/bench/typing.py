"""What typing costs in the playground: from a key to the shape that it changed, and a paste of 2 MB.

A key costs a process, so it stands beside the start of one that does nothing.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.programs import PYTHON
from tests.bench.stats import Row, middle
from tests.terminal.console import Console

ROUNDS = 40
LINES = 40
LEFT, BACKSPACE = "\x1b[D", "\x7f"
PROGRAM = "\n".join(
    [
        "x = torch.randn(4, 4)",
        *(f"y{k} = (x @ x.T).softmax(-1) + {k}" for k in range(LINES - 2)),
        "z = torch.ones(2)",
    ]
)
PASTE = "\x1b[200~" + "# a line of a text that is far too long\n" * 51_000 + "\x1b[201~"
READER = ("/bin/sh", "-c", f"stty raw -echo; echo ready; head -c {len(PASTE)} >/dev/null; echo done")


def took(console: Console, keys: str, wanted: str) -> float:
    """Types; returns the seconds until a text is on the screen."""
    start = time.perf_counter()
    console.send(keys)
    console.until(wanted)
    return time.perf_counter() - start


def started() -> float:
    """Returns the seconds that a process of Python takes to start and end."""
    start = time.perf_counter()
    subprocess.run([PYTHON, "-I", "-S", "-c", ""], check=True)
    return time.perf_counter() - start


@contextmanager
def playground() -> Iterator[Console]:
    """The program in the playground, the cursor before its last character."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.py"
        file.write_text(PROGRAM, encoding="utf-8")
        with Console("play", str(file)) as app:
            app.until("(2,) float32").quiet(1.0)
            app.send(LEFT)
            yield app


def typing() -> list[Row]:
    """Makes the last line's tensor longer and shorter, in turn with a key that changes one character."""
    with playground() as app:
        app.quiet(0.3)
        ours, base = [], []
        for _ in range(ROUNDS):
            ours.append(took(app, "1", "(21,) float32"))
            ours.append(took(app, BACKSPACE, "(2,) float32"))
            app.quiet(0.1)
            base.append(started())
        pasted = took(app, PASTE, "it was cut")
    with Console(argv=READER) as reader:
        reader.until("ready")
        read = took(reader, PASTE, "done")
    return [
        Row(
            f"key to shapes, {LINES} lines",
            middle(ours) * 1000,
            "ms",
            middle(base) * 1000,
            "a start of Python that does nothing",
            most_ratio=12.0,
        ),
        Row(
            "2 MB pasted, to the notice",
            pasted * 1000,
            "ms",
            read * 1000,
            "a program that only reads",
            most_ratio=8.0,
        ),
    ]
