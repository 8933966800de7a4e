"""The lines of the user's own file around the one that is shown."""

from __future__ import annotations

from functools import lru_cache
from linecache import getlines

from llm_linalg.base.text import NOTHING, CleanText, clean

AROUND = 200  # lines before and after; those further off are blank, so that a long file costs nothing
WIDEST = 400


@lru_cache(64)
def file_lines(file: str, line: int | None) -> tuple[CleanText, ...]:
    """Return the lines of a file, cleaned; empty where it can't be read."""
    lines = getlines(file)
    at = line or 1
    return tuple(
        clean(text.rstrip("\n"), WIDEST) if abs(number - at) <= AROUND else NOTHING
        for number, text in enumerate(lines[: at + AROUND], 1)
    )
