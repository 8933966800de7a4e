"""A statement in a process of its own: what it prints as JSON, and its peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from tests.bench.terminal import ROOT, megabytes


def fresh(source: str) -> tuple[object, float]:
    """Runs `source`; returns the JSON value that it printed (None if nothing) and its peak memory in MB.

    Modules are compiled only once, as where the project is installed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", source],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"exit {process.returncode}: {source}")
        out.seek(0)
        text = out.read()
    return (json.loads(text) if text.strip() else None), megabytes(usage.ru_maxrss)
