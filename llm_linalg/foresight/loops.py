"""Goes through loops before the run: turn by turn while that is short, then by one turn for all."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llm_linalg.errors import LimitError
from llm_linalg.foresight.branches import Branches, restore
from llm_linalg.foresight.flow import Perhaps, ways_out
from llm_linalg.foresight.unknown import Undecided, common, joined
from llm_linalg.language.budget import Budget, Spent
from llm_linalg.language.interpreter import Broken, Continued, Returned
from llm_linalg.language.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

TURN_BY_TURN = 1_200  # steps of a rehearsal after which one turn of a loop stands for all that are left
_MOST_PASSES = 5


class Loops(Branches):
    """Goes through loops and comprehensions.

    Attributes:
        went_through: The loops of which it is known how often they turn.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget) -> None:
        super().__init__(source, names, budget)
        self.went_through: set[ast.For] = set()
        self._turns: list[int] = []  # how often each of the loops turns that are under way

    @property
    def _long(self) -> bool:
        return self.length > TURN_BY_TURN

    def _for(self, node: ast.For) -> None:
        try:
            values = self.items(node.iter)
        except Undecided:
            self._forget(node)
        else:
            self.turns(node, values)

    def turns(self, node: ast.For, values: Sequence[Any]) -> None:
        """Go through a loop, of which it is known what it goes through."""
        self.went_through.add(node)
        way: type[Exception] | None = None
        with self._turning(len(values)):
            for turn, value in enumerate(values):
                if self._long and len(values) - turn > 1:
                    way = self._turn_for_all(node, values[turn:])
                    break
                way = self._turn(node, value)
                if way is not None:
                    break
        if way is None:
            self._block(node.orelse)
        elif way is Perhaps:
            self._forget(node)

    @contextmanager
    def _turning(self, turns: int) -> Iterator[None]:
        self._turns.append(turns)
        try:
            yield
        finally:
            self._turns.pop()

    def _turn(self, node: ast.For, value: Any) -> type[Exception] | None:
        """Go through one turn; return `Broken` if it is the last one, and `Perhaps` if it may be."""
        self.assign(node.target, value)
        try:
            self._block(node.body)
        except Continued:
            return None
        except Broken:
            return Broken
        except Perhaps as perhaps:
            return self._turns_left(node, perhaps.way)
        return None

    def _turns_left(self, node: ast.For, *ways: type[Exception]) -> type[Exception] | None:
        """Let what is left of a turn be passed over; return `Perhaps` if the loop may end with it."""
        self._unknown([node.target, *node.body])
        found = {*ways, *ways_out(node.body)}
        if Returned in found:
            raise Perhaps(Returned)
        return Perhaps if Broken in found else None

    def _turn_for_all(self, node: ast.For, values: Sequence[Any]) -> type[Exception] | None:
        """Let one turn stand for all that are left: what is known when it begins holds for each of them."""
        value, scope = common(values), self.names.maps[0]
        with self._uncertain():
            for _ in range(_MOST_PASSES):
                before, left, lists = dict(scope), self.budget.left, self._lists
                way = self._turn(node, value)
                if way is not None:
                    return way
                if self._lists != lists:
                    self.loose = True
                    known = before
                else:
                    known = {name: joined(before.get(name, now), now) for name, now in scope.items()}
                    if len(known) == len(before) and all(known[name] is before[name] for name in before):
                        self._repeat(left, len(values) - 1, node.iter)
                        return None
                restore(scope, known)
                self.budget.left = left
        return self._turns_left(node)

    def _repeat(self, left: Spent, times: int, at: ast.expr) -> None:
        """Take so many times more what was taken since so much was left."""
        now = self.budget.left
        self.budget.left = Spent(
            *[after - times * (before - after) for before, after in zip(left, now, strict=True)]
        )
        turns = " × ".join(f"{count:,}" for count in self._turns)  # of the loops around, and of this one
        try:
            self.budget.exceeded(f"in {turns} turns ")
        except LimitError as error:
            self.fail(error, at)

    def _generated(self, items: list[ast.expr], generators: list[ast.comprehension]) -> list[list[Any]]:
        try:
            return super()._generated(items, generators)
        except Undecided:
            self.passed_over(*items, *generators)
            raise

    def _generate(
        self, items: list[ast.expr], generators: list[ast.comprehension], found: list[list[Any]]
    ) -> None:
        if not generators:
            super()._generate(items, generators, found)
            return
        values = self.items(generators[0].iter)
        decided = True
        with self._turning(len(values)):
            for turn, value in enumerate(values):
                if self._long and len(values) - turn > 1:
                    self._generate_for_all(items, generators, values[turn:])
                    decided = False
                    break
                decided &= self._generate_once(items, generators, value, found)
        if not decided:
            raise Undecided

    def _generate_once(
        self, items: list[ast.expr], generators: list[ast.comprehension], value: Any, found: list[list[Any]]
    ) -> bool:
        """Go through one turn of a comprehension; return whether all of it is known."""
        first, *rest = generators
        self.assign(first.target, value)
        try:
            if all(self._truth(self.evaluate(test), test) for test in first.ifs):
                self._generate(items, rest, found)
        except Undecided:
            self.passed_over(*items, *generators)
            return False
        return True

    def _generate_for_all(
        self, items: list[ast.expr], generators: list[ast.comprehension], values: Sequence[Any]
    ) -> None:
        with self._uncertain():
            left, lists = self.budget.left, self._lists
            self._generate_once(items, generators, common(values), [])
            if self._lists != lists:
                self.budget.left, self.loose = left, True
                self._generate_once(items, generators, common(values), [])
        self._repeat(left, len(values) - 1, generators[0].iter)
