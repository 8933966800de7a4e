"""How a loop goes: what its turns have taken so far tells what those to come will take, about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil, log
from typing import Any, NamedTuple

from llm_linalg.language.allowance import Spent

ENOUGH = 2  # turns that tell something
FIRST_MARK = 4  # turns
MOST_TIMES = 200  # that a loop was run of which it is kept what they took
SEVERAL = 5  # turns that tell whether they take more and more
NOTED = 4  # turns to the next one that is noted: one, and one more for each so many that there were
POWER = 5  # what turns took grows less than this power of their number, unless each takes times the last
MOST_POWER = 2  # of its number is what a turn takes that goes through all lists so far, each longer by one
GROWING = 1.5  # times what earlier turns took is taken by later ones, if they take more and more
LEAPING = 5  # likewise, if they are too few to tell


class Ran(NamedTuple):
    """A loop that was run to its end, or left.

    Attributes:
        turns: How many turns it did.
        size: How many it had to do.
        before: What was left of the budget when it began.
        after: What was left then.
    """

    turns: int
    size: int
    before: Spent
    after: Spent


class Pace:
    """What the turns of a loop take, about.

    Args:
        ran: Some times that it was run.

    Attributes:
        turns: How many turns tell of it.
        longest: The most turns that it had to do at once.
        taken: What they took.
    """

    __slots__ = ("_share", "longest", "taken", "turns")

    def __init__(self, ran: Sequence[Ran]) -> None:
        self.turns = sum(times.turns for times in ran)
        self.longest = max([times.size for times in ran], default=0)
        self.taken = Spent(0, 0, 0, 0, 0)
        for times in ran:
            self._take(times.before[unit] - times.after[unit] for unit in range(len(self.taken)))
        planned = sum(times.size for times in ran)
        self._share = self.turns / planned if planned else 1.0  # of a loop that is left early, about as many

    def _take(self, taken: Iterable[int]) -> None:
        self.taken = Spent(*[one + other for one, other in zip(self.taken, taken, strict=True)])

    def add(self, size: int, taken: Spent) -> None:
        """Add what so many turns will take that are all to come."""
        self.turns += size
        self.longest = max(self.longest, size)
        self._take(taken)

    def of(self, size: int | None) -> Spent:
        """Return what so many turns will take, at that pace; None for as many as it had at most."""
        turns = (self.longest if size is None else size) * self._share
        return Spent(*[ceil(taken * turns / max(self.turns, 1)) for taken in self.taken])


MANY_TIMES = 4  # as much as any turn before takes one that is unlike all of them
LEAP, LEAPS = 1.8, 5  # times as much as any before, and turns each of which takes that
NOTABLE = 1_000  # steps and effort of a turn that is one of them
SUDDEN = 15_000  # steps and effort that are much for one turn


class Going:
    """A loop that is under way.

    Args:
        moment: How it began.
        closely: Whether to keep how much was left when its last turn began, or one of the last: what it took
            by then was taken by whole turns; and how much the largest of them did.

    Attributes:
        moment: How it began.
        closely: As above.
        turn: How many of its turns have begun.
        began: What had been done when the last of them began; see `begins`.
        noted: The next turn of which it is to be noted, as it begins, how much is left.
    """

    __slots__ = (
        *("_double", "_last", "_leaps", "_marks", "_most", "_noted"),
        *("began", "closely", "moment", "noted", "turn"),
    )

    def __init__(self, moment: Any, *, closely: bool = False) -> None:
        self.moment = moment
        self.turn = 0
        self.noted = ENOUGH if closely else FIRST_MARK
        self.closely, self._double = closely, FIRST_MARK
        self.began = self._most = self._leaps = 0
        self._last: tuple[int, Spent] | None = None
        self._marks: list[tuple[int, Spent]] = []
        self._noted: list[tuple[int, Spent]] = []  # the last three

    def begins(self, done: int) -> None:
        """Note how much has been done, in steps and effort from any number on, as a turn begins."""
        took = done - self.began if self.turn > 1 else 0
        if took > self._most:
            self._leaps += took > max(LEAP * self._most, NOTABLE)
            self._most = took
        self.began = done

    def sudden(self, done: int) -> bool:
        """Return whether the turn that is under way does far more than any one before it.

        Then those tell nothing of it, nor of any that is like it.
        """
        return self.turn > ENOUGH and self.until_sudden(done) < 0

    def until_sudden(self, done: int) -> int:
        """Return how much more the turn that is under way may do before it is."""
        return self.began + max(MANY_TIMES * self._most, SUDDEN) - done

    def note(self, left: Spent) -> None:
        """Note how much is left as a turn begins; of each twice as many turns the last two are kept."""
        now = self.turn - 1, left
        self._noted = [*self._noted[-2:], now]
        if self.turn >= self._double:
            self._marks, self._double = [*self._marks[-1:], now], 2 * self.turn
        self.noted = self._double
        if self.closely:
            self._last, self.noted = now, self.turn + 1 + self.turn // NOTED

    def taken(self, left: Spent) -> Spent:
        """Return what it took so far, if so much is left now."""
        return Spent(*[before - now for before, now in zip(self.moment.left, left, strict=True)])

    @property
    def explodes(self) -> bool:
        """Whether each turn takes times as much as the last: their pace tells nothing of those to come."""
        if self._leaps >= LEAPS:
            return True
        if len(self._noted) < 3:
            return False
        turns = [turn for turn, _ in self._noted]
        bounds = [(later / earlier) ** POWER for earlier, later in pairwise(turns)]
        return any(
            taken[0] > 0
            and all(
                later > earlier * most for most, (earlier, later) in zip(bounds, pairwise(taken), strict=True)
            )
            for taken in zip(*[self.taken(left) for _, left in self._noted], strict=True)
        )

    def foretold(self, size: int, left: Spent, *, whole: bool = False) -> Spent:
        """Return what so many turns take, if they go on so; turns that take more and more do so still.

        Args:
            size: How many.
            left: What is left of the budget.
            whole: Whether that is so at the end of the turn that is under way.
        """
        turns, then = (None if whole else self._last) or (self.turn - (not whole), left)
        mark, at = self._noted[0] if self._noted else (0, left)
        if self._marks:
            mark, at = self._marks[-1 if self._marks[-1][0] * 3 // 2 <= turns else 0]
        return Spent(*[
            max(_foretold(size, turns, total, mark, first), now)
            for total, first, now in zip(self.taken(then), self.taken(at), self.taken(left), strict=True)
        ])  # fmt: skip


def _foretold(size: int, turns: int, taken: int, mark: int, first: int) -> int:
    """Return what so many turns take; some are done, and the first of those, up to a mark, took so much."""
    if not 0 < mark < turns:
        return ceil(taken / turns * size)
    early, late = first / mark, (taken - first) / (turns - mark)
    rest = max(size - turns, 0)
    if late <= (GROWING if turns >= SEVERAL else LEAPING) * early:
        return ceil(taken + rest * late)
    steadily = rest * (late + (late - early) / (turns / 2) * (turns - mark + rest) / 2)
    tells = early > 0 and mark > 1
    power = round(log(late / early) / log((turns + mark - 1) / (mark - 1))) if tells else 0
    return ceil(max(taken + steadily, taken * (max(size, turns) / turns) ** (1 + min(power, MOST_POWER))))
