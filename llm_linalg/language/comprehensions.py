"""What is gone through, item by item: by a loop, or by what makes a list or a dict of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from llm_linalg.language import modules
from llm_linalg.language.containers import VIEWS, Distinct, checked_keys
from llm_linalg.language.expressions import Evaluator
from llm_linalg.language.suggestions import CHANGED, SPREAD

# Made once: they are asked for at each loop.
_GONE_THROUGH: Any = range | list | tuple | dict | str | VIEWS | Distinct
_CHANGING: Any = list | dict | VIEWS | modules.SEQUENCES
Row = Sequence[Any]
"""What one turn of a comprehension gives: its item, or a key and what belongs to it."""


class Comprehensions(Evaluator):
    """Evaluates what an `Evaluator` does, dicts and comprehensions."""

    def evaluators(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        """Return what evaluates each kind of expression."""
        return super().evaluators() | {
            ast.Dict: self._dict,
            ast.ListComp: self._comprehension,
            ast.DictComp: self._dict_comprehension,
            ast.GeneratorExp: self._comprehension,
        }

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        if any(key is None for key in node.keys):
            raise self.outside(SPREAD, node)
        both = zip(node.keys, node.values, strict=True)
        pairs = [(self.key(key), self.evaluate(value)) for key, value in both if key is not None]
        return dict(zip(checked_keys(key for key, _ in pairs), [value for _, value in pairs], strict=True))

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        return [value for (value,) in self._generated([node.elt], node.generators)]

    def _dict_comprehension(self, node: ast.DictComp) -> dict[Any, Any]:
        pairs = self._generated([node.key, node.value], node.generators)
        self.budget.charge_items([key for key, _ in pairs])
        checked_keys([key for key, _ in pairs])
        return {key: value for key, value in pairs}  # noqa: C416  each is a row of two

    def _generated(self, items: list[ast.expr], generators: list[ast.comprehension]) -> list[Row]:
        """Return what a comprehension gives, for each turn the values of its items."""
        outer, self.names = self.names, self.names.new_child()
        found: list[Row] = []
        try:
            self._generate(items, generators, found)
        finally:
            self.names = outer
        return found

    def _generate(self, items: list[ast.expr], generators: list[ast.comprehension], found: list[Row]) -> None:
        if not generators:
            found.append([self.evaluate(item) for item in items])
            return
        first, *rest = generators
        source = self.evaluate(first.iter)
        alone = items[0] if len(items) == 1 else None
        for value in self.each(source, self.gone_through(source, first.iter), first.iter):
            self.assign(first.target, value)
            if first.ifs and not all(self._truth(self.evaluate(test), test) for test in first.ifs):
                continue
            if rest:
                self._generate(items, rest, found)
            elif alone is not None:  # as most have, in less time
                found.append([self.evaluate(alone)])
            else:
                found.append([self.evaluate(item) for item in items])

    def gone_through(self, value: Any, node: ast.expr) -> Sequence[Any]:
        """Return the items of a value that stands after ``in``."""
        if isinstance(value, Tensor):
            value = value.unbind(0)
        elif isinstance(value, modules.SEQUENCES):
            value = list(value)
        if not isinstance(value, _GONE_THROUGH):
            raise self.error(f"a value of type {type(value).__name__} can't be gone through", node)
        if isinstance(value, range):  # its items are not there yet: each turn takes steps
            self.budget.step(4)
            return value
        self.budget.charge_items(value)
        return value if isinstance(value, str) else tuple(value)

    def each(self, source: Any, values: Sequence[Any], node: ast.expr) -> Iterable[Any]:
        """Return the items of a value that is gone through, as long as it stays as it was."""
        return self._watched(source, values, node) if isinstance(source, _CHANGING) else values

    def _watched(self, source: Any, values: Sequence[Any], node: ast.expr) -> Iterator[Any]:
        """Yield items; Python would go on through those that are there then, or end with an error."""
        for place, value in enumerate(values):
            if len(source) != len(values) or (source.__class__ is list and source[place] is not value):
                raise self.outside(CHANGED, node)
            yield value
        if len(source) != len(values):
            raise self.outside(CHANGED, node)
