"""What came of each cell of a notebook's program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from llm_linalg.recording.gap import Gap
from llm_linalg.recording.plot import Plot

_LONGEST_SUMMARY = 76  # characters: it is one line of 80 columns
State = Literal["run", "refused", "failed", "rests"]


class CellState(NamedTuple):
    """What came of a cell.

    Attributes:
        number: Its number among the program's cells, from 1.
        state: Whether all of it was run; or what its first statement that was not run was: refused by the
            language, failing or stopped, or resting on what another cell would have made.
        root: The number of the cell that it rests on; also of one that was run, if its values may be others
            than Python's, because that cell may have changed something.
        reason: Why it was not run, or what may be different in it.
        left_out: Its lines that mean nothing here: commands of the notebook, plots.
        answer: The text of its last value, if that is no tensor; or of what it binds.
        node: The position of the node that it shows: its last value's, or the last that it made; None if it
            has none.
        printed: What it printed.
        plot: What it plots, if it plots numbers.
        gaps: The turns of its loops that were run, and not recorded.
    """

    number: int
    state: State = "run"
    root: int | None = None
    reason: str = ""
    left_out: tuple[str, ...] = ()
    answer: str = ""
    node: int | None = None
    printed: str = ""
    plot: Plot | None = None
    gaps: tuple[Gap, ...] = ()

    def record(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {"number": self.number, "state": self.state, "root": self.root, "reason": self.reason}


def summary(states: Sequence[CellState]) -> str:
    """Return in one line how many cells run, which don't, and how many rest on those.

    >>> summary([CellState(1), CellState(2, "refused"), CellState(3, "rests", 2)])
    '3 cells: 1 runs, cell 2 is refused and 1 rests on it'
    """
    count = len(states)
    kinds = {kind: [one.number for one in states if one.state == kind] for kind in ("refused", "failed")}
    run, rest = (sum(one.state == kind for one in states) for kind in ("run", "rests"))
    if run == count:
        return f"{count} cell{'s' * (count != 1)}: all run" if count > 1 else "1 cell, which runs"
    told = []
    for name in (_cells, _count):
        parts = [f"{run or 'none'} {'run' if run > 1 else 'runs'}"]
        parts += [f"{name(found)} {_verb(kind, found)}" for kind, found in kinds.items() if found]
        if rest:
            several = sum(map(len, kinds.values())) > 1
            parts[-1] += f" and {rest} rest{'s' * (rest == 1)} on {'them' if several else 'it'}"
        told.append(f"{count} cell{'s' * (count != 1)}: {', '.join(parts)}")
    return next((text for text in told if len(text) <= _LONGEST_SUMMARY), told[-1])


def _cells(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"cell {numbers[0]}"
    if len(numbers) > 4:
        return f"{len(numbers)} cells from {numbers[0]} on"
    return f"cells {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _count(numbers: Sequence[int]) -> str:
    return str(len(numbers))


def _verb(kind: str, numbers: Sequence[int]) -> str:
    if kind == "failed":
        return "fails" if len(numbers) == 1 else "fail"
    return "is refused" if len(numbers) == 1 else "are refused"
