"""Goes through loops before the run: turn by turn while that is short, then by one turn for all."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from llm_linalg.errors import LimitError
from llm_linalg.foresight.branches import restore
from llm_linalg.foresight.carried import Carried
from llm_linalg.foresight.columns import Column
from llm_linalg.foresight.flow import Perhaps, bound_by, ways_out
from llm_linalg.foresight.growth import Sizes, becoming, foretold, grown, largest, sizes
from llm_linalg.foresight.hollow import Fails, doubted
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.parted import Part, Parted, Parts
from llm_linalg.foresight.several import joined
from llm_linalg.foresight.turns import Places
from llm_linalg.foresight.unknown import Undecided
from llm_linalg.foresight.wholes import SomeRange
from llm_linalg.language.costs import A_WEIGHING
from llm_linalg.language.pace import ENOUGH
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Broken, Continued, Returned
from llm_linalg.language.tables import IMPORTED
from llm_linalg.parsing import walk

_MOST_PASSES = 8
A_FEW = 32  # turns that are gone through one by one, if they take few steps
_BRIEF = 300  # steps that all turns take of a loop that is gone through turn by turn in any case
_SHORT = 1_000  # nodes of the program in all turns of one that may be so short


class Loops(Parted):
    """Goes through loops.

    Attributes:
        went_through: The loops of which it is known what they take, as well as it will be.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self.went_through: set[ast.For] = set()

    def _for(self, node: ast.For) -> None:
        value = self.evaluate(node.iter)
        if isinstance(value, SomeRange):
            self._left(node, self._some_turns(node, value))
            return
        try:
            values = self.gone_through(value, node.iter)
        except Undecided:
            if self.dearest:
                self._left(node, self._most_turns(node, self.budget.longest(value.kind)))
            else:
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
        brief = len(self._turns) == 1 and self._does_little(node, len(values))
        many = self.dearest and len(values) > A_FEW
        for turn, value in enumerate(values):
            left = len(values) - turn
            few = left <= A_FEW and self.length + left * took <= self.longest // 2 and not self.dearest
            if (many or self._long) and left > 1 and not few and not brief:
                return self._all_turns(self.column(values[turn:]), partial(self._turn_for_all, node))
            began, long = self.length, self._long
            way = self._turn(node, value)
            if way is not None:
                return way
            took = self.length - began if long else 0
            brief = brief and (left - 1) * (self.length - began) <= _BRIEF
        return None

    def _does_little(self, node: ast.For, turns: int) -> bool:
        """Return whether all turns of a loop may be short: none turns, or calls a function or a layer."""
        if _longer(_SHORT // max(turns, 1), node.body):
            return False
        inside = [self._inside(inner) for inner in node.body]
        return not any(part.turns or any(name in self.names for name in part.called) for part in inside)

    def _some_turns(self, node: ast.For, values: SomeRange) -> type[Exception] | None:
        """Go through the turns that a loop surely has, and then through any that it may have beyond them."""
        if self.dearest and values.longest:
            return self._most_turns(node, Column(values.longest, values.others))
        self.unbounded += values.longest != 0
        with self._turning(values.length):
            way = self._sure_turns(node, self.surely(values))
        if way is not None:
            return way
        scope, left, changes = self.names.maps[0], self.budget.left, self.changes
        before = dict(scope)
        try:
            return self._turn_for_all(node, Column(1, values.others), sure=False) and Perhaps
        except Returned:
            restore(scope, before)
            raise Perhaps(Returned) from None
        except (LimitError, Fails):
            restore(scope, before)  # if there are more, the run ends there
            return None
        finally:
            self.budget.left = left
            self.loose |= self.changes != changes

    def surely(self, values: SomeRange) -> Sequence[Any]:
        """Return what a loop surely goes through: items of a range are not there before their turns."""
        self.budget.step(A_WEIGHING)
        return values.sure

    def _most_turns(self, node: ast.For, column: Column) -> type[Exception] | None:
        """Go through as many turns as a loop may have."""
        with doubted(), self._turning(f"up to {column.size:,}"):
            return self._all_turns(column, partial(self._turn_for_all, node))

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
        self.left_out(*node.body)
        self._unknown([node.target, *node.body])
        found = {*ways, *ways_out(node.body)}
        if self.dearest:
            return None
        if Returned in found:
            raise Perhaps(Returned)
        return Perhaps if Broken in found else None

    def _turn_for_all(
        self, node: ast.For, column: Column, sure: bool = True, size: int = 0
    ) -> type[Exception] | None:
        """Let one turn stand for all of a kind: what is known when it begins holds for each of them.

        If there may be any number of them, or none, they take nothing.
        """
        scope = self.names.maps[0]
        kinds: list[Places] = [range(column.size)]
        carried = Carried()
        first, bound = sure and self.exact, set(bound_by(node.target))
        were = self._sizes(node) if self.dearest else None  # until one turn was gone through
        grows: dict[str, Any] = {}
        with self._uncertain():
            for _ in range(_MOST_PASSES):
                before, left, lists = dict(scope), self.budget.left, self._lists
                altered = self.altered_within(node)
                parts = self._in_parts(column, kinds, lambda value: (self._turn(node, value), None), carried)
                if parts.at_once:
                    return self._ended(parts, left, node.iter)
                if self._lists != lists:
                    self.loose = True
                    continue
                if first:
                    carried.guess(parts, {name: before[name] for name in before.keys() - bound})
                    proved, first = not carried.names, False
                else:
                    proved = carried.proved(parts)
                known = self._known_after(parts.going_on, before)
                known |= {name: before[name] for name in carried.names} | grows
                same = len(known) == len(before) and all(known[name] is before[name] for name in before)
                same &= self.altered_within(node) == altered
                if were is not None:
                    becomes = self._grows(node, column, size or column.size, were, parts)
                    if becomes is not None:
                        grows = becoming(known, becomes)
                        known, same = known | grows, False
                    were = None
                if proved and same:
                    return self._ended(parts, left, node.iter) if sure else None
                restore(scope, known)
        self.unbounded += 1
        return self._turns_left(node)

    def _grows(
        self, node: ast.For, column: Column, size: int, were: Mapping[str, Sizes], parts: Parts
    ) -> Mapping[str, Sizes] | None:
        """Return how large becomes what a turn makes larger: one more tells. None if it makes nothing so.

        Raises:
            LimitError: If it becomes larger than anything may be.
        """
        if size < ENOUGH or not parts.going_on:
            return None
        scope, left = self.names.maps[0], self.budget.left
        restore(scope, parts.end.names)
        once = self._sizes(node)
        if not grown(were, once):
            return None
        altered, self._altered = self._altered, {}
        with suppress(Perhaps, Returned, Fails):
            self._turn(node, column.same)
        self.budget.left, self._altered = left, altered | self._altered
        becomes = foretold(were, once, self._sizes(node), size=size, times=size * self.budget.turns)
        self.budget.become(largest(becomes.values()))
        return becomes

    def _sizes(self, node: ast.For) -> Mapping[str, Sizes]:
        """Return how large is what the names mean; and how long ways back are, if a loop may go them."""
        ways = self.goes_back and self._once(_returns, node)
        return sizes(self.names.maps[0], self._altered, ways)

    def _known_after(self, parts: Sequence[Part], before: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of the names before any turn, also one that comes after others."""
        known = dict(before)
        for part in parts:
            for name, now in part.names.items():
                if name not in known:
                    known[name] = self._was(name, now)
                elif known[name] is not now:
                    known[name] = joined(known[name], now)
        return known

    def _was(self, name: str, now: Any) -> Any:
        """Return what a name that a turn bound may mean after it: perhaps what it does around its scope."""
        tables = (*self.names.maps[1:], IMPORTED, self.builtins)
        return next((joined(table[name], now) for table in tables if name in table), now)


def _returns(node: ast.For) -> bool:
    """Return whether a loop lets a gradient go back, or calls a function that may."""
    called = [item.func for item in walk(*node.body) if isinstance(item, ast.Call)]
    return any(isinstance(item, ast.Name) or getattr(item, "attr", "") == "backward" for item in called)


def _longer(size: int, nodes: Sequence[ast.AST]) -> bool:
    """Return whether there are more nodes than so many, those within them included."""
    return any(place == size for place, _ in enumerate(walk(*nodes)))
