"""Comprehensions: lists and dicts that are made turn by turn."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from llm_linalg.language.evaluator import Evaluator


class Comprehensions(Evaluator):
    """Evaluates what an `Evaluator` does, and comprehensions."""

    def evaluators(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        """Return what evaluates each kind of expression."""
        return super().evaluators() | {
            ast.ListComp: self._comprehension,
            ast.DictComp: self._dict_comprehension,
            ast.GeneratorExp: self._comprehension,
        }

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        return [value for (value,) in self._generated([node.elt], node.generators)]

    def _dict_comprehension(self, node: ast.DictComp) -> dict[Any, Any]:
        pairs = self._generated([node.key, node.value], node.generators)
        self.budget.weigh(*[key for key, _ in pairs if isinstance(key, tuple)])
        return {key: value for key, value in pairs}  # noqa: C416  each is a list of two

    def _generated(self, items: list[ast.expr], generators: list[ast.comprehension]) -> list[list[Any]]:
        """Return what a comprehension gives, for each turn the values of its items."""
        outer, self.names = self.names, self.names.new_child()
        found: list[list[Any]] = []
        try:
            self._generate(items, generators, found)
        finally:
            self.names = outer
        return found

    def _generate(
        self, items: list[ast.expr], generators: list[ast.comprehension], found: list[list[Any]]
    ) -> None:
        if not generators:
            found.append([self.evaluate(item) for item in items])
            return
        first, *rest = generators
        source = self.evaluate(first.iter)
        for value in self.each(source, self.gone_through(source, first.iter), first.iter):
            self.assign(first.target, value)
            if not first.ifs or all(self._truth(self.evaluate(test), test) for test in first.ifs):
                self._generate(items, rest, found)
