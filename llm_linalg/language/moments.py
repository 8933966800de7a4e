"""What is kept of a run so that it can be rehearsed: from its start, and from what is under way."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_linalg.errors import ProgramError
from llm_linalg.language import printing
from llm_linalg.language.allowance import Spent
from llm_linalg.language.assigner import Assigner
from llm_linalg.language.pace import Going, Pace

if TYPE_CHECKING:
    from llm_linalg.foresight import Recorded, Rehearsal


class Moment(NamedTuple):
    """A place of a run from which it can be rehearsed.

    Attributes:
        statements: What is about to be run.
        values: What it goes through, if it is a loop.
        names: Its names.
        were: The innermost of them, as they are now.
        left: What is left of the budget now.
        options: How tensors are printed now.
        severed: Whether what is called now has no gradient.
        made: How many nodes there are now.
    """

    statements: Sequence[ast.stmt]
    values: Sequence[Any] | None
    names: ChainMap[str, Any]
    were: Mapping[str, Any]
    left: Spent
    options: Mapping[str, Any] | None
    severed: bool
    made: int


NONE: Mapping[ast.stmt, Pace] = {}


class Moments(Assigner):
    """Evaluates what an `Assigner` does; it can be rehearsed from each of its moments."""

    _rehearsed: set[ast.stmt] | None = None  # once the program is large: the loops that were rehearsed
    _ways: Recorded | None = None
    _going: list[Going]  # the loops that are under way

    def _moment(self, statements: Sequence[ast.stmt], values: Sequence[Any] | None = None) -> Moment:
        """Return what is about to be run, with what it can use now."""
        were, made = dict(self.names.maps[0]), len(self.recorder.nodes)
        left, options, severed = self.budget.left, printing.CHOSEN.get(), self.recorder.severed
        return Moment(statements, values, self.names, were, left, options, severed, made)

    def _gone_through(
        self,
        moment: Moment,
        *,
        exact: bool = False,
        dearest: bool = False,
        brief: bool = False,
        paces: Mapping[ast.stmt, Pace] = NONE,
    ) -> Rehearsal:
        """Go through what is about to be run, and keep what that tells of its loops."""
        from llm_linalg.foresight import Recorded, Rehearsal, Start

        if self._ways is None:
            self._ways = Recorded(self.recorder, self.back_through)
        walked = self._ways.walked
        inner, *outer = moment.names.maps
        scopes = [(inner, moment.were), *[(scope, scope) for scope in outer]]
        way = partial(self._ways.way, most=moment.made)
        start = Start(
            moment.statements, scopes, moment.left, moment.values, moment.options, moment.severed, way
        )
        rehearsal = Rehearsal(self.source, self.budget.halt, exact, dearest, paces, self.budget.share)
        if brief:
            rehearsal.hurry(3)
        rehearsal.longest = min(rehearsal.longest, self.budget.rehearsable)
        try:
            rehearsal.refuse(start)
        except ProgramError:
            raise
        except Exception:  # noqa: BLE001, S110  what can't be foreseen is left to the run, and fails there
            pass
        finally:
            self._rehearsed = (self._rehearsed or set()) | rehearsal.went_through
            length = min(rehearsal.length, rehearsal.longest)
            taken = self.budget.rehearsed(length, self._ways.walked - walked)
            for going in self._going:
                going.began += taken
        return rehearsal
