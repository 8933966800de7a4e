"""Which cells of a notebook show what it has saved of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_linalg.lessons.lesson import Lesson

if TYPE_CHECKING:
    from llm_linalg.recording.cell_state import CellState


def with_saved(document: Lesson, states: Sequence[CellState]) -> tuple[CellState, ...]:
    """Return the states of a document's cells, those marked whose saved output is shown.

    It is, if the cell was not run as a whole and the notebook has one.
    """
    stops = document.stops
    return tuple(
        state._replace(saved=not state.is_whole and bool(stops[state.number - 1].saved))
        if state.number <= len(stops)
        else state
        for state in states
    )
