"""When a run is rehearsed, and what follows of what that tells: it goes on, or it may do less."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import sub
from typing import TYPE_CHECKING, Any

from llm_linalg.language.allowance import Spent
from llm_linalg.language.costs import EFFORT_OF_A_LOOP, EFFORT_OF_A_NODE
from llm_linalg.language.looking import Looking
from llm_linalg.language.moments import NONE, Moment
from llm_linalg.language.pace import ENOUGH, MOST_TIMES, Going, Pace, Ran

if TYPE_CHECKING:
    from llm_linalg.foresight import Rehearsal

MOST_TRIES = 2
AGAIN = 1.5  # times as much was done as when it was told what fits: then more is known


class Rehearsed(Looking):
    """Evaluates what an `Assigner` does; a program that turns out to be large is rehearsed."""

    _open: int = 0  # the place of the first statement of which it can't be told how much it does
    _clear: int = -1  # the place of a loop of which no more is known when it begins than before the run
    _due: int = 0  # what will have been done when it is to be seen whether it still fits
    _told: int = 0  # what had been done when that was told last
    _unsure = False  # whether a rehearsal that keeps values apart may tell more
    _too_long = False  # to be told so: it would be again
    _watching = False  # whether statements are that go through items
    _tries: int = 0  # to tell how much it does by the pace of its loops

    def begin(self, statements: Sequence[ast.stmt]) -> None:
        """Watch what statements take that are about to be run; should it be much, they are rehearsed."""
        self._rehearsed, self._body, self._open, self._tries = None, statements, 0, MOST_TRIES
        self._start, self._going = self._moment(statements), list[Going]()
        self._ran = dict[ast.stmt, list[Ran]]()
        self._by_others, self._too_long = False, False
        self._watching = self.source.comprehends
        self.look_anew()
        if self.budget.foresight:
            self.budget.arm(self._rehearse_all)
            share = self.source.size * len(statements) // max(len(self.source.tree.body), 1)
            self.budget.effort += int(EFFORT_OF_A_NODE * share)

    @contextmanager
    def foreseen(self, loop: ast.For, values: Sequence[Any]) -> Iterator[Going]:
        """Know a loop that is under way while the context is open; one not foreseen is rehearsed first."""
        self.budget.effort += EFFORT_OF_A_LOOP
        going = Going(self._moment([loop], values), closely=not self._going)
        self._going.append(going)
        try:
            if self._by_others and loop not in self._ran:
                self._look_at(going)
            self._rehearse(going.moment)
            if self.budget.confined:
                self._rehearse_rest(going)
            yield going
        finally:
            self._going.pop()
            if self._rehearsed is not None:
                ran = self._ran.setdefault(loop, [])
                if len(ran) < MOST_TIMES:
                    ran.append(Ran(going.turn, len(values), going.moment.left, self.budget.left))

    def _rehearse_all(self) -> None:
        """Rehearse the program from its start, and each loop that is under way and wasn't foreseen then.

        If that does not tell all that the program does, or if it does more than was told, it may do less.
        """
        self._rehearsed = set()
        self.budget.foresee()
        told = self._rehearse(self._start) or self._rehearse_dearest(self._start) or self._rehearse_exactly()
        for going in [] if told else self._going:
            self._rehearse(going.moment)
        if not told and len(self._going) > 1:
            self._look_at(self._going[-1])
        early = bool(self._going) and self._going[0].turn <= ENOUGH
        if not told and (early or not self._by_pace()):
            self.budget.confine(self._try_again)
            for going in self._going[:1]:
                self._rehearse_rest(going)

    def _by_pace(self) -> bool:
        """Rehearse the program with what its loops took so far; return whether that told all."""
        if self._tries <= 0 or self._too_long or self._explodes:
            return False
        self._tries -= 1
        paces = {loop: Pace(ran) for loop, ran in self._ran.items()}
        left, within = self.budget.left, False
        for going in reversed(self._going):  # a turn of the one around takes all that is within it
            if going.turn > ENOUGH:
                size = len(going.moment.values)
                pace = paces.setdefault(going.moment.statements[0], Pace(()))
                foretold = going.foretold(size, left, whole=within)
                pace.add(size, foretold)
                left, within = Spent(*map(sub, going.moment.left, foretold)), True
        paces = {loop: pace for loop, pace in paces.items() if pace.turns >= ENOUGH}
        self._by_others = bool(paces) and self._rehearse_dearest(self._start, paces)
        for going in self._going[:1] if self._by_others else []:
            self._look_beyond(going.moment)
        for going in self._going[1:] if self._by_others else []:
            self._look_at(going)
        if self._by_others:
            self._look_within()
        return self._by_others

    def _try_again(self) -> None:
        """See whether more is known by now of how its loops go."""
        self._by_pace()

    def _exceeds(self) -> None:
        """See whether a program that does more than was told, or more than it had, will still fit."""
        done = self.budget.effort - self.budget.steps
        if self._explodes or any(going.sudden(done) for going in self._going[:1]):
            fits = False
        elif self.budget.beyond:
            fits = self._by_pace()
        elif self.budget.done < self._due:
            self._look_again(self._due - self.budget.done)
            fits = True
        else:
            self._look_again(self.budget.much)
            tries, fits = self._tries, True
            if self._by_others and (self.budget.done > AGAIN * self._told or not self._goes_on):
                self._tries += 1
                fits = self._by_pace() or (self._too_long and self._goes_on)
                self._tries = tries
        if not fits:
            self.budget.confine()

    @property
    def _goes_on(self) -> bool:
        """Whether the outermost loop that is under way fits, if it goes on as it went."""
        left = self.budget.left
        return all(
            taken <= there
            for going in self._going[:1]
            if going.turn > ENOUGH
            for taken, there in zip(
                going.foretold(len(going.moment.values), left), going.moment.left, strict=True
            )
        )

    @property
    def _explodes(self) -> bool:
        return any(going.explodes for going in self._going)

    def _rehearse(self, moment: Moment) -> bool:
        """Rehearse what is about to be run, unless it was; return whether that told all that it does.

        Raises:
            LimitError: If it surely asks for more than is left.
        """
        if self._rehearsed is None or moment.statements[0] in self._rehearsed:
            return False
        self._rehearsed.add(moment.statements[0])
        rehearsal = self._gone_through(moment)
        if moment is self._start:
            self._unsure = rehearsal.vague and not rehearsal.too_long
            if rehearsal.told_all:
                self._let_free(moment, rehearsal)
        return rehearsal.told_all

    def _rehearse_exactly(self) -> bool:
        """Rehearse the program from its start, values kept apart, if that matters; say if that told all."""
        if not self._unsure:
            return False
        rehearsal = self._gone_through(self._start, exact=True)
        if rehearsal.told_all:
            self._let_free(self._start, rehearsal)
        return rehearsal.told_all

    def _rehearse_rest(self, going: Going) -> None:
        """Rehearse all that is left of the program from a loop on, if more of it can be known by now."""
        loop = going.moment
        place = self._place(loop)
        if place >= self._open:
            self._open = place + 1
            if place != self._clear or 2 * going.turn > len(loop.values or ()):
                self._rehearse_dearest(loop._replace(statements=self._body[place:]))

    def _rehearse_dearest(self, moment: Moment, paces: Mapping[ast.stmt, Pace] = NONE) -> bool:
        """Rehearse all that is left of the program in the dearest case; return whether that told all."""
        rehearsal = self._gone_through(moment, dearest=True, paces=paces)
        if rehearsal.too_long:
            self._too_long = True
        if moment is self._start:
            self._clear = rehearsal.known if rehearsal.clear else -1
        known = len(self._body) - len(moment.statements) + rehearsal.known
        self._open = max(self._open, known)
        if rehearsal.told_all:
            self._let_free(moment, rehearsal)
        return rehearsal.told_all

    def _let_free(self, start: Moment, rehearsal: Rehearsal) -> None:
        """Let the program do all that it will, until it does more than was told."""
        self._told = self.budget.done
        self.budget.arm(self._exceeds, _beyond(start.left, rehearsal.budget.left, self.budget.large))
        if rehearsal.dearest:
            self._look_again(self.budget.much)

    def _look_again(self, more: int) -> None:
        """See after a while whether it still fits; or as soon as a turn does far more than any one before."""
        self._due = self.budget.done + more
        done = self.budget.effort - self.budget.steps
        soon = [going.until_sudden(done) + 1 for going in self._going[:1] if going.turn > ENOUGH]
        self.budget.look_again(self._exceeds, min([more, *soon]))


def _beyond(start: Spent, end: Spent, large: Spent) -> Spent:
    """Return what is left when a program takes clearly more than was told: from a start to an end."""
    return Spent(*[
        last - (first - last) // 4 - more for first, last, more in zip(start, end, large, strict=True)
    ])  # fmt: skip
