"""Goes through several turns of a loop as one; where they differ, through each kind of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import sub
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from llm_linalg.errors import LimitError
from llm_linalg.foresight.branches import NAMES_A_STEP, Branches, restore
from llm_linalg.foresight.carried import Carried
from llm_linalg.foresight.columns import Column, column, dearest, together
from llm_linalg.foresight.flow import Perhaps
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.several import looking
from llm_linalg.foresight.turns import Apart, Each, Places, Turn
from llm_linalg.language.allowance import Spent
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Returned

T = TypeVar("T")
MOST_PARTS = 8
_LETTERS_A_STEP = 100
_ITEMS_A_STEP = 60  # of which it is told what is known of each
_A_KIND = 6  # steps of a rehearsal that it takes as long as, beside what is done in the turn
_A_KIND_EXACTLY = 20  # likewise
Going = Callable[[Any], tuple[type[Exception] | None, Any]]
"""Goes through one turn, whose item is known so far; returns how it leaves the loop, and what it gave."""

_PIECES = 8  # of a loop, one turn for each, if a loop's length or a comparison in it hangs on its number
_PIECES_OF_PIECES = 4  # of one within


class Part(NamedTuple):
    """Turns that were gone through as one.

    Attributes:
        places: Which turns of the loop they are, in order.
        turn: They, as they were gone through.
        names: What is known of the names at the end of each.
        left: What is left of the budget after one.
        way: How the loop is left, or may be, with the first of them.
        out: What ends more than the loop, with the first of them.
        given: What each of them gives.
    """

    places: Places
    turn: Turn
    names: Mapping[str, Any]
    left: Spent
    way: type[Exception] | None
    out: Exception | None
    given: Any

    @property
    def leaves(self) -> bool:
        """Whether the loop goes on after none of them."""
        return self.way is not None or self.out is not None

    @property
    def first(self) -> int:
        """The place of the first of them."""
        with torch._C.DisableTorchFunction():
            return int(self.places[0])

    def after(self, turn: int) -> dict[str, Any]:
        """Return what is known of the names after one of them."""
        return {
            name: now.at(turn) if isinstance(now, Each) and now.turn is self.turn else now
            for name, now in self.names.items()
        }

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.places)

    @property
    def order(self) -> Sequence[int]:
        """Their places."""
        with torch._C.DisableTorchFunction():
            return self.places if isinstance(self.places, range) else self.places.tolist()

    @property
    def until(self) -> int:
        """The place of the last of them."""
        with torch._C.DisableTorchFunction():
            return int(self.places[-1])

    def before(self, place: int) -> int:
        """Return how many of them come before a place."""
        if isinstance(self.places, range):
            return min(place, len(self.places))
        with torch._C.DisableTorchFunction():
            return int((self.places < place).sum())


class Parts(NamedTuple):
    """All turns of a loop, each kind of them gone through once; and before which of them it is left."""

    all: Sequence[Part]
    size: int

    @property
    def going_on(self) -> Sequence[Part]:
        """Those after which the loop goes on."""
        return [part for part in self.all if not part.leaves]

    @property
    def at_once(self) -> bool:
        """Whether the loop is left with its first turn."""
        return self.last is not None and self.last.first == 0

    @property
    def end(self) -> Part:
        """The one that has the last turn of all."""
        return max(self.all, key=lambda part: part.until)

    @property
    def last(self) -> Part | None:
        """The one with whose first turn the loop is left; None if it goes through all turns."""
        leaving = [part for part in self.all if part.leaves]
        return min(leaving, key=lambda part: part.first) if leaving else None

    def taken(self, left: Spent) -> Spent:
        """Return what all of them take together that surely come, where so much was left before each."""
        last = self.last
        end = self.size if last is None else last.first
        counts = [(part, part.before(end)) for part in self.going_on]
        if last is not None and not isinstance(last.out, LimitError):
            counts.append((last, 1))
        return Spent(*[
            sum(times * (before - part.left[unit]) for part, times in counts)
            for unit, before in enumerate(left)
        ])  # fmt: skip


class Parted(Branches):
    """Goes through loops whose turns are not all alike."""

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self._in_pieces = 0  # loops around that are gone through piece by piece

    @contextmanager
    def _turning(self, turns: str) -> Iterator[None]:
        self._turns.append(turns)
        try:
            yield
        finally:
            self._turns.pop()

    def _in_parts(
        self, column: Column, kinds: list[Places], go: Going, carried: Carried | None = None
    ) -> Parts:
        """Go through one turn of each kind, from here; the kinds are taken apart where they differ.

        Args:
            column: What the turns go through.
            kinds: The places of each kind; at first, all are of one.
            go: Goes through one turn.
            carried: Names that are known before each turn.
        """
        scope, left = self.names.maps[0], self.budget.left
        before, lists = dict(scope), self._lists
        parts: list[Part] = []
        while len(parts) < len(kinds):
            restore(scope, before)
            self.budget.left = left
            places = kinds[len(parts)]
            room = MOST_PARTS - len(kinds) if self.length < self.longest // 2 else 0
            turn, around = Turn(room, self.went_on), self.budget.turns
            self.budget.turns *= len(places)
            self.went_on((_A_KIND_EXACTLY if self.exact else _A_KIND) + len(before) // NAMES_A_STEP)
            if carried is not None:
                carried.put(scope, places, turn)
            way: type[Exception] | None = None
            out: Exception | None = None
            given: Any = None
            try:
                way, given = go(column.of(places, turn))
            except Apart as apart:
                if apart.turn is not turn:
                    raise
                kinds[len(parts) : len(parts) + 1] = _split(places, apart.keys)
                continue
            except (LimitError, Fails, Returned, Perhaps) as raised:
                out = raised
            finally:
                turn.live, self.budget.turns = False, around
                if self._lists != lists:
                    self.loose = True  # whatever comes next comes after others
            parts.append(Part(places, turn, dict(scope), self.budget.left, way, out, given))
        restore(scope, before)
        self.budget.left = left
        return Parts(parts, column.size)

    def _ended(self, parts: Parts, left: Spent, at: ast.expr) -> type[Exception] | None:
        """Let all turns of a loop take what one of each kind took since so much was left; then leave it."""
        last = parts.last
        self.budget.left = Spent(*map(sub, left, parts.taken(left)))
        turns = " × ".join(self._turns)  # of the loops around, and of this one
        try:
            self.budget.exceeded(f"in {'' if last is None else 'up to '}{turns} turns ")
        except LimitError as error:
            self.fail(error, at)
        restore(self.names.maps[0], parts.end.after(-1) if last is None else last.after(0))
        if last is not None and last.out is not None:
            raise last.out
        return None if last is None else last.way

    def gone_through(self, value: Any, node: ast.expr) -> Sequence[Any]:
        """Return the items of a value that stands after ``in``; of a text, one by one, many are a step."""
        if isinstance(value, str):
            self.went_on(len(value) // _LETTERS_A_STEP)
        return super().gone_through(value, node)

    def column(self, values: Sequence[Any]) -> Column:
        """Return what is known of the items that the turns of a loop go through."""
        if self.exact and not isinstance(values, range):
            self.went_on(len(values) // _ITEMS_A_STEP)
        else:
            self.went_on(looking(values))
        if self.dearest:
            return dearest(values)
        return column(values) if self.exact else together(values)

    def _all_turns(self, column: Column, go: Callable[[Column], T | None]) -> T | None:
        """Go through all turns as one; or through a few pieces of them, if more is known of those."""
        scope, left, ranges = self.names.maps[0], self.budget.left, self.ranges
        before = dict(scope)
        found = go(column)
        if found is not None or self.ranges == ranges or column.size < 2 * _PIECES or self.dearest:
            return found
        restore(scope, before)
        self.budget.left = left
        size = -(-column.size // (_PIECES_OF_PIECES if self._in_pieces else _PIECES))
        with self._piecewise():
            for start in range(0, column.size, size):
                found = go(column.piece(start, start + size))
                if found is not None:
                    return found
        return None

    @contextmanager
    def _piecewise(self) -> Iterator[None]:
        self._in_pieces += 1
        try:
            yield
        finally:
            self._in_pieces -= 1


def _split(places: Places, keys: Tensor) -> list[Tensor]:
    with torch._C.DisableTorchFunction():
        found = [(keys == key).nonzero().flatten() for key in range(int(keys.max()) + 1)]
        return found if isinstance(places, range) else [places[ones] for ones in found]
