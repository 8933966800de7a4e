"""The cell of a document in a frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.lessons.documents import with_saved
from tui.compose.frames import LONGEST_LINE, LONGEST_OUTPUT
from tui.model.map_table import MAP_LOOKS
from tui.model.notebook_cell import NotebookCell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_linalg.api.node import Node
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.recording.cell_state import CellState
    from llm_linalg.recording.plot import Plot
    from tui.model.frame import Frame
    from tui.model.view import View

LONGEST_REMARK = 300
SHOWN_AS_LEFT_OUT = 3  # lines that are named
SHOWN_GAPS = 3  # sentences on turns that are not kept


def with_cell(
    frame: Frame, view: View, states: Sequence[CellState], error: ProgramError | None, *, ascii_only: bool
) -> Frame:
    """Return a document's frame with its cell, and with what that alone has printed.

    Where the cell shows no tensor, its own last line is the current one.
    """
    stop = view.at_stop
    if stop.exercise is not None or not stop.code:
        return frame
    state = next(iter(with_saved(view.lesson, states[stop.number - 1 : stop.number])), None)
    first = view.cells[stop.number - 1]
    line = error.line if error is not None else None
    cell = NotebookCell(
        number=stop.number,
        code=tuple(clean(text, LONGEST_LINE) for text in stop.code.split("\n")),
        state="" if state is None else state.state,
        root=None if state is None else state.root,
        line=line - first + 1 if line is not None and line >= first else None,
        remarks=() if state is None else _remarks(state, error),
        printed=NOTHING if state is None else clean(state.printed, LONGEST_OUTPUT, lines=True),
        answer=NOTHING if state is None else clean(state.answer, LONGEST_OUTPUT, lines=True),
        saved=stop.saved if state is not None and state.saved else NOTHING,
    )
    own = frame.listing.line if frame.listing.line is not None and frame.listing.line >= first else None
    shown = own or (
        len(frame.listing.code) if frame.node is None and not frame.place.backward else frame.listing.line
    )
    frame = replace(frame, listing=frame.listing._replace(cell=cell, printed=cell.printed, line=shown))
    return frame if state is None or state.plot is None else _with_plot(frame, view, state.plot, ascii_only)


def cell_view(view: View, states: Sequence[CellState], node: Node | None) -> View:
    """Return a view of a document as its cell is shown until one steps.

    What it plots as a picture is whole, and in colours. A tensor that was drawn or made of plain numbers is
    whole: it has no steps to tell.
    """
    if not _is_untouched(view):
        return view
    state = states[view.stop - 1] if len(states) >= view.stop else None
    if state is not None and state.plot is not None and state.plot.kind == "heat":
        return replace(view, look="heat", depth="operations")
    made = node is not None and node.call is not None and not node.operands
    return replace(view, depth="operations") if made else view


def _is_untouched(view: View) -> bool:
    """Return whether a view is as its stop opens: nobody has stepped, or chosen anything."""
    plain = view.depth == "cells" and view.look in MAP_LOOKS and not view.backward and view.cursor is None
    return plain and not view.path and not view.step


def _with_plot(frame: Frame, view: View, plot: Plot, ascii_only: bool) -> Frame:
    """Return the frame with what its cell plots, until one steps, or takes another look."""
    from tui.looks.notebook_plot import plot_drawing

    if not _is_untouched(view) or frame.error is not None or frame.cursor is not None:
        return frame
    if plot.kind == "heat":
        return frame
    return replace(frame, stage=frame.stage._replace(drawing=plot_drawing(plot, ascii_only=ascii_only)))


def _remarks(state: CellState, error: ProgramError | None) -> tuple[CleanText, ...]:
    """Return what may be different in a cell that was run, what was not kept, and what was left out."""
    remarks = [state.reason] if state.state == "rests" and error is None else []
    remarks += [*dict.fromkeys(gap.says for gap in state.gaps)][:SHOWN_GAPS]
    if state.left_out:
        shown = state.left_out[:SHOWN_AS_LEFT_OUT]
        more = len(state.left_out) - len(shown)
        remarks.append(f"left out: {'; '.join(shown)}{f' and {more} more' if more else ''}")
    return tuple(clean(text, LONGEST_REMARK) for text in remarks)
