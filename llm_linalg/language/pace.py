"""How a loop goes: what its turns have taken so far tells what those to come will take, about."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from llm_linalg.language.allowance import Spent

ENOUGH = 2  # turns that tell something


class Pace:
    """What a loop took so far, each time that it was run.

    Attributes:
        turns: How many turns it did in all.
        planned: How many those times would have been that ended, had it never been left early.
        ended: How many turns it did in those.
        longest: The most turns that it had to do at once.
        taken: What all turns took.
    """

    __slots__ = ("ended", "longest", "planned", "taken", "turns")

    def __init__(self) -> None:
        self.turns = self.planned = self.ended = self.longest = 0
        self.taken = Spent(0, 0, 0, 0, 0)

    def add(self, turns: int, size: int, taken: Sequence[int], *, ended: bool) -> None:
        """Add what it took to do so many turns, of a number that were to be done."""
        self.turns += turns
        self.longest = max(self.longest, size)
        self.taken = Spent(*[one + other for one, other in zip(self.taken, taken, strict=True)])
        if ended:
            self.ended += turns
            self.planned += size

    def copy(self) -> Pace:
        """Return the same, to which something can be added."""
        other = Pace()
        other.turns, other.planned, other.ended = self.turns, self.planned, self.ended
        other.longest, other.taken = self.longest, self.taken
        return other

    def of(self, size: int | None) -> Spent:
        """Return what so many turns will take, at that pace; None for as many as it had at most."""
        turns = self.longest if size is None else size
        if self.planned:
            turns = ceil(turns * self.ended / self.planned)  # of a loop that is left early, about as many
        return Spent(*[ceil(taken * turns / max(self.turns, 1)) for taken in self.taken])


class Going:
    """A loop that is under way.

    Attributes:
        moment: How it began.
        turn: How many of its turns have begun.
    """

    __slots__ = ("moment", "turn")

    def __init__(self, moment: Any) -> None:
        self.moment = moment
        self.turn = 0
