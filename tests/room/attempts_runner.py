"""`python -m tests.room.attempts_runner FOLDER PORT room|plain` makes the attempts as whoever calls it.

It prints, for each attempt, what its program printed and how it ended, as JSON. Without a room each runs in a
copy of this process, with the rights of the caller.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path

from tests.room.attempts import CONTROLLED, attempts


def plainly(program: str) -> list[str]:
    """Returns what a program prints in a copy of this process, without a lock."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writing, "w") as out, redirect_stdout(out), suppress(BaseException):
            exec(program, {})  # noqa: S102
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as back:
        text = back.read()
    os.waitpid(child, 0)
    return [text, ""]


def main() -> None:
    """Makes all attempts, or those that are controls."""
    folder, port, where = sys.argv[1:4]
    results = {}
    if where == "plain":
        import numpy  # noqa: F401 - once, and not in each copy
        import torch  # noqa: F401
    for name, line, source in attempts():
        program = source.replace("FOLDER", folder).replace("PORT", port)
        Path(folder, "secret").write_text("SECRET")
        Path(folder, "new").unlink(missing_ok=True)
        if where == "room":
            from tests.room.programs import outcome

            printed, ending = outcome(program, 20)
            results[line] = [printed, str(ending)]
        elif name in CONTROLLED:
            results[line] = plainly(program)
            subprocess.run(["rm", "-rf", f"{folder}/new"], check=True)
    sys.stdout.write(json.dumps({"user": os.getuid(), "results": results}) + "\n")


if __name__ == "__main__":
    main()
