"""A document's cell as the screen shows it: its own lines, how it ended, and its answer."""

from __future__ import annotations

from typing import NamedTuple

from llm_linalg.base.text import NOTHING, CleanText


class NotebookCell(NamedTuple):
    """A cell of a document.

    Attributes:
        number: Its number.
        code: Its lines.
        state: How it ended, as `CellState` says it; empty before it was run.
        root: The number of the cell that it rests on, or None.
        line: The line, from 1, of its own lines, at which it was not run; None if all of it was.
        remarks: What may be different in it from Python's, and what was left out of it.
        printed: What it printed.
        answer: The value that it ends with, or what it binds, if that is no tensor.
        saved: What its notebook has saved of it, below a line that says so, where it was not run whole.
    """

    number: int
    code: tuple[CleanText, ...]
    state: str = ""
    root: int | None = None
    line: int | None = None
    remarks: tuple[CleanText, ...] = ()
    printed: CleanText = NOTHING
    answer: CleanText = NOTHING
    saved: CleanText = NOTHING

    def record(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "number": self.number,
            "state": self.state,
            "root": self.root,
            "remarks": list(self.remarks),
            "answer": self.answer,
            "saved": self.saved,
        }
