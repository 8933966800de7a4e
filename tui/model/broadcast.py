"""The state of a talk as sent to its followers: the notes and the audience's screens are drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What a follower knows of a talk: the objects of the lines that `audience.protocol` describes.

    Attributes:
        deck: The `deck` line's.
        lesson: The `lesson` line's.
        show: The `show` line's.
    """

    deck: Mapping[str, Any] = field(default_factory=dict)
    lesson: Mapping[str, Any] = field(default_factory=dict)
    show: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether there is something to show."""
        return bool(self.deck and self.lesson and self.show)

    @property
    def stops(self) -> list[Any]:
        """The stops of the deck: pairs of a title and its minutes."""
        return self.deck.get("stops") or []

    @property
    def stop_title(self) -> str:
        """The title of the stop that is shown; empty where there is no such stop."""
        number = self.show.get("number")
        if not isinstance(number, int) or not 1 <= number <= len(self.stops):
            return ""
        return str(self.stops[number - 1][0])

    @property
    def planned(self) -> float | None:
        """The seconds that the talk is meant to take, if it is."""
        return as_number(self.show.get("planned"))


def as_number(value: object) -> float | None:
    """Return what was told as a number; None where it is none."""
    return value if isinstance(value, int | float) else None
