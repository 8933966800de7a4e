"""`python -m tests.bench notebooks FOLDER`: a folder of notebooks and scripts, here and in plain Python."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.terminal import ROOT
from tui.cli.main import pin_kernels

SUFFIXES = (".ipynb", ".py")
DATA = (".txt", ".csv", ".json", ".npy", ".npz")
LARGEST_DATA = 5_000_000
_FOREIGN = ("mixed", "outside")  # kinds of cells that plain Python may be unable to run


def documents(folder: Path) -> list[Path]:
    """Returns the notebooks and scripts in a folder, in order; a file is itself."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


@contextmanager
def plain_python(python: str) -> Iterator[Any]:
    """Starts plain Python, and gives the function that has it run the cells of a document."""
    process = subprocess.Popen(
        [python, "-W", "ignore", "-m", "tests.bench.notebooks.plain"],
        cwd=ROOT, env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(cells: list[dict[str, Any]], files: list[str], *, as_here: bool = False) -> list[dict[str, Any]]:
        stdin.write(json.dumps({"cells": cells, "files": files, "as_here": as_here}) + "\n")
        stdin.flush()
        found: list[dict[str, Any]] = json.loads(stdout.readline())
        return found

    try:
        yield ask
    finally:
        stdin.close()
        process.wait()


def measure(path: Path, name: str, ask: Any, seconds: float | None) -> list[Any]:
    """Runs a document here and in plain Python, and returns what is said of its cells."""
    from llm_linalg.lessons import documents as readers
    from tests.bench.notebooks.flow import cells_of
    from tests.bench.notebooks.report import judge
    from tests.bench.notebooks.watch import run_document

    lesson = readers.read(path)
    cells = cells_of((stop.number, stop.code) for stop in lesson.stops if stop.code.strip())
    ours = run_document(lesson, cells, seconds)
    beside = [file for file in path.parent.iterdir() if file.suffix in DATA]
    files = [str(file) for file in beside if file.stat().st_size < LARGEST_DATA]
    wanted = [sorted(cell.names) for cell in cells]
    same, whole = [], []
    missed = False
    for cell, mine, names in zip(cells, ours, wanted, strict=True):
        draws = mine.draws if missed else None
        missed = mine.error is not None or cell.kind in _FOREIGN or (missed and draws is None)
        same.append({"done": mine.done, "stopped": mine.stopped, "names": names, "draws": draws})
        whole.append({"code": cell.code, "names": names})
    twins = _outcomes(ask(same, files, as_here=True), len(cells))
    return judge(name, cells, ours, twins, _outcomes(ask(whole, files), len(cells)))


def _outcomes(found: Sequence[dict[str, Any]], count: int) -> list[Any]:
    from tests.bench.notebooks.watch import Outcome

    made = [Outcome(**fields) for fields in found]
    return made + [Outcome(error="plain Python was ended") for _ in range(count - len(made))]


def main(arguments: Sequence[str]) -> int:
    """Prints the table and the ranking; exit 1 if a cell is wrong, stale or misled."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench notebooks", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="notebooks and scripts at any depth")
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON",
                        help="the plain Python to compare with, such as one that has numpy")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60.0, metavar="N", help="the time for a document")
    parser.add_argument(
        "--read", action="store_true", help="let each read text beside it, as `run --read` does"
    )
    parser.add_argument("--cells", action="store_true", help="print every tensor cell that is not equal")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is said of each cell")
    options = parser.parse_args(arguments)
    pin_kernels()
    from llm_linalg.language import readable_files

    from llm_linalg.lessons.lesson import LessonError
    from tests.bench.notebooks.report import ranking, table

    verdicts: list[Any] = []
    with plain_python(options.python) as ask:
        for path in documents(options.folder):
            name = str(path.relative_to(options.folder)) if path != options.folder else path.name
            print(f"{name}…", file=sys.stderr, flush=True)
            if options.read:
                readable_files.allow(path.parent)
            try:
                found = measure(path, name, ask, options.seconds or None)
            except LessonError as error:
                print(f"not read: {error}", file=sys.stderr)
                continue
            verdicts += found
            for one in found if options.cells else ():
                if one.cell.kind == "tensor" and one.state != "equal":
                    place = f"{name} {one.cell.number}{'' if one.cell.inside else ' (outside)'}"
                    print(f"{place}: {one.state}: {one.why}", flush=True)
    if options.json is not None:
        records = [
            {"file": one.file, "cell": one.cell.number, "kind": one.cell.kind, "inside": one.cell.inside,
             "state": one.state, "why": one.why, "lacks": sorted(one.lacks), "code": one.cell.code}
            for one in verdicts
        ]  # fmt: skip
        options.json.write_text(json.dumps(records, indent=1))
    print(table(verdicts))
    print()
    print(ranking(verdicts))
    bad = [one for one in verdicts if one.cell.kind == "tensor" and one.state in ("wrong", "stale", "misled")]
    return int(bool(bad))
