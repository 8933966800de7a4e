"""Goes through loops before the run: turn by turn while that is short, then by one turn for all."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from llm_linalg.errors import LimitError
from llm_linalg.foresight.branches import Branches, restore
from llm_linalg.foresight.expressions import LONGEST
from llm_linalg.foresight.flow import Perhaps, ways_out
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.several import common, joined
from llm_linalg.foresight.unknown import Undecided
from llm_linalg.foresight.wholes import SomeRange
from llm_linalg.language.allowance import Spent
from llm_linalg.language.budget import Budget
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Broken, Continued, Returned

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PASSES = 8
A_FEW = 32  # turns that are gone through one by one, if they take few steps
_PIECES = 8  # of a loop, one turn for each, if a loop's length or a comparison in it hangs on its number


# Goes through one turn, whose item is known so far, for so many; returns how the last one was left.
Turn = Callable[[Any, int], type[Exception] | None]


class Loops(Branches):
    """Goes through loops.

    Attributes:
        went_through: The loops of which it is known what they take, as well as it will be.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget) -> None:
        super().__init__(source, names, budget)
        self.went_through: set[ast.For] = set()
        self._turns: list[str] = []  # how often each of the loops turns that are under way, in words

    def _for(self, node: ast.For) -> None:
        value = self.evaluate(node.iter)
        if isinstance(value, SomeRange):
            self._left(node, self._some_turns(node, value))
            return
        try:
            values = self.gone_through(value, node.iter)
        except Undecided:
            self._forget(node)
        else:
            self.turns(node, values)

    def turns(self, node: ast.For, values: Sequence[Any]) -> None:
        """Go through a loop, of which it is known what it goes through."""
        self.went_through.add(node)
        returned = self.returned
        with self._turning(f"{len(values):,}"):
            way = self._sure_turns(node, values)
        if self.returned != returned:  # more is known of the way back once the run is there
            self.went_through.discard(node)
        self._left(node, way)

    def _left(self, node: ast.For, way: type[Exception] | None) -> None:
        """Go on after the turns of a loop, the last of which was left so."""
        if way is None:
            self._block(node.orelse)
        elif way is Perhaps:
            self._forget(node)

    def _sure_turns(self, node: ast.For, values: Sequence[Any]) -> type[Exception] | None:
        took = 0  # the last turn, in steps of the rehearsal; once it is long, loops in it take few
        for turn, value in enumerate(values):
            left = len(values) - turn
            if self._long and left > 1 and (left > A_FEW or self.length + left * took > LONGEST // 2):
                return self._all_turns(values[turn:], partial(self._turn_for_all, node))
            began, long = self.length, self._long
            way = self._turn(node, value)
            if way is not None:
                return way
            took = self.length - began if long else 0
        return None

    def _some_turns(self, node: ast.For, values: SomeRange) -> type[Exception] | None:
        """Go through the turns that a loop surely has, and then through any that it may have beyond them."""
        self.budget.weigh(values.sure)
        with self._turning(values.length):
            way = self._sure_turns(node, values.sure)
        if way is not None:
            return way
        scope, left, changes = self.names.maps[0], self.budget.left, self.changes
        before = dict(scope)
        try:
            return self._turn_for_all(node, values.others, 0) and Perhaps
        except Returned:
            restore(scope, before)
            raise Perhaps(Returned) from None
        except (LimitError, Fails):
            restore(scope, before)  # if there are more, the run ends there
            return None
        finally:
            self.budget.left = left
            self.loose |= self.changes != changes

    @contextmanager
    def _turning(self, turns: str) -> Iterator[None]:
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

    def _all_turns(self, values: Sequence[Any], turn: Turn) -> type[Exception] | None:
        """Let one turn stand for all; or one for each piece of them, if more is known of those."""
        scope, left, ranges = self.names.maps[0], self.budget.left, self.ranges
        before = dict(scope)
        way = turn(common(values), len(values))
        if way is not None or self.ranges == ranges or len(values) < 2 * _PIECES:
            return way
        restore(scope, before)
        self.budget.left = left
        size = -(-len(values) // _PIECES)
        for start in range(0, len(values), size):
            piece = values[start : start + size]
            way = turn(common(piece), len(piece))
            if way is not None:
                return way
        return None

    def _turn_for_all(self, node: ast.For, value: Any, turns: int) -> type[Exception] | None:
        """Let one turn stand for so many: what is known when it begins holds for each of them.

        If there may be any number of them, or none, they take nothing.
        """
        scope = self.names.maps[0]
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
                    known = {name: joined(self._was(name, before, now), now) for name, now in scope.items()}
                    if len(known) == len(before) and all(known[name] is before[name] for name in before):
                        if turns:
                            self._repeat(left, turns - 1, node.iter)
                        else:
                            restore(scope, before)
                        return None
                restore(scope, known)
                self.budget.left = left
        return self._turns_left(node)

    def _was(self, name: str, before: Mapping[str, Any], now: Any) -> Any:
        """Return what a name meant when a turn began: perhaps something around what it is bound in."""
        tables = (before, *self.names.maps[1:], self._modules, self.builtins)
        return next((table[name] for table in tables if name in table), now)

    def _repeat(self, left: Spent, times: int, at: ast.expr) -> None:
        """Take so many times more what was taken since so much was left."""
        now = self.budget.left
        self.budget.left = Spent(
            *[after - times * (before - after) for before, after in zip(left, now, strict=True)]
        )
        turns = " × ".join(self._turns)  # of the loops around, and of this one
        try:
            self.budget.exceeded(f"in {turns} turns ")
        except LimitError as error:
            self.fail(error, at)
