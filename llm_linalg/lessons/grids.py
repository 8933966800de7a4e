"""Grids of 0 and 1 as the value of a control, such as a mask that the reader edits cell by cell.

A grid's text is its rows of digits separated by slashes, which a shell command can contain: `100/110/111`.
"""

from __future__ import annotations

from typing import TypeGuard

Grid = tuple[tuple[int, ...], ...]

MOST_SIDE = 16


def format_grid(grid: Grid) -> str:
    """Return the text of a grid."""
    return "/".join("".join(map(str, row)) for row in grid)


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


def flip_cell(grid: Grid, row: int, column: int) -> Grid:
    """Return the grid with one entry flipped."""
    return tuple(
        tuple(1 - entry if (i, j) == (row, column) else entry for j, entry in enumerate(line))
        for i, line in enumerate(grid)
    )
