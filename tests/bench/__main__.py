"""Runs the benchmarks: `python -m tests.bench [NAME…] [--check] [--minutes N]`; or `… notebooks FOLDER`.

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
from tests.bench.idle import idle
from tests.bench.limits import limits
from tests.bench.link import link
from tests.bench.memory import memory
from tests.bench.meter import meter
from tests.bench.model import model
from tests.bench.notebooks.run import main as notebooks
from tests.bench.opening import opening
from tests.bench.paste import paste
from tests.bench.room import room
from tests.bench.seek import seek
from tests.bench.soak import MINUTES, soak
from tests.bench.stats import Row, table
from tests.bench.steps import step_cost
from tests.bench.tracing import tracing
from tests.bench.training import training
from tests.bench.typing import typing

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "paint": first_paint,
    "opening": opening,
    "steps": step_cost,
    "meter": meter,
    "idle": idle,
    "link": link,
    "paste": paste,
    "seek": seek,
    "memory": memory,
    "tracing": tracing,
    "room": room,
    "training": training,
    "model": model,
    "typing": typing,
    "limits": limits,
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
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, metavar="N",
        help=f"of the soak: so much playing at four steps a second, as fast as it goes; else {MINUTES:g}",
    )  # fmt: skip
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        print(f"{name}…", file=sys.stderr)
        rows += soak(options.minutes) if name == "soak" else BENCHMARKS[name]()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "textual"))
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, {platform.system()}")
    print(table(rows))
    return int(options.check and any(row.kept is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
