"""Goes through comprehensions before the run: as through loops."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import chain
from typing import Any

from torch import Tensor

from llm_linalg.errors import LimitError
from llm_linalg.foresight.calls import ITEMS_A_STEP
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.loops import Loops
from llm_linalg.foresight.unknown import ANY, EXACT, Undecided, Unknown, few
from llm_linalg.foresight.wholes import SomeRange

_MOST = 10_000  # items of a list that one turn stands for


class Comprehended(Loops):
    """Goes through comprehensions, and generators in brackets."""

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
        source = generators[0].iter
        several = self.evaluate(source)
        some = several if isinstance(several, SomeRange) else None
        values = self.gone_through(several if some is None else some.sure, source)
        decided = some is None
        with self._turning(f"{len(values):,}" if some is None else some.length):
            for turn, value in enumerate(values):
                if self._long and len(values) - turn > 1:
                    decided &= self._generate_all(items, generators, values[turn:], found)
                    break
                decided &= self._generate_once(items, generators, value, found)
        if some is not None:
            self._generate_for_all(items, generators, some.others, 0)
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

    def _generate_all(
        self,
        items: list[ast.expr],
        generators: list[ast.comprehension],
        values: Sequence[Any],
        found: list[list[Any]],
    ) -> bool:
        """Let one turn of a comprehension stand for all; return whether it is known what each gives."""
        given: list[tuple[list[list[Any]] | None, int]] = []

        def turn(value: Any, turns: int) -> None:
            given.append((self._generate_for_all(items, generators, value, turns), turns))

        self._all_turns(values, turn)
        whole, *pieces = given  # with pieces, they were gone through once more
        for those, turns in pieces or [whole]:
            if those is None or len(those) * turns > _MOST:
                return False
            self.went_on(len(those) * turns // ITEMS_A_STEP)
            found += those * turns
        return True

    def _generate_for_all(
        self, items: list[ast.expr], generators: list[ast.comprehension], value: Any, turns: int
    ) -> list[list[Any]] | None:
        """Let one turn of a comprehension stand for so many; for none, if it may not be made.

        Returns what is known of all that each of them gives; None if that is not all known, or if it can be
        changed: then each is another one.
        """
        left, lists = self.budget.left, self._lists
        given: list[list[Any]] = []
        decided = False
        self._unbound(generators)  # a turn may find what the one before has left
        with self._uncertain():
            try:
                decided = self._generate_once(items, generators, value, given)
                if self._lists != lists:
                    self.budget.left, self.loose = left, True
                    given.clear()
                    decided = self._generate_once(items, generators, value, given)
            except (LimitError, Fails):
                if turns:
                    raise
        if turns:
            self._repeat(left, turns - 1, generators[0].iter)
        else:
            self.budget.left = left
            self._unbound(generators)
        return given if decided and all(map(_lasting, chain.from_iterable(given))) else None

    def _unbound(self, generators: list[ast.comprehension]) -> None:
        """Know nothing of what a comprehension binds."""
        for target in (generator.target for generator in generators):
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.names.maps[0][node.id] = ANY


def _lasting(value: Any) -> bool:
    """Return whether a value is a number, a text or a tensor, or several of them, known or not."""
    if isinstance(value, tuple):
        return few(value) and all(map(_lasting, value))
    return isinstance(value, EXACT | Tensor | Unknown)
