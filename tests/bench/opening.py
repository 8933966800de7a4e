"""Opening a notebook of 60 cells: to its first paint, and to the picture of its first cell."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.bench.first_paint import empty_paint, importing
from tests.bench.programs import PYTHON
from tests.bench.screen import Screen
from tests.bench.stats import Row, middle
from tests.bench.terminal import Terminal

ROUNDS = 6
CELLS = 60
SETUP = "import torch\nfrom torch import nn\nx = torch.tensor([[1.0, 2.0], [3.0, 4.0]])"
BODY = """\
W{n} = torch.randn(2, 2)
y{n} = torch.softmax(x @ W{n}, dim=-1)
print(y{n}.sum(dim=-1))
y{n}.shape"""


def notebook() -> str:
    """Returns a notebook: a heading and a sentence before each fourth cell, as in a chapter of a book."""
    cells = []
    for n in range(CELLS):
        if n % 4 == 0:
            said = f"## Section {n // 4 + 1}\n\nA *sentence* about the cells below, with `code` in it."
            cells.append({"cell_type": "markdown", "metadata": {}, "source": said})
        code = BODY.format(n=n) if n else SETUP
        cells.append({"cell_type": "code", "metadata": {}, "source": code, "outputs": []})
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def painted(screen: Screen) -> bool:
    """Whether a reader can start: the title bar, the list of cells, the first cell's code."""
    title, *rest = screen.text.splitlines()
    return "llm-linalg" in title and "from torch import nn" in "".join(rest)


def ready(screen: Screen) -> bool:
    """Whether the first cell's tensor stands there in numbers."""
    return painted(screen) and "4." in screen.text and "(2, 2)" in screen.text


def opening() -> list[Row]:
    """Opens the notebook, an empty app and torch in turn, after one start of each that isn't counted."""
    paints, ends, empty, torch = list[float](), list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chapter.ipynb"
        file.write_text(notebook(), encoding="utf-8")
        for _ in range(ROUNDS + 1):
            empty.append(empty_paint())
            with Terminal((PYTHON, "-m", "tui", str(file))) as terminal:
                paints.append(terminal.until(painted))
                ends.append(terminal.until(ready))
            torch.append(importing())
    paint, end, bare, imported = (middle(times[1:]) * 1000 for times in (paints, ends, empty, torch))
    name = f"a notebook of {CELLS} cells"
    return [
        Row(f"{name}: first paint", paint, "ms", bare, "an empty Textual app", most_ratio=1.5),
        Row(f"{name}: its picture", end, "ms", imported, "importing torch", most_ratio=2.0),
    ]
