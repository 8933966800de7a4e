"""Moves of the cell cursor: along its panel, to another panel or slice, to where its cell was made."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from llm_linalg.lessons.stop import FollowedCell
from tui.navigation.steps import last, order_of

if TYPE_CHECKING:  # the table of commands is read before the first paint, which composes nothing
    from tui.compose.program_run import Run
    from tui.model.frame import Index, Panel
    from tui.model.view import View

MOST_SLICES = 100_000  # slices of a tensor that the keys go through


def follow(run: Run, view: View) -> View:
    """Go one step towards the inputs; return the same view if the cell is an input.

    A cell of the result leads to the first cell that it was made of, a cell of an operand to the node
    that made it.
    """
    cell, trace = run.cursor_cell(view), run.trace_of(view)
    if cell is None or trace is None:
        return view
    navigation = run.navigation(view)
    if cell.operand is None:
        cells = cell.owner.node.reads(cell.index)
        for operand, made in zip(cell.owner.operands, cells, strict=True):
            for index in made:
                return replace(view, cursor=(operand.name, index), at=None)
        return view
    from tui.compose.nodes import path_of

    maker = cell.tensor.node
    path = path_of(trace.nodes, maker, navigation.chain[:-1])
    if path is None or not maker.operands:
        return view
    step = maker.walk("cells").locate(cell.index) + 1 if "cells" in maker.orders else 0
    there = replace(view, path=path, order=None, depth="cells", step=step, at=None, return_path=())
    return replace(there, cursor=(maker.name, cell.index))


def move(run: Run, view: View, rows: int, columns: int) -> View:
    """Move the cell cursor on its panel, or put it on the shown slice of the result if it isn't there."""
    navigation = run.navigation(view)
    node = navigation.node
    if node is None or not node.value.numel():
        return view
    cell = run.cursor_cell(view)
    if cell is None:
        order, start = order_of(view, navigation), None
        if order and 0 < view.step <= navigation.length(order):
            start = navigation.cell(order, view.step)
        for panel in run.frame(view).stage.panels:
            if panel.role == "result" and (start is None or panel.place(start) is None):
                start = panel.index(0, 0)
        return replace(view, cursor=(node.name, start or (0,) * len(node.shape)))
    for panel in run.frame(view).stage.panels:
        if panel.name == cell.tensor.name and panel.shape == cell.tensor.shape:
            return replace(view, cursor=(cell.tensor.name, _neighbour(panel, cell.index, rows, columns)))
    return view


def onto_tensor(run: Run, view: View, name: str) -> View:
    """Put the cell cursor on a tensor's first cell, all steps done; the same view if it has no cells."""
    node = run.trace[name] if run.trace is not None and name in run.trace else None
    if run.trace is None or node is None or not node.value.numel():
        return view
    from tui.compose.nodes import path_of

    there = onto_node(run, replace(view, path=path_of(run.trace.nodes, node) or ()))
    return replace(there, cursor=(node.name, (0,) * len(node.shape)))


def onto_node(run: Run, view: View) -> View:
    """Show the cells of the node of a view's path, all steps done."""
    there = replace(view, order=None, depth="cells", step=0, at=None, return_path=())
    return last(there, run.navigation(there))


def next_panel(run: Run, view: View, direction: int = 1) -> View:
    """Move the cell cursor to the next panel, onto what is lit there."""
    cell = run.cursor_cell(view)
    if cell is None:
        return move(run, view, 0, 0)
    panels = [panel for panel in run.frame(view).stage.panels if all(panel.shape) and panel.role != "margin"]
    names = [*dict.fromkeys(panel.name for panel in panels)]
    if len(names) < 2 or cell.tensor.name not in names:
        return view
    name = names[(names.index(cell.tensor.name) + direction) % len(names)]
    panel = next(panel for panel in panels if panel.name == name)
    return replace(view, cursor=(name, panel.index(panel.focus_rows.start, panel.focus_columns.start)))


def next_slice(run: Run, view: View, direction: int) -> View:
    """Show the next or previous slice of an N-d tensor: the cursor's, else the result's."""
    navigation = run.navigation(view)
    node = navigation.node
    if navigation.gallery is not None:
        return navigation.gallery.of_batch(view, direction)
    if node is None:
        return view
    cell = run.cursor_cell(view)
    panels = run.frame(view).stage.panels
    name, shape = (node.name, node.shape) if cell is None else (cell.tensor.name, cell.tensor.shape)
    panel = next((panel for panel in panels if (panel.name, panel.shape) == (name, shape)), None)
    if panel is None or not panel.at:
        return view
    shown = (panel.row_axis, panel.column_axis)
    at = _slice_beside(panel, direction)
    if cell is None:
        return replace(view, at=at)
    rest = iter(at)
    index = tuple(i if axis in shown else next(rest) for axis, i in enumerate(cell.index))
    return replace(view, cursor=(name, index))


def followable(run: Run, view: View) -> FollowedCell | None:
    """Return the cell under the cursor as one to follow; None if it is a part's, or there is no cursor."""
    from tui.compose.nodes import path_of

    cursor, trace = run.cursor_cell(view), run.trace_of(view)
    if cursor is None or trace is None or view.backward or view.depth == "map":
        return None
    path = path_of(trace.nodes, cursor.tensor.node)
    return None if path is None else FollowedCell("lineage", path[0], cursor.index)


def follows_cell(run: Run, view: View, cell: FollowedCell) -> bool:
    """Return whether a view follows a cell, whichever way."""
    followed = run.lineages.of(view)
    node = None if run.trace is None else run.trace.node_named(cell.name)
    return followed is not None and (followed.node, followed.start.position) == (node, cell.position)


def _neighbour(panel: Panel, index: Index, rows: int, columns: int) -> Index:
    """Return the cell `rows` down and `columns` right on a panel, not beyond its edges."""
    row, column = panel.place(index) or (0, 0)
    row = max(0, min(row + rows, panel.rows - 1))
    return panel.index(row, max(0, min(column + columns, panel.columns - 1)))


def _slice_beside(panel: Panel, direction: int) -> tuple[int, ...]:
    """Return the next or previous slice of a panel's tensor, around its ends."""
    sizes = [n for axis, n in enumerate(panel.shape) if axis not in (panel.row_axis, panel.column_axis)]
    every = list(product(*map(range, sizes))) if 0 < prod(sizes) <= MOST_SLICES else [panel.at]
    return every[(every.index(panel.at) + direction) % len(every)]
