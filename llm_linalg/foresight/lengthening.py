"""What makes lists, texts and dicts longer: how long they are at most, in the dearest case of a rehearsal."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from llm_linalg.foresight.altering import Altering
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.unknown import SOME_TENSOR, Unknown, doubtful
from llm_linalg.foresight.wholes import SomeRange, bounds
from llm_linalg.language.caller import Method
from llm_linalg.language.source import Source

_REPEATED: Any = list | tuple | str


class Lengthening(Altering):
    """Keeps in mind how long something may be of which nothing else is known; see `Least`.

    Attributes:
        growing: Whether a sum becomes the new value of what stands in it.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self.growing = False
        self._grow: dict[ast.Assign, bool] = {}
        self._added: dict[ast.AST, int] = {}  # how many items one that is made longer there gets at once

    def _assigned(self, node: ast.Assign) -> None:
        self.went_on(len(node.targets) - 1)
        self.growing = isinstance(node.value, ast.BinOp) and self._again(node)
        super()._assigned(node)
        self.growing = False

    def _again(self, node: ast.Assign) -> bool:
        """Return whether a name that is bound stands in its new value, too: what it is of may grow."""
        if node not in self._grow:
            bound = {target.id for target in node.targets if isinstance(target, ast.Name)}
            inside = ast.walk(node.value)
            self._grow[node] = any(isinstance(inner, ast.Name) and inner.id in bound for inner in inside)
        return self._grow[node]

    def lengthens(self, node: ast.Call, method: Method, arguments: Sequence[Any]) -> None:
        """Know that a method is called of a list or a dict that may make it longer."""
        if method.function is list.extend and arguments:
            self.adds(node, method.owner, arguments[0])
        else:
            self.budget.grows()

    def adds(self, node: ast.AST, owner: Any, items: Any) -> None:
        """Know that items are put behind those of a list, as often as it comes to that.

        How many they are is taken as it is the first time: in the dearest case the list may be one of them.
        """
        if items is owner and self.dearest and self.uncertain:
            self.unbounded += 1  # each time it becomes twice as long
        if node not in self._added:
            self._added[node] = self.budget.length_of(items)
        self.budget.grows(self._added[node])

    def puts(self, owner: Any, key: Any) -> None:
        """Know that something is put into a dict, perhaps, as often as it comes to that."""
        perhaps = isinstance(owner, Unknown) and owner is not SOME_TENSOR
        if (perhaps or isinstance(owner, dict)) and doubtful(key):
            self.budget.grows()

    def repeats(self, operator: ast.operator, left: Any, right: Any) -> None:
        """Know how long a list or a text becomes that is repeated, nobody knows how often."""
        if self.dearest and isinstance(operator, ast.Mult):
            for items, times in ((left, right), (right, left)):
                if isinstance(items, _REPEATED):
                    _, most = bounds(times) or (None, None)
                    self.unbounded += most is None
                    self.budget.met_repeated(items, most or 0)

    def may_be_lists(self, values: Sequence[Any]) -> None:
        """Know how long a list may be that is made of what a function is given."""
        if self.dearest:
            for value in values:
                if isinstance(value, SomeRange):
                    self.unbounded += value.longest is None
                    self.budget.met(range(value.longest or 0))
                elif value is SOME_TENSOR:
                    self.budget.tells_rows()
