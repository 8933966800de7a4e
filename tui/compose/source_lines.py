"""The lines of the user's own file around the one that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from linecache import getlines

from llm_linalg.base.text import NOTHING, CleanText, clean

AROUND = 200  # lines before and after; those further off are blank, so that a long file costs nothing
WIDEST = 400


@lru_cache(64)
def file_lines(file: str, line: int | None) -> tuple[CleanText, ...]:
    """Return the lines of a file, cleaned; empty where it can't be read."""
    return lines_near(getlines(file), line)


def lines_near(lines: Sequence[str], line: int | None) -> tuple[CleanText, ...]:
    """Return the lines of a text, those that are near one line, cleaned; the others are empty."""
    at = line or 1
    return tuple(
        clean(text.rstrip("\n"), WIDEST) if abs(number - at) <= AROUND else NOTHING
        for number, text in enumerate(lines[: at + AROUND], 1)
    )
