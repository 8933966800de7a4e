"""Programs over NumPy, and what they print with NumPy itself.

Where NumPy is installed, `python tests/engine/numpy_programs.py` writes down what it prints; the tests, which
run without it, hold the language to that.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

OUTPUTS = Path(__file__).with_name("numpy_outputs.txt")
PROGRAMS = Path(__file__).with_name("numpy_programs.txt")
BETWEEN = "\n-----\n"


def pieces(file: Path) -> list[str]:
    """The programs, or what each printed with NumPy."""
    return file.read_text(encoding="utf-8").removesuffix("\n").split(BETWEEN)


def main() -> None:
    """Writes what NumPy prints."""
    import numpy as np  # type: ignore[import-not-found]

    printed = []
    for program in pieces(PROGRAMS):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(program, {"np": np})  # noqa: S102 - programs of this file
        printed.append(out.getvalue().removesuffix("\n"))
        np.set_printoptions(precision=8, suppress=False)
    OUTPUTS.write_text(BETWEEN.join(printed) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
