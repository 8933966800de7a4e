"""`python -m tests.bench notebooks FOLDER`: a folder of notebooks and scripts, here and in plain Python."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.terminal.console import ROOT
from tui.cli.main import pin_kernels

if TYPE_CHECKING:
    from llm_linalg import Trace
    from llm_linalg.recording.cell_state import CellState
    from tests.bench.notebooks.verdict import Outcome, Verdict

SUFFIXES = (".ipynb", ".py")
DATA = (".txt", ".csv", ".json", ".npy", ".npz")
LARGEST_DATA = 5_000_000
Ask = Callable[[Sequence[str], Sequence[str]], "list[Outcome]"]


def documents(folder: Path) -> list[Path]:
    """Returns the notebooks and scripts in a folder, in order; a file is itself."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


@contextmanager
def plain_python(python: str) -> Iterator[Ask]:
    """Starts plain Python, and gives the function that has it run the cells of a document."""
    process = subprocess.Popen(
        [python, "-W", "ignore", "-m", "tests.bench.notebooks.plain"],
        cwd=ROOT,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(cells: Sequence[str], files: Sequence[str]) -> list[Outcome]:
        from tests.bench.notebooks.verdict import Outcome

        stdin.write(json.dumps({"cells": cells, "files": files}) + "\n")
        stdin.flush()
        made = [Outcome(**fields) for fields in json.loads(stdout.readline())]
        return made + [Outcome(["plain Python was ended"])] * (len(cells) - len(made))

    try:
        yield ask
    finally:
        stdin.close()
        process.wait()


def measure(path: Path, name: str, ask: Ask, seconds: float | None, *, read: bool = False) -> list[Verdict]:
    """Runs a document here and in plain Python, and compares its cells."""
    from llm_linalg import ProgramError, run
    from llm_linalg.capture.cell_program import cells_of
    from llm_linalg.lessons import documents as readers
    from tests.bench.notebooks.verdict import judge

    lesson = readers.read(path)
    last = next((stop for stop in reversed(lesson.stops) if stop.exercise is None), None)
    if last is None:
        return []
    text = f"{last.program}\n"
    starts = [*lesson.cells(last), text.count("\n") + 1]  # an empty one, as the last one's error is raised
    folder = path.parent if read else None
    trace: Trace
    try:
        trace = run(text, seed=0, seconds=seconds, cells=starts, read=folder)
    except ProgramError as error:  # the limits of the whole document
        trace = error.trace
    codes = [cell.text for cell in cells_of(text, starts)[0]][: len(trace.cells)]
    beside = [file for file in path.parent.iterdir() if file.suffix in DATA]
    files = [str(file) for file in beside if file.stat().st_size < LARGEST_DATA]
    ours = [_outcome(trace, state) for state in trace.cells]
    return judge(name, trace.cells, ours, ask(codes, files))[:-1]


def _outcome(trace: Trace, state: CellState) -> Outcome:
    from tests.bench.notebooks.plain import fingerprint, same_everywhere
    from tests.bench.notebooks.verdict import Outcome

    node = None if state.node is None or state.answer else trace.nodes[state.node]
    answer = None if node is None or node.dropped else fingerprint(node.value)
    return Outcome([] if state.is_whole else [state.reason], same_everywhere(state.printed), answer)


def main(arguments: Sequence[str]) -> int:
    """Prints the table; exit 1 if a cell is wrong or unmarked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench notebooks", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="notebooks and scripts at any depth")
    parser.add_argument("--python", default=sys.executable, metavar="PYTHON",
                        help="the plain Python to compare with")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N", help="the time of a cell")
    parser.add_argument("--read", action="store_true", help="let a document read the folder that it is in")
    parser.add_argument("--cells", action="store_true", help="print every cell that is not equal")
    options = parser.parse_args(arguments)
    pin_kernels()
    from llm_linalg.lessons.lesson import LessonError
    from tests.bench.notebooks.verdict import table

    verdicts: list[Any] = []
    with plain_python(options.python) as ask:
        for path in documents(options.folder):
            name = str(path.relative_to(options.folder)) if path != options.folder else path.name
            print(f"{name}…", file=sys.stderr, flush=True)
            try:
                own = measure(path, name, ask, options.seconds or None, read=options.read)
            except LessonError as error:
                print(f"not read: {error}", file=sys.stderr)
                continue
            verdicts += own
            for one in own if options.cells else ():
                if one.state != "equal":
                    print(f"{name} {one.number}: {one.state}: {one.why}", flush=True)
    print(table(verdicts))
    return int(any(one.state in ("wrong", "unmarked") for one in verdicts))
