"""Goes through comprehensions before the run: as through loops."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import chain
from typing import Any

from torch import Tensor

from llm_linalg.foresight.columns import Column
from llm_linalg.foresight.flow import bound_by
from llm_linalg.foresight.hollow import doubted
from llm_linalg.foresight.paced import Paced
from llm_linalg.foresight.parted import Parts
from llm_linalg.foresight.turns import Places, unrolled
from llm_linalg.foresight.unknown import ANY, EXACT, Undecided, Unknown, few
from llm_linalg.foresight.wholes import SomeRange
from llm_linalg.language.comprehensions import Row

_GIVEN_A_STEP = 40  # items
_MOST = 20_000  # items of a list that one turn stands for


class Comprehended(Paced):
    """Goes through comprehensions, and generators in brackets."""

    def _generated(self, items: list[ast.expr], generators: list[ast.comprehension]) -> list[Row]:
        try:
            return super()._generated(items, generators)
        except Undecided:
            self.passed_over(*items, *generators)
            raise

    def _generate(self, items: list[ast.expr], generators: list[ast.comprehension], found: list[Row]) -> None:
        if not generators:
            super()._generate(items, generators, found)
            return
        source = generators[0].iter
        several = self.evaluate(source)
        some = several if isinstance(several, SomeRange) else None
        if self.dearest and some is None and isinstance(several, Unknown):
            with doubted():
                self._generate_for_all(items, generators, self.budget.longest(several.kind))
            raise Undecided
        values = self.gone_through(several, source) if some is None else self.surely(some)
        decided = some is None
        with self._turning(f"{len(values):,}" if some is None else some.length):
            for turn, value in enumerate(values):
                if self._long and len(values) - turn > 1:
                    decided &= self._generate_all(items, generators, values[turn:], found)
                    break
                decided &= self._generate_once(items, generators, value, found)
        if some is not None and self.dearest and some.longest:
            with doubted():
                self._generate_for_all(items, generators, Column(some.longest, some.others))
        elif some is not None:
            self.unbounded += some.longest != 0
            with doubted():
                self._generate_for_all(items, generators, Column(1, some.others), sure=False)
        if not decided:
            raise Undecided

    def _generate_once(
        self, items: list[ast.expr], generators: list[ast.comprehension], value: Any, found: list[Row]
    ) -> bool:
        """Go through one turn of a comprehension; return whether all of it is known."""
        first, *rest = generators
        self.assign(first.target, value)
        decided = True
        try:
            passes = all(self._truth(self.evaluate(test), test) for test in first.ifs)
        except Undecided:
            decided, passes = False, self.dearest
        try:
            if passes and decided:
                self._generate(items, rest, found)
            elif passes:
                with doubted():
                    self._generate(items, rest, [[] for _ in items])
        except Undecided:
            decided = False
        if not decided:
            self.passed_over(*items, *generators)
        return decided

    def _generate_all(
        self,
        items: list[ast.expr],
        generators: list[ast.comprehension],
        values: Sequence[Any],
        found: list[Row],
    ) -> bool:
        """Let one turn stand for all of a kind; return whether it is known what each gives."""
        given: list[list[Row] | None] = []

        def turns(column: Column) -> None:
            given.append(self._generate_for_all(items, generators, column))

        self._all_turns(self.column(values), turns)
        whole, *pieces = given  # with pieces, they were gone through once more
        for those in pieces or [whole]:
            if those is None:
                return False
            found += those
        return True

    def _generate_for_all(
        self, items: list[ast.expr], generators: list[ast.comprehension], column: Column, sure: bool = True
    ) -> list[Row] | None:
        """Let one turn of a comprehension stand for all of a kind; they take nothing if they may not be made.

        Returns what is known of all that they give; None if that is not all known, or if it can be changed:
        then each is another one.
        """

        def turn(value: Any) -> tuple[None, list[Row] | None]:
            given: list[Row] = []
            return None, given if self._generate_once(items, generators, value, given) else None

        left, lists = self.budget.left, self._lists
        kinds: list[Places] = [range(column.size)]
        self.budget.met(range(column.size))
        self._unbound(generators)  # a turn may find what the one before has left
        with self._uncertain():
            parts = self._in_parts(column, kinds, turn)
            if self._lists != lists:
                self.loose = True
                parts = self._in_parts(column, kinds, turn)
        if not sure:
            self._unbound(generators)
            return None
        self._ended(parts, left, generators[0].iter)
        return self._of_each(parts)

    def _of_each(self, parts: Parts) -> list[Row] | None:
        """Return what is known of all that the turns of a comprehension give, in their order."""
        total = 0
        for part in parts.all:
            if part.given is None or not all(map(_lasting, chain.from_iterable(part.given))):
                return None
            total += len(part.given) * part.size
        if total > _MOST:
            return None
        self.went_on(total // _GIVEN_A_STEP)
        turns: list[Sequence[Row]] = [()] * parts.size
        for part in parts.all:
            rows = unrolled(tuple(map(tuple, part.given)), part.size, part.turn)
            for place, row in zip(part.order, rows, strict=True):
                turns[place] = row
        return list(chain.from_iterable(turns))

    def _unbound(self, generators: list[ast.comprehension]) -> None:
        """Know nothing of what a comprehension binds."""
        for generator in generators:
            self.names.maps[0].update(dict.fromkeys(bound_by(generator.target), ANY))


def _lasting(value: Any) -> bool:
    """Return whether a value is a number, a text or a tensor, or several of them, known or not."""
    if isinstance(value, tuple):
        return few(value) and all(map(_lasting, value))
    return isinstance(value, EXACT | Tensor | Unknown)
