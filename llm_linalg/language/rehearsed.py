"""What is kept of a run so that it can be rehearsed: from its start, and from each loop that is under way."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_linalg.errors import HaltedError, LimitError
from llm_linalg.language import printing
from llm_linalg.language.allowance import LARGE, Spent
from llm_linalg.language.assigner import Assigner
from llm_linalg.language.costs import EFFORT_OF_A_REHEARSAL

if TYPE_CHECKING:
    from llm_linalg.foresight import Recorded, Rehearsal, Start


class Moment(NamedTuple):
    """A place of a run from which it can be rehearsed.

    Attributes:
        statements: What is about to be run.
        values: What it goes through, if it is a loop.
        names: Its names.
        were: The innermost of them, as they are now.
        modules: What is imported now.
        left: What is left of the budget now.
        options: How tensors are printed now.
        severed: Whether what is called now has no gradient.
        made: How many nodes there are now.
    """

    statements: Sequence[ast.stmt]
    values: Sequence[Any] | None
    names: ChainMap[str, Any]
    were: Mapping[str, Any]
    modules: Mapping[str, Any]
    left: Spent
    options: Mapping[str, Any] | None
    severed: bool
    made: int


class Rehearsed(Assigner):
    """Evaluates what an `Assigner` does; a program that turns out to be large is rehearsed."""

    _rehearsed: set[ast.stmt] | None = None  # once the program is large: the loops that were rehearsed
    _sure: frozenset[ast.stmt] = frozenset()  # those of them of which all is known that they do
    _free: Moment | None = None  # the one under way of which all is known, in a program of which it is not
    _ways: Recorded | None = None

    def begin(self, statements: Sequence[ast.stmt]) -> None:
        """Watch what statements take that are about to be run; should it be much, they are rehearsed."""
        self._rehearsed, self._sure, self._free = None, frozenset(), None
        self._under_way = [self._moment(statements)]
        if self.budget.foresight:
            self.budget.arm(self._rehearse_all)

    @contextmanager
    def foreseen(self, loop: ast.For, values: Sequence[Any]) -> Iterator[None]:
        """Know a loop that is under way while the context is open; one not foreseen is rehearsed first."""
        moment = self._moment([loop], values)
        self._under_way.append(moment)
        try:
            self._rehearse(moment)
            if self.budget.confined and len(self._under_way) == 2:  # it is in no other loop
                self._let_free(moment)
            yield
        finally:
            self._under_way.pop()
            if self._free is moment:
                self._free = None
                self.budget.confine()

    def _moment(self, statements: Sequence[ast.stmt], values: Sequence[Any] | None = None) -> Moment:
        """Return what is about to be run, with what it can use now."""
        were, modules = dict(self.names.maps[0]), dict(self._modules)
        left, options, severed = self.budget.left, printing.CHOSEN.get(), self.recorder.severed
        made = len(self.recorder.nodes)
        return Moment(statements, values, self.names, were, modules, left, options, severed, made)

    def _rehearse_all(self) -> None:
        """Rehearse the program from its start, and each loop that is under way and wasn't foreseen then.

        If that does not tell all that the program does, or if it does more than was told, it may do less.
        """
        self._rehearsed, before = set(), self.budget.effort
        start, *loops = self._under_way
        end = self._rehearse(start)
        for moment in loops:
            self._rehearse(moment)
        if end is not None:
            self.budget.arm(self.budget.confine, _beyond(start.left, end))
            return
        self.budget.confine(self.budget.effort - before)
        for moment in loops[:1]:
            self._let_free(moment)

    def _let_free(self, loop: Moment) -> None:
        """Let a loop do all that it will, the first time, if all is known of it."""
        statement = loop.statements[0]
        if statement in self._sure:
            self._sure -= {statement}
            self._free = loop
            self.budget.release()

    def _rehearse(self, moment: Moment) -> Spent | None:
        """Rehearse what is about to be run, unless it was.

        Returns:
            What is left of the budget after it; None if that can't be told.

        Raises:
            LimitError: If it surely asks for more than is left.
        """
        from llm_linalg.foresight import Recorded, Start

        if self._rehearsed is None or moment.statements[0] in self._rehearsed:
            return None
        inner, *outer = moment.names.maps
        scopes = [(inner, moment.were), *[(scope, scope) for scope in outer]]
        if self._ways is None:
            self._ways = Recorded(self.recorder, self.back_through)
        way = partial(self._ways.way, most=moment.made)
        _, values, _, _, _, left, options, severed, _ = moment
        start = Start(moment.statements, scopes, left, values, options, severed, way)
        self._rehearsed.add(moment.statements[0])
        rehearsal = self._gone_through(moment, start)
        if rehearsal.vague and not rehearsal.too_long and not rehearsal.told_all:
            rehearsal = self._gone_through(moment, start, exact=True)
        if not rehearsal.told_all:
            try:
                rehearsal = self._gone_through(moment, start, dearest=True)
            except LimitError:
                return None  # it may ask for more, or not
        return rehearsal.budget.left if rehearsal.told_all else None

    def _gone_through(
        self, moment: Moment, start: Start, *, exact: bool = False, dearest: bool = False
    ) -> Rehearsal:
        """Go through what is about to be run, and keep what that tells of its loops."""
        from llm_linalg.foresight import Rehearsal

        rehearsal = Rehearsal(self.source, self.budget.halt, moment.modules, exact, dearest)
        try:
            rehearsal.refuse(start)
        except (LimitError, HaltedError):
            raise
        except Exception:  # noqa: BLE001, S110  what can't be foreseen is left to the run, and fails there
            pass
        finally:
            self._rehearsed = (self._rehearsed or set()) | rehearsal.went_through
            self._sure |= rehearsal.sure
            self.budget.effort += EFFORT_OF_A_REHEARSAL * min(rehearsal.length, rehearsal.longest)
        return rehearsal


def _beyond(start: Spent, end: Spent) -> Spent:
    """Return what is left when a program takes clearly more than was told: from a start to an end."""
    return Spent(*[
        last - (first - last) // 4 - large for first, last, large in zip(start, end, LARGE, strict=True)
    ])  # fmt: skip
