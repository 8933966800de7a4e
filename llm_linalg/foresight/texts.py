"""What becomes text, before the run: what it takes is known, but hardly ever the text."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import Any

from torch import Tensor

from llm_linalg.foresight.choices import Choices
from llm_linalg.foresight.nowhere import may_be_none
from llm_linalg.foresight.unknown import ANY, UNKNOWN, Undecided, Unknown, doubtful
from llm_linalg.language import printing


class Texts(Choices):
    """Makes text of what a `Caller` does, as far as it is known."""

    def longer(self, text: Any, part: Any) -> Any:
        """Return a text with another one behind it."""
        if isinstance(text, Unknown) or isinstance(part, Unknown):
            return UNKNOWN[str]
        return super().longer(text, part)

    def _formatted(self, node: ast.FormattedValue) -> Any:
        value = self.evaluate(node.value)
        spec = self.evaluate(node.format_spec) if node.format_spec else ""
        if isinstance(spec, str):
            printing.check_places(spec)
        if node.format_spec and value is ANY:
            raise Undecided(str)  # a number, or the run fails: lists and tensors of several cells take none
        self.budget.weigh(value)
        if not printing.is_number(value, node.conversion):
            self._shows(value)
        if not isinstance(value, bool | int | float | str) or doubtful(spec):
            raise Undecided(str)
        return printing.formatted(value, node.conversion, spec)

    def _shows(self, value: Any) -> None:
        """Take the cells of what is made into text."""
        if self.missing and self._options:
            return
        if isinstance(value, Unknown):
            self.budget.guess_text(value.kind)
        elif isinstance(value, Tensor) and not may_be_none(value):
            self.budget.show(printing.shown(value))

    @cached_property
    def _options(self) -> bool:
        """Whether the program may choose how tensors are printed."""
        return "set_printoptions" in self.source.attributes | self.source.imported

    def _print(self, *shown: Any, **_: Any) -> None:
        for value in shown:
            self._shows(value)

    def _shown(self, value: Any = "") -> Any:
        self._shows(value)
        raise Undecided(str)

    def _representation(self, value: Any) -> Any:
        return self._shown(value)
