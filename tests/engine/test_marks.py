"""Marks: of a notebook with statements that are not run, each name whose value differs from Python's has one.

Each miniature is run twice, with the package `missing` there, and without it. The first is the truth.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import random
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from llm_linalg.capture.marks import Marks
from llm_linalg.capture.missing_package import MissingPackage
from tests.engine.plain_cells import run_plain


def _miniatures() -> dict[str, list[str]]:
    """Return by subject the cells of a notebook; its package `missing` is there in Python, and not here."""
    text = Path(__file__).with_name("miniatures.txt").read_text(encoding="utf-8")
    parts = [part.strip().partition("\n") for part in text.split("=== ")[1:]]
    return {subject: [cell.strip("\n") for cell in cells.split("---\n")] for subject, _, cells in parts}


MINIATURES = _miniatures()


def package() -> ModuleType:
    """Return the package as it is in Python."""
    found = ModuleType("missing")
    found.__dict__.update(
        n=3, closure=lambda: None, items=[4, 5], none=(), dtype=torch.float64,
        Base=type("Base", (), {"k": 1}), f=lambda *_: 1, same=lambda x: x, count=lambda *_: 9,
        hook=lambda *_: torch.full((2,), 9.0),
        state=lambda: {"weight": torch.full((2, 2), 2.0), "bias": torch.zeros(2)},
        draw=lambda: (torch.rand(1), np.random.rand(), random.random()),  # noqa: S311  any number does
    )  # fmt: skip
    return found


class NoPackage(importlib.abc.MetaPathFinder):
    """Finds the package nowhere."""

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname == "missing":
            raise ModuleNotFoundError("No module named 'missing'", name=fullname)
        return None


@pytest.fixture(autouse=True)
def same_settings() -> Iterator[None]:
    dtype = torch.get_default_dtype()
    yield
    torch.set_default_dtype(dtype)
    sys.modules.pop("missing", None)


def run_miniature(cells: list[str], *, is_there: bool) -> tuple[dict[str, Any], Marks]:
    """Return the names that a miniature leaves, and their marks."""
    torch.set_default_dtype(torch.float32)
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(5)
    sys.modules.pop("missing", None)
    finder = NoPackage()
    if is_there:
        sys.modules["missing"] = package()
    sys.meta_path.insert(0, finder)
    try:
        names: dict[str, Any] = {}
        start = "import torch\nimport numpy as np\nfrom torch import nn\nimport missing"
        results, names = run_plain([start, *cells], names)
    finally:
        sys.meta_path.remove(finder)
    if is_there:
        assert all(state.is_whole for state in results.states), results.errors
    return names, results.marks


def differ(a: Any, b: Any, depth: int = 0) -> bool:
    """Return whether two values are different, as far as a program could tell."""
    if (
        depth > 6
        or isinstance(a, FunctionType | ModuleType | MissingPackage)
        or type(a).__name__ in ("MissingPackage", "BlankFigure")
    ):
        return False
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        grads = (a.grad, b.grad) if a.is_leaf and b.is_leaf else (None, None)
        return a.dtype != b.dtype or not torch.equal(a, b) or differ(*grads, depth + 1)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return not np.array_equal(a, b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) != len(b) or any(differ(x, y, depth + 1) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() != b.keys() or any(differ(a[key], b[key], depth + 1) for key in a)
    if isinstance(a, torch.Generator) and isinstance(b, torch.Generator):
        return not torch.equal(a.get_state(), b.get_state())
    if isinstance(a, np.random.Generator) and isinstance(b, np.random.Generator):
        return a.bit_generator.state != b.bit_generator.state
    if isinstance(a, type) and isinstance(b, type):
        plain = [
            {k: v for k, v in vars(x).items() if not k.startswith("__") and not callable(v)} for x in (a, b)
        ]
        return differ(plain[0], plain[1], depth + 1)
    if hasattr(a, "__dict__") and hasattr(b, "__dict__") and type(a).__name__ == type(b).__name__:
        return differ(vars(a), vars(b), depth + 1)
    if hasattr(a, "__next__"):
        return type(a) is not type(b)
    try:
        return type(a).__name__ != type(b).__name__ or bool(a != b)
    except (TypeError, ValueError):
        return False


@cache
def unmarked_and_needless(subject: str) -> tuple[set[str], set[str]]:
    """Return the names whose value differs without a mark, and those that have one and do not differ."""
    cells = MINIATURES[subject]
    truth, _ = run_miniature(cells, is_there=True)
    ours, marks = run_miniature(cells, is_there=False)
    skipped = {"missing", "torch", "np", "nn", "random", "__builtins__"}
    names = (truth.keys() | ours.keys()) - skipped
    gone = object()
    different = {name for name in names if differ(truth.get(name, gone), ours.get(name, gone))}
    marked = {name for name in names if marks.mark_of(name) is not None}
    compared = {
        name for name in names if not (callable(ours.get(name)) or hasattr(ours.get(name), "__next__"))
    }
    return different - marked, (marked & compared) - different


@pytest.mark.parametrize("subject", MINIATURES)
def test_what_differs_from_python_is_marked(subject: str) -> None:
    missed, _ = unmarked_and_needless(subject)
    assert not missed


def test_what_is_made_of_what_was_changed_is_itself_made() -> None:
    cells = ["x = [1]\nx.append(missing.n)", "y = x + [2]", "z = y + [3]"]
    _, marks = run_miniature(cells, is_there=False)
    assert str(marks.mark_of("x")).startswith("x is changed by cell 2")
    assert str(marks.mark_of("y")).startswith("y is made by cell 3")


def test_few_marks_are_needless(capsys: pytest.CaptureFixture[str]) -> None:
    needless = {subject: sorted(unmarked_and_needless(subject)[1]) for subject in MINIATURES}
    shown = {subject: names for subject, names in needless.items() if names}
    with capsys.disabled():
        print(f"\n{sum(map(len, shown.values()))} needless marks in {len(MINIATURES)} miniatures: {shown}")  # noqa: T201
    assert sum(map(len, shown.values())) <= 45
