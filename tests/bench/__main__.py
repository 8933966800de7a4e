"""Runs the benchmarks: `python -m tests.bench [NAME…] [--check]`; or `… notebooks FOLDER`.

Each figure stands beside a baseline that was measured in the same run, in turn with it: read the ratios,
since the milliseconds are this machine's.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version

from tui.cli.main import pin_kernels

pin_kernels()  # torch reads them as it is imported: by some of these, and for what is compared bit for bit

# ruff: noqa: E402
from tests.bench.first_paint import first_paint
from tests.bench.notebooks.run import main as notebooks
from tests.bench.room import room
from tests.bench.soak import soak
from tests.bench.stats import Row, table
from tests.bench.steps import step_cost
from tests.bench.tracing import tracing
from tests.bench.training import training
from tests.bench.typing import typing

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "paint": first_paint,
    "steps": step_cost,
    "tracing": tracing,
    "room": room,
    "training": training,
    "typing": typing,
    "soak": soak,
}


def main() -> int:
    """Runs what was asked for, prints the table; exit 1 if `--check` was given and a promise is broken."""
    if sys.argv[1:2] == ["notebooks"]:
        return notebooks(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; all if none"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 if a promised bound is broken")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        print(f"{name}…", file=sys.stderr)
        rows += BENCHMARKS[name]()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "textual"))
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, {platform.system()}")
    print(table(rows))
    return int(options.check and any(row.kept is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
