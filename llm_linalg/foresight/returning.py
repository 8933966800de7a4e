"""Gradients before the run: which tensors have one for sure, and what it takes to go back."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from llm_linalg.foresight import back
from llm_linalg.foresight.expressions import Expressions
from llm_linalg.foresight.unknown import Unknown, is_some_tensor, is_tensor
from llm_linalg.language import tables
from llm_linalg.language.caller import Back
from llm_linalg.language.costs import A_FIELD_STORED, AN_ANSWER


class Returning(Expressions):
    """Goes back from tensors without cells, as far as it is known which calls gave them."""

    def _put(self, target: ast.Attribute, owner: Any, value: Any) -> None:
        if isinstance(owner, Tensor) and target.attr in tables.STORED:
            self.budget.step(A_FIELD_STORED)
            if target.attr == "requires_grad":
                self.budget.step(AN_ANSWER)
                self.asks(owner, value)
            if target.attr == "data" and isinstance(value, Tensor):
                self._copied(owner, value)
            return  # its shape stays as it is
        if is_some_tensor(owner) and target.attr != "requires_grad":
            self.budget.step(A_FIELD_STORED)
            return
        if self.uncertain or isinstance(owner, Unknown) or isinstance(value, Unknown):
            self.missed()
            return
        self.changes += 1
        super()._put(target, owner, value)

    def _copied(self, owner: Tensor, value: Tensor) -> None:
        """Write other numbers into a tensor, unless they are its own: at most, for only the run will know."""
        if self.dearest:
            owner.detach()[...] = value.detach()
        else:
            self.guesses += 1

    def augmented(self, node: ast.AugAssign) -> None:
        """Bind a target to ``target op= value``; what is written in place need not be put anywhere."""
        if isinstance(node.target, ast.Attribute) and node.target.attr == "data":
            owner = self.evaluate(node.target.value)
            self._changed(node, self.attribute(owner, node.target))
            self.budget.step(A_FIELD_STORED if is_tensor(owner) else 0)
        else:
            super().augmented(node)

    def asks(self, tensor: Tensor, wanted: Any = True) -> Tensor:
        """Let a tensor have a gradient, or none; return it, or one like it if only that has one for sure."""
        if wanted is True and self.uncertain:
            found = back.way(tensor)
            return back.leaf(tensor) if found is None or isinstance(found, back.Open) else tensor
        back.ask(tensor, wanted is True)
        return tensor

    def way_back(self, tensor: Tensor) -> Sequence[Back]:
        """Return what each call asks for that a gradient surely goes back through."""
        self.returned += 1
        if self.missing and self.freezes:
            self.guesses += 1
            return ()
        calls = list(back.passed(tensor))
        self.went_on(len(calls))
        left_open = [call.calls for call in calls if isinstance(call, back.Open)]
        if left_open:
            self.guesses += 1
            self.budget.guess_back(max(left_open))
        return [call.asks for call in calls if not isinstance(call, back.Open)]

    @property
    def goes_back(self) -> bool:
        """Whether the program may let a gradient go back."""
        return "backward" in self.source.attributes

    @property
    def freezes(self) -> bool:
        """Whether the program may say that something has no gradient, which had one."""
        return "requires_grad_" in self.source.attributes or "requires_grad" in self.source.stored
