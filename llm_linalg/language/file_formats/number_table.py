"""Tables of numbers as text, read as `np.loadtxt` and `np.genfromtxt` read them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from llm_linalg.language.file_formats.format_errors import FormatError

_MOST_CELLS = 2_000_000  # as many as characters of the longest text: a column may be taken again and again


def rows_of_numbers(
    lines: Sequence[str],
    *,
    delimiter: str | None,
    comments: str | None,
    skipped: int,
    columns: Sequence[int] | None,
    most_rows: int | None,
    whole: bool,
    takes_missing: bool,
) -> list[list[float]]:
    """Return the numbers of a table, row by row.

    Args:
        lines: Its lines.
        delimiter: What stands between two numbers; None for blanks.
        comments: What a comment begins with.
        skipped: How many lines at the start are left out.
        columns: Which columns are taken; None for all.
        most_rows: How many rows are taken at most; None for all.
        whole: Whether the numbers are whole.
        takes_missing: Whether what is no number is taken for NaN, or for -1 among whole numbers.

    Raises:
        FormatError: If something is no number, or the rows are of different lengths.
    """
    rows: list[list[float]] = []
    cells = 0
    for number, fields in _fields(lines, delimiter, comments, skipped):
        if most_rows is not None and len(rows) >= most_rows:
            break
        if rows and columns is None and len(fields) != len(rows[0]):
            raise FormatError(f"line {number} has {len(fields)} columns, and those above have {len(rows[0])}")
        chosen = range(len(fields)) if columns is None else columns
        cells += len(chosen)
        if cells > _MOST_CELLS:
            raise FormatError(f"more than {_MOST_CELLS:,} numbers are taken of it")
        row = []
        for column in chosen:
            if not -len(fields) <= column < len(fields):
                raise FormatError(f"line {number} has no column {column}")
            row.append(_number(fields[column], number, whole=whole, takes_missing=takes_missing))
        rows.append(row)
    return rows


def _fields(
    lines: Sequence[str], delimiter: str | None, comments: str | None, skipped: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line that says something, and its fields."""
    for number, line in enumerate(lines[skipped:], skipped + 1):
        text = line.partition(comments)[0] if comments else line
        if text.strip():
            yield number, text.strip("\r\n").split(delimiter)


def _number(text: str, line: int, *, whole: bool, takes_missing: bool) -> float:
    text = text.strip()
    try:
        if "_" in text:  # Python's own way to part digits
            raise ValueError(text)
        return int(text) if whole else float(text)
    except ValueError:
        if takes_missing:
            return -1 if whole else math.nan
        raise FormatError(f"line {line} holds {text[:40]!r}, which is no number") from None
