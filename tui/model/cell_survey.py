"""How all cells of a document ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.model.view import View

if TYPE_CHECKING:
    from llm_linalg.recording.cell_state import CellState

MOST_LISTED = 24  # characters of the names of files: how the cells ended stands behind them in one row


class CellSurvey(NamedTuple):
    """How all cells of a document ended, run with the choices of a view.

    Attributes:
        view: The view.
        cells: How each cell ended; none where the run was stopped.
        named: The files beside the document that its cells name and may not read.
        read: The files that they read.
    """

    view: View
    cells: tuple[CellState, ...]
    named: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    def serves(self, view: View) -> bool:
        """Return whether it is of a view's document, with the same choices."""
        other = self.view
        same = (other.controls, other.seed, other.reads) == (view.controls, view.seed, view.reads)
        return same and (other.lesson is view.lesson) and other.trusted == view.trusted

    @property
    def says(self) -> str:
        """What is said of it as the document opens; nothing where all cells run and no file is named."""
        from llm_linalg.recording.cell_state import summary

        if not self.named and not self.read and all(cell.is_whole for cell in self.cells):
            return ""
        parts = [f"F: let it read {_listed(self.named)}."] if self.named else []  # what is cut is the end
        parts += [f"It reads {_listed(self.read)}."] if self.read else []
        return " ".join([*parts, f"{summary(self.cells)}."])


def _listed(names: tuple[str, ...]) -> str:
    """Return the names of files, at least one, and those for which there is little room as a number."""
    shown = names
    while len(shown) > 1 and len(", ".join(shown)) > MOST_LISTED:
        shown = shown[:-1]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
