"""Cells to follow through a run: whether the one under the cursor can be, and whether one is."""

from __future__ import annotations

from llm_linalg.lessons.stop import FollowedCell
from tui.compose.nodes import path_of
from tui.compose.program_run import Run
from tui.model.view import View


def follows_cell(run: Run, view: View, cell: FollowedCell) -> bool:
    """Return whether a view follows a cell, whichever way."""
    followed = run.lineages.of(view)
    node = None if run.trace is None else run.trace.node_named(cell.name)
    return followed is not None and (followed.node, followed.start.position) == (node, cell.position)


def followable(run: Run, view: View) -> FollowedCell | None:
    """Return the cell under the cursor as one to follow; None if it is a part's, or there is no cursor."""
    cursor, trace = run.cursor_cell(view), run.trace_of(view)
    if cursor is None or trace is None or view.backward or view.depth == "map":
        return None
    path = path_of(trace.nodes, cursor.tensor.node)
    return None if path is None else FollowedCell("lineage", path[0], cursor.index)
