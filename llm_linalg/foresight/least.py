"""A budget from which a rehearsal takes what the run takes at least."""

from __future__ import annotations

from typing import Any

from llm_linalg.foresight.unknown import UNKNOWN
from llm_linalg.language.budget import Budget


class Least(Budget):
    """A budget from which a rehearsal takes; what it does not know takes nothing, but for being a text."""

    __slots__ = ()

    def weigh(self, *values: Any) -> None:
        """Count the items of plain values; of a text that is not known there is none for sure."""
        Budget.weigh(self, *["" if value is UNKNOWN[str] else value for value in values])
