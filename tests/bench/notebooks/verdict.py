"""How a cell here compares with the same cell in plain Python. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

from llm_linalg.recording.cell_state import CellState

State = Literal["equal", "marked", "open", "wrong", "unmarked"]
STATES: tuple[State, ...] = get_args(State)
_UNSURE = ("TimeoutError", "PermissionError", "MemoryError", "plain Python was ended")


class Outcome(NamedTuple):
    """How a cell ended, on either side.

    Attributes:
        errors: What failed in it; of the side here at most one, with its reason.
        printed: What it printed.
        answer: What the tensor is that its last expression gives; None if there is none.
    """

    errors: Sequence[str] = ()
    printed: str = ""
    answer: Any = None


class Verdict(NamedTuple):
    """The comparison of one cell.

    Attributes:
        file: Its document.
        number: Its number there.
        state: `equal`; `marked` as not run, or as resting on one that was not; `open` where plain Python came
            to no end by its own limits; `wrong` if it differs; `unmarked` if it does so below a marked one.
        why: What differs, or why it was not run.
    """

    file: str
    number: int
    state: State
    why: str = ""


def judge(
    file: str, states: Sequence[CellState], ours: Sequence[Outcome], plain: Sequence[Outcome]
) -> list[Verdict]:
    """Compare the cells of a document, in order."""
    verdicts: list[Verdict] = []
    below = False
    kind: State
    for state, here, there in zip(states, ours, plain, strict=True):
        if any(error.startswith(_UNSURE) for error in there.errors):
            kind, why = "open", there.errors[0]
        elif not state.is_whole and (state.state != "failed" or not there.errors):
            kind, why = "marked", state.reason
        else:
            why = _difference(here, there)
            kind = ("unmarked" if below else "wrong") if why else "equal"
        below = below or kind in ("marked", "open")
        verdicts.append(Verdict(file, state.number, kind, why))
    return verdicts


def _difference(here: Outcome, there: Outcome) -> str:
    if bool(here.errors) != bool(there.errors):
        return f"fails: here {list(here.errors)}, plainly {list(there.errors)}"
    if here.printed != there.printed:
        return f"printed: here {here.printed[:200]!r}, plainly {there.printed[:200]!r}"
    if None not in (here.answer, there.answer) and here.answer != there.answer:
        return f"answer: here {here.answer}, plainly {there.answer}"
    return ""


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the table: a row a document, and one for all."""
    rows = [("document", "cells", *STATES)]
    files = dict.fromkeys(verdict.file for verdict in verdicts)
    for file in [*files, ""]:
        own = Counter(verdict.state for verdict in verdicts if file in ("", verdict.file))
        rows.append((file or "all", str(own.total()), *(str(own[state]) for state in STATES)))
    width = max(len(row[0]) for row in rows)
    return "\n".join(row[0].ljust(width) + "".join(text.rjust(10) for text in row[1:]) for row in rows)
