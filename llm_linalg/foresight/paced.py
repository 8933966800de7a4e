"""Goes through loops before the run that were gone through in it: they go on as they went so far."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from operator import sub
from typing import Any

from llm_linalg.foresight.columns import Column
from llm_linalg.foresight.flow import Perhaps
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.loops import Loops
from llm_linalg.foresight.unknown import Unknown
from llm_linalg.foresight.wholes import SomeRange
from llm_linalg.language.allowance import Spent
from llm_linalg.language.pace import Pace
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Returned

_MORE = 2**60  # than any turn takes, of anything


class Paced(Loops):
    """Goes through loops, some of them at a pace that is known.

    Attributes:
        paces: What some loops have taken so far: they go on so.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self.paces: Mapping[ast.stmt, Pace] = {}

    def _for(self, node: ast.For) -> None:
        if node in self.paces:
            self._paced(node, self.evaluate(node.iter))
        else:
            super()._for(node)

    def turns(self, node: ast.For, values: Sequence[Any]) -> None:
        """Go through a loop, of which it is known what it goes through."""
        if node in self.paces:
            self._paced(node, values)
        else:
            super().turns(node, values)

    def _paced(self, node: ast.For, value: Any) -> None:
        """Let a loop take what it takes at its pace; one turn is gone through for what it does otherwise."""
        size = None
        if isinstance(value, SomeRange):
            one, size = value.others, value.longest
        elif isinstance(value, Unknown):
            one = self.budget.longest(value.kind).same
        else:
            values = self.gone_through(value, node.iter)
            size = len(values)
            if not size:
                self._left(node, None)
                return
            one = self.column(values).same
        left, unbounded = self.budget.left, self.unbounded
        self.budget.left = Spent(*[_MORE] * len(left))
        turns = self.paces[node].longest if size is None else size
        try:
            with self.budget.longer_by(turns):
                self._turn_for_all(node, Column(1, one), size=turns)
            self.budget.fits(Spent(*[_MORE - there for there in self.budget.left]))
        except (Fails, Perhaps, Returned):
            self._unknown([node.target, *node.body])
        finally:
            self.budget.left, self.unbounded = Spent(*map(sub, left, self.paces[node].of(size))), unbounded
        self.budget.exceeded()
        self._left(node, None)
