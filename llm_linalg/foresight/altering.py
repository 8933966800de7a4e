"""Which lists and dicts a program changes, before the run: of what it may have changed nothing is known."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NoReturn

from torch import nn

from llm_linalg.foresight.flow import looked_at
from llm_linalg.foresight.guessing import Guessing
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.unknown import (
    ANY,
    GLANCED_AT_A_STEP,
    SOME_DICT,
    Undecided,
    Unknown,
    changeable,
    parts,
)
from llm_linalg.language import layers, values
from llm_linalg.language.caller import Method
from llm_linalg.language.plain import SINGLE
from llm_linalg.language.source import Source
from llm_linalg.parsing import walk


class Altering(Guessing):
    """Keeps in mind what may have been changed.

    Attributes:
        uncertain: Branches under way that may not be taken, and turns that stand for others.
        changes: How often a list or a dict was changed.
        loose: Whether nothing is known of those that have a name.
        missing: Whether something may have been done of which nothing is known.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self.uncertain = self.changes = 0
        self.loose = self.missing = False
        self._altered: dict[int, Any] = {}

    def alters(self, owner: Any) -> None:
        """Remember that a list or a dict is changed.

        In the dearest case one that may be changed otherwise is not known from then on, and all others are.
        """
        if self.dearest and self.uncertain:
            self._altered[id(owner)] = owner
            self.budget.met(owner)
        else:
            self.changes += 1

    def altered_within(self, loop: ast.For) -> int:
        """Return how many names that a loop uses mean a list that may be another, in the dearest case."""
        if not self._altered:
            return 0
        used = self._once(looked_at, *loop.body) | self._once(looked_at, *self.source.functions)
        values = [scope[name] for scope in self.names.maps for name in used & scope.keys()]
        return sum(id(value) in self._altered for value in values)

    def may_alter(self, owner: Any) -> None:
        """Remember that a list or a dict is changed, and nobody knows how, or which."""
        if not self.dearest:
            self.loose = True
        elif not isinstance(owner, Unknown):
            self._altered[id(owner)] = owner

    def may_alter_within(self, owner: ast.expr) -> None:
        """Know that a list or a dict may be changed that a name holds which stands in an expression."""
        names = [part.id for part in walk(owner) if isinstance(part, ast.Name)] if self.dearest else ()
        for item in parts([self.names.get(name) for name in names]):
            self.went_on()
            if isinstance(item, list | tuple | dict):
                self.went_on(len(item) // GLANCED_AT_A_STEP)
            if isinstance(item, list | dict):
                self.may_alter(item)

    def unless_altered(self, value: Any) -> Any:
        """Return a value; what is known of it, if it is a list or a dict that may have been changed."""
        if id(value) not in self._altered:
            return value
        return SOME_DICT if isinstance(value, dict) else ANY

    def passed_over(self, *nodes: ast.AST) -> None:
        """Remember that something was not evaluated that may call something; in the dearest case it was."""
        if self.dearest:
            self.guesses += 1
            return
        self.left_out(*nodes)
        if self.calls_something(*nodes):
            self.missed()

    def may_give_the_start(self, node: ast.Call, starts: list[Any]) -> None:
        """Know that a sum, perhaps of nothing, may be a list that has a name, and be changed by its own."""
        written = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
        for start, part in zip(starts, written, strict=False):
            if isinstance(start, list) and not isinstance(part, ast.List):
                self.may_alter(start)

    def differs(self, method: Method) -> NoReturn:
        """Leave open what a method gives, and what it makes of what it is of."""
        if method.function in values.CHANGING:
            self.may_alter(method.owner)
        raise Undecided

    def missed(self) -> None:
        """Remember that something may have been done of which nothing is known."""
        self.loose = self.missing = True

    def _name(self, node: ast.Name) -> Any:
        value = super()._name(node)
        if value.__class__ in SINGLE:
            return value
        if self.loose and changeable(value):
            raise Undecided
        if self.missing and self._alters_layers and any(isinstance(part, nn.Module) for part in parts(value)):
            raise Undecided
        return value

    @cached_property
    def _alters_layers(self) -> bool:
        """Whether the program may put something into a layer."""
        stored = self.source.stored
        return "append" in self.source.attributes or any(name in stored for name in layers.PARAMETERS)
