"""Masks drawn by hand: flipping cells of a tensor that a control of the lesson sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.lessons.control import Grid, flip_cell, grid_shape, is_grid

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control
    from tui.compose.program_run import Run
    from tui.model.view import View


class MaskEntry(NamedTuple):
    """A control's entry for which a cell stands, and the control's tensor as it is now."""

    control: Control
    grid: Grid
    row: int
    column: int


def mask_entry(run: Run, view: View) -> MaskEntry | None:
    """Return what the cell under the cursor stands for; None if it can't be flipped.

    A control of kind "grid" says which tensor it edits. A cell of any tensor of the picture with as many rows
    and columns stands for the entry at its place: of a mask, of the scores that it hides, of the weights.
    """
    cell = None if run.trace is None or view.backward or view.cursor is None else run.cursor_cell(view)
    if run.trace is None or cell is None:
        return None
    for control in view.lesson.controls:
        if control.kind != "grid" or control.edits not in run.trace:
            continue
        value = run.trace[control.edits].value
        shape = tuple(value.shape)
        if is_grid(control.default) and cell.tensor.shape[-2:] == shape == grid_shape(control.default):
            grid = tuple(tuple(int(bool(entry)) for entry in row) for row in value.tolist())
            return MaskEntry(control, grid, *cell.index[-2:])
    return None


def flip_entry(run: Run, view: View) -> View:
    """Return the view with the cell under the cursor flipped; the same view if it can't be."""
    entry = mask_entry(run, view)
    if entry is None:
        return view
    return view.set(entry.control.name, entry.control.show(flip_cell(entry.grid, entry.row, entry.column)))
