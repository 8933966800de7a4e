"""A document's cell as the screen shows it: its own lines, what came of it, and its answer."""

from __future__ import annotations

from typing import NamedTuple

from llm_linalg.base.text import NOTHING, CleanText


class NotebookCell(NamedTuple):
    """A cell of a document.

    Attributes:
        number: Its number.
        code: Its lines.
        state: `run`, `refused`, `failed` or `rests`; empty before it was run.
        root: The number of the cell that it rests on, or None.
        line: The line, from 1, of its own lines, at which it was not run; None if all of it was.
        remarks: What may be different in it from Python's, and what was left out of it.
        printed: What it printed.
        answer: The value that it ends with, or what it binds, if that is no tensor.
    """

    number: int
    code: tuple[CleanText, ...]
    state: str = ""
    root: int | None = None
    line: int | None = None
    remarks: tuple[CleanText, ...] = ()
    printed: CleanText = NOTHING
    answer: CleanText = NOTHING

    def record(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "number": self.number,
            "state": self.state,
            "root": self.root,
            "remarks": list(self.remarks),
            "answer": self.answer,
        }
