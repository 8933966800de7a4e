"""A rehearsal: a program gone through before it is run, apart from all that the run uses."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from llm_linalg import ranks
from llm_linalg.errors import LimitError
from llm_linalg.foresight.apart import Others, without_gradients
from llm_linalg.foresight.branches import NAMES_A_STEP
from llm_linalg.foresight.comprehended import Comprehended
from llm_linalg.foresight.flow import Perhaps
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.start import Start
from llm_linalg.foresight.timed import Ends
from llm_linalg.foresight.unknown import GLANCED_AT_A_STEP, Undecided, Unknown, parts
from llm_linalg.generator import forked
from llm_linalg.language.costs import FEW_NAMES
from llm_linalg.language.pace import Pace
from llm_linalg.language.printing import CHOSEN
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Broken, Continued, Returned

_MOST_HELD = 2_000  # values that are looked at, to see whether all is known of them


class Rehearsal(Comprehended):
    """Goes through a program before it is run, from where a run started or is now.

    Attributes:
        known: How many of its statements come before the first of which it does not know how much they do.
        clear: Whether it ended within a loop, and knew all when that began.
    """

    def __init__(
        self,
        source: Source,
        halt: Callable[[], bool],
        exact: bool = False,
        dearest: bool = False,
        paces: Mapping[ast.stmt, Pace] | None = None,
        share: int = 1,
    ) -> None:
        super().__init__(source, {}, Least(halt=halt, dearest=dearest, share=share))
        self.exact, self.dearest, self.paces = exact, dearest, paces or {}
        if exact or dearest:
            self.hurry(4 if exact else 2)
        self._finished = False
        self.known, self.clear = 0, False

    @property
    def told_all(self) -> bool:
        """Whether it told all that the statements do, or, in the dearest case, may do."""
        return self._finished and not self.left_open

    def refuse(self, start: Start) -> None:
        """Refuse statements that will surely ask for more than is left, or for what no program has.

        Raises:
            LimitError: If they will ask for more, with the place where.
            ProgramError: If they will use what is not part of the language.
            HaltedError: If the run is to end.
        """
        self._steps += max(sum(len(now) for now, _ in start.names) - FEW_NAMES, 0)
        if self.too_long:
            return  # there are more names than it may look at: it is left to the run
        self.names, values = start.known(leaves=not self.freezes, ways=self.goes_back)
        self.recorder.severed = start.severed
        self.budget.left = start.left
        for now, was in start.names:
            self.budget.met_within(now.values(), was.values())
        options = CHOSEN.set(start.options)
        others = Others(ranks.met(), self.budget.copy)
        try:
            with forked(), without_gradients(), ranks.joined(others), self.hollow:
                self.went_on(start.looking(values))
                self._all(start.statements, values)
            self._finished = True
        except Fails as fails:
            if fails.refused is not None and not self.dearest:
                raise fails.refused from None
            self._finished = fails.told
        except LimitError:
            if not self.dearest:
                raise  # else it may ask for more, or not
        except (Ends, Undecided, RecursionError, Perhaps, Returned, Broken, Continued):
            pass  # it is left to the run
        finally:
            CHOSEN.reset(options)

    def _all(self, statements: Sequence[ast.stmt], values: Sequence[Any] | None) -> None:
        for place, statement in enumerate(statements):
            self.clear = isinstance(statement, ast.For) and self._knows_all()
            if place == 0 and values is not None and isinstance(statement, ast.For):
                self.turns(statement, values)
            else:
                self._statement(statement)
            if not self.left_open:
                self.known = place + 1

    def _knows_all(self) -> bool:
        """Whether nothing is unknown of what the names hold, but for the cells of tensors."""
        if self.guesses or self.unbounded:
            return False
        held = 0
        for item in islice(parts(list(self.names.maps[0].values())), _MOST_HELD):
            held += 1
            if isinstance(item, Unknown):
                return False
            if isinstance(item, list | tuple | dict):
                self.went_on(len(item) // GLANCED_AT_A_STEP)
        self.went_on(held // NAMES_A_STEP)
        return held < _MOST_HELD
