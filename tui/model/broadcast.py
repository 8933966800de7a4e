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
