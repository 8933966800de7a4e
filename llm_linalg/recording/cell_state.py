"""How each cell of a notebook's program ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from llm_linalg.recording.gap import Gap
from llm_linalg.recording.plot import Plot

_LONGEST_SUMMARY = 76  # characters: it is one line of 80 columns
_MOST_NUMBERS = 4  # of cells that are named
State = Literal["run", "failed", "stopped", "skipped", "rests"]
_OWN_FAULT: Sequence[State] = ("stopped", "failed")
_VERBS: Mapping[State, tuple[str, str]] = {
    "run": ("runs", "run"),
    "failed": ("fails", "fail"),
    "stopped": ("is stopped", "are stopped"),
    "skipped": ("is left out", "are left out"),
    "rests": ("rests on", "rest on"),
}
"""What one cell does, and what several do."""


class CellState(NamedTuple):
    """How a cell ended, and what it shows.

    Attributes:
        number: Its number among the program's cells, from 1.
        state: `run`, if all of it was; `skipped`, if all of it was left out; else what its first statement
            was that was not run: `failed`, `stopped` at a limit, or `rests` on another cell. What was run on
            values that another cell would have made or changed `rests` on that as well.
        root: The number of the cell that it rests on.
        reason: Why it was not run, or what may be different in it.
        left_out: Its lines that mean nothing here: commands of the notebook, plots.
        answer: The text of its last value, if that is no tensor; or of what it binds.
        node: The position of the node that it shows: its last value's, or the last that it made; None if it
            has none.
        printed: What it printed.
        plot: What it plots, if it plots numbers.
        gaps: The turns of its loops that were run, and not recorded.
        saved: Whether the notebook's own output of it is shown, since it was not run.
        line: The line of the program at which it was first not run; None if all of it was.
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
    saved: bool = False
    line: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing in it: it was run, or holds nothing to run."""
        return self.state in ("run", "skipped")

    def record(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "number": self.number,
            "state": self.state,
            "root": self.root,
            "reason": self.reason,
            "saved": self.saved,
        }


def summary(states: Sequence[CellState]) -> str:
    """Return in one line how many cells run, which don't, and how many rest on those.

    >>> summary([CellState(1), CellState(2, "stopped"), CellState(3, "rests", 2)])
    '3 cells: one runs, cell 2 is stopped and one rests on it'
    """
    count = f"{len(states)} cell{'s' * (len(states) != 1)}"
    numbers = {kind: [cell.number for cell in states if cell.state == kind] for kind in _VERBS}
    if len(numbers["run"]) == len(states):
        return f"{count}: all run" if len(states) != 1 else "1 cell, which runs"
    faults = [kind for kind in _OWN_FAULT if numbers[kind]]
    if len(states) == 1 and faults:  # as a script whose author knows of no cells
        return f"1 cell, which {_part(lambda _: '', faults[0], numbers).strip()}"
    parts = [_part(_count, "run", numbers)]
    parts += [_part(_count, "skipped", numbers)] * bool(numbers["skipped"])
    on = "it" if sum(len(numbers[kind]) for kind in faults) == 1 else "them"
    rest = f" and {_part(_count, 'rests', numbers)} {on}" if numbers["rests"] else ""
    lines = (
        f"{count}: {', '.join([*parts, *(_part(name, kind, numbers) for kind in faults)])}{rest}"
        for name in (_cells, _count)
    )
    named, counted = lines
    return named if len(named) <= _LONGEST_SUMMARY else counted


def counts(states: Sequence[CellState]) -> str:
    """Return, shorter, how many cells run and how many don't.

    >>> counts([CellState(1), CellState(2, "stopped"), CellState(3, "rests", 2)])
    "3 cells: one runs, 2 don't"
    """
    run = [cell.number for cell in states if cell.state == "run"]
    others = [cell.number for cell in states if not cell.is_whole]
    verb = "doesn't" if len(others) == 1 else "don't"
    return f"{len(states)} cells: {_part(_count, 'run', {'run': run})}, {_count(others)} {verb}"


def _cells(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"cell {numbers[0]}"
    if len(numbers) > _MOST_NUMBERS:
        return f"{len(numbers)} cells from {numbers[0]} on"
    return f"cells {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _count(numbers: Sequence[int]) -> str:
    return {0: "none", 1: "one"}.get(len(numbers), str(len(numbers)))


def _part(name: Callable[[Sequence[int]], str], kind: State, numbers: Mapping[State, Sequence[int]]) -> str:
    return f"{name(numbers[kind])} {_VERBS[kind][len(numbers[kind]) > 1]}"
