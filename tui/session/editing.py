"""The editor's work on lines of text, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from llm_linalg.base.errors import ProgramError


WAS = "was "  # before a note from an earlier run


class ErrorMark(NamedTuple):
    """The place of an error: its row from 0, and its columns."""

    row: int
    start: int
    end: int

    @classmethod
    def of(cls, error: ProgramError) -> ErrorMark | None:
        """Return the place of an error; None if it has none."""
        if error.line is None or error.column is None:
            return None
        return cls(error.line - 1, error.column, max(error.end_column or 0, error.column + 1))


def carry_notes(
    notes: Mapping[int, str], old: Sequence[str], new: Sequence[str], *, typing: bool
) -> dict[int, str]:
    """Carry the notes of an old text's lines, by row from 0, over to the lines of a new one.

    With `typing` the note of a line that is being changed is kept.
    """
    if old == new:
        return dict(notes)
    shorter = min(len(old), len(new))
    head = next((row for row in range(shorter) if old[row] != new[row]), shorter)
    most = shorter - head
    tail = next((k for k in range(most) if old[-1 - k] != new[-1 - k]), most)
    moved = len(new) - len(old)
    carried_notes: dict[int, str] = {}
    for row, note in notes.items():
        if row < head:
            carried_notes[row] = note
        elif row >= len(old) - tail:
            carried_notes[row + moved] = note
        elif typing and moved == 0 and new[row].strip():
            carried_notes[row] = note
    return carried_notes


def mix_notes(fresh: Mapping[int, str], old: Mapping[int, str], row: int | None) -> dict[int, str]:
    """Return the notes of a program that failed in a row, from 0.

    Args:
        fresh: The notes of the lines that ran before the failure.
        old: The notes of unchanged lines from the last run that did not fail.
        row: Where it failed; None if that, or what ran before, is not known. Above it everything ran.
    """
    stale = {at: f"{WAS}{note.removeprefix(WAS)}" for at, note in old.items() if row is None or at >= row}
    return stale | {at: note for at, note in fresh.items() if at != row}


def harmless(text: str) -> str:
    """Return the text without what a terminal obeys; its lines stay, whichever way they end."""
    text = text.replace("\r\n", "\n").replace(
        "\r", "\n"
    )  # files have the first, a terminal pastes the second
    plain = text.replace("\n", "")
    return text if plain.isascii() and plain.isprintable() else clean(text, None, lines=True)


def indent_after(line: str, step: int) -> str:
    """Return the indentation of the line that follows the beginning of a line."""
    margin = line[: len(line) - len(line.lstrip(" "))]
    return margin + " " * step if line.rstrip().endswith(":") else margin
