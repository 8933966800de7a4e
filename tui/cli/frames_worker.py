"""Makes many frames in one process, for tests: arguments of ``llm-linalg frame`` in, what it printed out.

``python -m tui.cli.frames_worker`` reads a JSON list of lists of words and writes a list of [exit code,
stdout, stderr]. It is a process of its own, since torch's kernels are pinned once, before torch is imported.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from tui.cli.main import main


def run_frame(words: list[str]) -> tuple[int, str, str]:
    """The exit code of one command, and what it printed and said."""
    out, said = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        code = main(["frame", *words])
    return code, out.getvalue(), said.getvalue()


if __name__ == "__main__":
    answers = [run_frame(words) for words in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(answers))
