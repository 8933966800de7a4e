"""What a rehearsal leaves open of how much a program does."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from llm_linalg.foresight.timed import Timed
from llm_linalg.foresight.unknown import Unknown
from llm_linalg.language.budget import Budget
from llm_linalg.language.caller import UserFunction
from llm_linalg.language.source import Source


class Guessing(Timed):
    """Counts what is left open.

    Attributes:
        guesses: At how much is done.
        unbounded: Loops, and calls of functions, of which nobody knows how often they come.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget) -> None:
        super().__init__(source, names, budget)
        self.guesses = self.unbounded = 0

    @property
    def left_open(self) -> int:
        """How often something was left open of how much is done: it tells all if that is never."""
        return self.unbounded + (0 if self.dearest else self.guesses)

    def guessed(self) -> None:
        """Remember that an expression was not evaluated whole; at most it makes a tensor more."""
        self.guesses += 1
        if self.dearest:
            self.budget.tensors -= 1
            self.budget.exceeded()

    def left_out(self, *nodes: ast.AST) -> None:
        """Remember that something was not gone through, which may turn, or call what turns."""
        self.guesses += 1
        self.unbounded += any(self._turns_itself(inner) for node in nodes for inner in ast.walk(node))

    def _turns_itself(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.For | ast.comprehension)
        return not isinstance(node.func, ast.Attribute) and self._may_be_own(node.func)

    def _may_be_own(self, function: ast.expr) -> bool:
        """Whether what is called may be a function that the program defines."""
        if not isinstance(function, ast.Name):
            return True
        return isinstance(self.names.get(function.id), UserFunction | Unknown)
