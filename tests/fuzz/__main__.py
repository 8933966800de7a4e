"""`python -m tests.fuzz files|keys|peers|programs [FLAG]…`: a long run; `--help` after its name says more.

``files`` starts with damaged files, ``keys`` presses random keys in the app, ``peers`` sends bad followers to
a talk, and ``programs`` draws every picture of random programs.
"""

from __future__ import annotations

import sys
from importlib import import_module

RUNS = {name: f"tests.fuzz.{name}" for name in ("files", "keys", "peers", "programs")}
"""The long runs, and the module of each, which has a `main` that takes the words after the name."""


def main() -> int:
    """Do a long run."""
    if not set(sys.argv[1:2]) & set(RUNS):
        print(__doc__, file=sys.stderr)
        return 2
    code: int = import_module(RUNS[sys.argv[1]]).main(sys.argv[2:])
    return code


if __name__ == "__main__":
    sys.exit(main())
