"""A distribution of `torch.distributions`, as a program has it."""

from __future__ import annotations

from typing import Any

from llm_linalg.base.untraced import untraced


class Distribution:
    """A distribution that a program made.

    Attributes:
        native: torch's, which checks nothing.
        checking: Another over the same values, which does.
    """

    __slots__ = ("checking", "native")

    def __init__(self, native: Any, checking: Any) -> None:
        self.native, self.checking = native, checking

    def __repr__(self) -> str:
        with untraced():
            return repr(self.native)
