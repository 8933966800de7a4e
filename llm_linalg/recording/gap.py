"""Gaps of a record: turns of a long loop that ran as ever, and of which no nodes are kept."""

from __future__ import annotations

from typing import NamedTuple


class Gap(NamedTuple):
    """Turns of a loop that ran without being recorded."""

    line: int  # the line of the loop, from 1
    first: int  # the first of them, from 1
    last: int  # the last of them
    turns: int  # how many turns the loop was to take
    position: int  # how many nodes the record had before them

    @property
    def span(self) -> str:
        """Which turns they are: `turns 137 to 863`."""
        return f"turn {self.first:,}" if self.first == self.last else f"turns {self.first:,} to {self.last:,}"

    @property
    def which(self) -> str:
        """Which turns they are, and of how many: `turns 137 to 863 of 1,000`."""
        return f"{self.span} of {self.turns:,}"

    @property
    def says(self) -> str:
        """A sentence about them, without a full stop."""
        are, their = ("was", "its") if self.first == self.last else ("were", "their")
        return f"{self.which} {are} computed, and {their} steps are not kept"

    def record(self) -> dict[str, int]:
        """Return it as JSON has it."""
        return self._asdict()
