"""A statement in a process of its own: what it prints as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.terminal.console import ROOT


def fresh(source: str) -> object:
    """Runs `source`; returns the JSON value that it prints.

    Modules are compiled only once, as where the project is installed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)
