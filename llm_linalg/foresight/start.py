"""Where a rehearsal starts: a program's names as they were then, with nothing in them that the run uses."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.foresight import back
from llm_linalg.foresight.back import Way
from llm_linalg.foresight.nowhere import look_into, without_cells
from llm_linalg.foresight.unknown import ANY, few
from llm_linalg.language.allowance import Spent
from llm_linalg.language.caller import UserFunction
from llm_linalg.language.own import Unbound
from llm_linalg.language.tables import MODULES, Namespace
from llm_linalg.writes import storage_cells

_PLAIN: Any = (
    int | float | str | bool | type(None) | range | slice | torch.dtype | torch.Size | Namespace | Unbound
)

_IMPORTED = frozenset(id(member) for module in MODULES.values() for member in module.members.values())
_FIXED = frozenset([bool, int, float, str, type(None)])
_FEW = 10
_MOST_VALUES = 2_000  # more than a rehearsal goes through
_VALUES_A_STEP = 2  # of which it is told what is known of each
_TUPLES_A_STEP = 30  # likewise, of plain values
_PLAIN_A_STEP = 500


@dataclass(frozen=True, slots=True)
class Start:
    """Where a rehearsal starts: what is to be run, and with what.

    Attributes:
        statements: What is to be run; a loop alone, if `values` are given.
        names: The names that it can use, the innermost scope first, each scope as it is now and as it was.
        left: What is left of the budget.
        values: What a loop goes through, if it is one, that has been evaluated.
        options: How tensors are printed then.
        severed: Whether what is called then has no gradient.
        way: Gives the way that a gradient goes back from a tensor that is there then.
    """

    statements: Sequence[ast.stmt]
    names: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
    left: Spent
    values: Sequence[Any] | None = None
    options: Mapping[str, Any] | None = None
    severed: bool = False
    way: Callable[[Tensor], Way | None] | None = None

    def known(self, *, leaves: bool, ways: bool) -> tuple[ChainMap[str, Any], Sequence[Any] | None]:
        """Return the names, with what is known of their values, and what is known of the loop's.

        Args:
            leaves: Whether a tensor that has a gradient now had one all the time.
            ways: Whether it has to be known which way a gradient goes back.
        """
        with torch._C.DisableTorchFunction():
            scopes = _Scopes(self.names, leaves, self.way if ways and leaves else None)
            names = scopes.chained([now for now, _ in self.names])
            return names, None if self.values is None else scopes.values(self.values)

    def looking(self, known: Sequence[Any] | None) -> int:
        """Return how many steps it took to tell what is known of the loop's values."""
        if not known or isinstance(known, str | range):
            return 0
        if known is not self.values:
            return min(len(known), _MOST_VALUES) // _VALUES_A_STEP
        return len(known) // (_TUPLES_A_STEP if isinstance(known[0], tuple) else _PLAIN_A_STEP)


class _Scopes:
    """Makes names of a rehearsal out of a program's: those of functions are the same ones."""

    def __init__(
        self,
        names: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
        leaves: bool,
        way: Callable[[Tensor], Way | None] | None,
    ) -> None:
        self._leaves = leaves
        self._way = way
        self._made: dict[int, dict[str, Any]] = {}
        self._were = {id(now): was for now, was in names}
        self._functions: dict[int, UserFunction] = {}  # each once, however often it is there

    def chained(self, scopes: Sequence[Mapping[str, Any]]) -> ChainMap[str, Any]:
        return ChainMap(*[self._scope(scope) for scope in scopes])

    def values(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return what is known of the values that a loop goes through; of the last of very many, nothing."""
        if isinstance(values, str | range) or _FIXED.issuperset(map(type, values)):
            return values
        pairs = set(map(type, values)) == {tuple}
        if pairs and all(len(value) < _FEW and _FIXED.issuperset(map(type, value)) for value in values):
            return values
        known = [self._value(value) for value in values[:_MOST_VALUES]]
        return known + [ANY] * (len(values) - len(known))

    def _scope(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        if id(scope) not in self._made:
            made = self._made[id(scope)] = dict[str, Any]()
            was = self._were.get(id(scope), scope)
            made.update({name: self._value(value) for name, value in was.items()})
        return self._made[id(scope)]

    def _value(self, value: Any) -> Any:
        """Return what is known of a value; of what can be changed meanwhile, nothing."""
        if isinstance(value, Tensor):
            alike = without_cells(tuple(value.shape), value.dtype)
            look_into(alike, storage_cells(value))
            if self._leaves and value.is_leaf and value.requires_grad:
                back.ask(alike, wanted=True)
            elif self._way is not None and value.requires_grad:
                back.lay(alike, self._way(value))
            return alike
        if type(value) is tuple:
            return tuple(map(self._value, value)) if few(value) else ANY
        if isinstance(value, UserFunction):
            if id(value) not in self._functions:
                self._functions[id(value)] = self._function(value)
            return self._functions[id(value)]
        known = isinstance(value, _PLAIN) or (isinstance(value, type) and issubclass(value, nn.Module))
        return value if known or id(value) in _IMPORTED else ANY

    def _function(self, value: UserFunction) -> UserFunction:
        defaults = {name: self._value(default) for name, default in value.defaults.items()}
        return replace(value, defaults=defaults, scope=self.chained(value.scope.maps))
