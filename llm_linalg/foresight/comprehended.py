"""Goes through comprehensions before the run: as through loops."""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

from llm_linalg.errors import LimitError
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.loops import Loops
from llm_linalg.foresight.unknown import ANY, Undecided
from llm_linalg.foresight.wholes import SomeRange


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
                    self._all_turns(values[turn:], partial(self._generate_for_all, items, generators))
                    decided = False
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

    def _generate_for_all(
        self, items: list[ast.expr], generators: list[ast.comprehension], value: Any, turns: int
    ) -> None:
        """Let one turn of a comprehension stand for so many; for none, if it may not be made."""
        left, lists = self.budget.left, self._lists
        self._unbound(generators)  # a turn may find what the one before has left
        with self._uncertain():
            try:
                self._generate_once(items, generators, value, [])
                if self._lists != lists:
                    self.budget.left, self.loose = left, True
                    self._generate_once(items, generators, value, [])
            except (LimitError, Fails):
                if turns:
                    raise
        if turns:
            self._repeat(left, turns - 1, generators[0].iter)
        else:
            self.budget.left = left
            self._unbound(generators)

    def _unbound(self, generators: list[ast.comprehension]) -> None:
        """Know nothing of what a comprehension binds."""
        for target in (generator.target for generator in generators):
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.names.maps[0][node.id] = ANY
