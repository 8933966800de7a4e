"""Grids of 0 and 1 as the value of a control, such as a mask that the reader edits cell by cell.

A grid's text is its rows of digits separated by slashes, which a shell command can contain: `100/110/111`.
"""

from __future__ import annotations

from typing import TypeGuard

from llm_linalg.base.spelling import quote

Grid = tuple[tuple[int, ...], ...]

MOST_SIDE = 16


def format_grid(grid: Grid) -> str:
    """Return the text of a grid, which `parse_grid` reads back."""
    return "/".join("".join(map(str, row)) for row in grid)


def parse_grid(name: str, text: str, like: Grid) -> Grid:
    """Return the grid that a text stands for, of the same shape as `like`.

    Raises:
        ValueError: If it is none, with a sentence on what the control `name` takes.
    """
    rows = text.split("/")
    if not all(row and set(row) <= {"0", "1"} for row in rows):
        raise ValueError(f"{_takes(name, like)}, not {quote(text)}")
    return check_grid(name, tuple(tuple(map(int, row)) for row in rows), like)


def check_grid(name: str, value: object, like: Grid) -> Grid:
    """Return a value as a grid of the same shape as `like`.

    Raises:
        ValueError: If it is none, with a sentence on what the control `name` takes.
    """
    if not is_grid(value) or [len(row) for row in value] != [len(row) for row in like]:
        raise ValueError(f"{_takes(name, like)}, not {quote(str(value))[1:-1]}")
    return tuple(tuple(int(entry) for entry in row) for row in value)


def is_grid(value: object) -> TypeGuard[Grid]:
    """Return whether a value is rows of 0 and 1, all of the same length."""
    if not isinstance(value, tuple | list) or not 1 <= len(value) <= MOST_SIDE:
        return False
    rows = [row for row in value if isinstance(row, tuple | list) and 1 <= len(row) <= MOST_SIDE]
    entries = [entry for row in rows for entry in row]
    same = len({len(row) for row in rows}) == 1 and len(rows) == len(value)
    return same and all(type(entry) is int and entry in (0, 1) for entry in entries)


def grid_shape(grid: Grid) -> tuple[int, int]:
    """Return the numbers of rows and of columns of a grid."""
    return len(grid), len(grid[0])


def fill_grid(grid: Grid, entry: int) -> Grid:
    """Return a grid of the same shape, all 0 or all 1."""
    return tuple((entry,) * len(row) for row in grid)


def flip_cell(grid: Grid, row: int, column: int) -> Grid:
    """Return the grid with one entry flipped."""
    return tuple(
        tuple(1 - entry if (i, j) == (row, column) else entry for j, entry in enumerate(line))
        for i, line in enumerate(grid)
    )


def _takes(name: str, like: Grid) -> str:
    return f"{name} takes {len(like)} rows of {len(like[0])} digits 0 and 1, such as {format_grid(like)}"
