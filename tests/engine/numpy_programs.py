"""Programs over NumPy."""

from __future__ import annotations

from pathlib import Path

PROGRAMS = Path(__file__).with_name("numpy_programs.txt")
BETWEEN = "\n-----\n"


def pieces(file: Path) -> list[str]:
    """Returns the programs of a file."""
    return file.read_text(encoding="utf-8").removesuffix("\n").split(BETWEEN)
