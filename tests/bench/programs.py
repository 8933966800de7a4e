"""The programs that are measured, and the least that Textual can do, as their baselines.

`python -m tests.bench.programs empty` and `… key` are the baselines.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

PYTHON = sys.executable
# An app with nothing in it.
EMPTY = (PYTHON, "-m", "tests.bench.programs", "empty")
# An app in which a key changes one character.
KEY = (PYTHON, "-m", "tests.bench.programs", "key")
# The lesson that is measured: 8×8×8, a cell of the result a step.
SIZE = 8
STEPS = SIZE * SIZE
MATMUL = (PYTHON, "-m", "tui", "matmul", *(f"--set={name}={SIZE}" for name in "mkn"), "--order", "cells")
# The same picture of a product whose operands and result have 4096 × 4096 cells, on a large screen.
LARGE = 4096
PRODUCT = (
    PYTHON, "-m", "tui", "trace", "tests.bench.programs:product", *("--inputs", f"{LARGE}x{LARGE}") * 2,
)  # fmt: skip
RIGHT = "\x1b[C"


def main(which: str) -> None:
    """Runs a baseline app."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Empty(App[None]):
        pass

    class Key(App[None]):
        BINDINGS: ClassVar = [("right", "step", "step")]
        count = 0

        def compose(self) -> ComposeResult:
            yield Static("0")

        def action_step(self) -> None:
            self.count += 1
            self.query_one(Static).update(str(self.count % 10))

    {"empty": Empty, "key": Key}[which]().run()


def product(x: Any, w: Any) -> Any:
    """The product of two matrices, for `PRODUCT`."""
    return x @ w


if __name__ == "__main__":
    main(sys.argv[1])
