"""A timer that runs only while it is needed: the player's, or that of a talk's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget


class PlayTimer:
    """Calls back again and again. Another interval is another timer."""

    def __init__(self, owner: Widget, beat: Callable[[], None]) -> None:
        self._owner = owner
        self._beat = beat
        self._interval: float | None = None
        self._timer: Timer | None = None

    @property
    def running(self) -> bool:
        """Whether there is a timer."""
        return self._timer is not None

    def every(self, seconds: float | None) -> None:
        """Beat so often from now on; None for no more."""
        if seconds == self._interval:
            return
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._interval = seconds
        if seconds is not None:
            self._timer = self._owner.set_interval(seconds, self._beat)
