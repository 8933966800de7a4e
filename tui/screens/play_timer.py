"""Timers that run only while they are needed: the player's, and that of a talk's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.navigation.steps import Player

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

    from tui.session.presentation.state import Talk

FASTEST = 0.01  # seconds between two beats: a hundred a second, the most that may be asked for


class PlayTimer:
    """Beats at the player's speed while it plays. Another speed is another timer."""

    def __init__(self, owner: Widget, beat: Callable[[], None], slowest: float = 0.0) -> None:
        """`slowest` is the least number of seconds between two beats: what a slow link can take."""
        self._owner = owner
        self._beat = beat
        self._slowest = slowest
        self._interval: float | None = None
        self._timer: Timer | None = None

    @property
    def running(self) -> bool:
        """Whether there is a timer."""
        return self._timer is not None

    def follow(self, player: Player, tempo: float = 1.0) -> None:
        """Beat as the player asks, `tempo` times as fast."""
        wanted = max(self._slowest, FASTEST, player.interval / tempo) if player.playing else None
        if wanted == self._interval:
            return
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._interval = wanted
        if wanted is not None:
            self._timer = self._owner.set_interval(wanted, self._beat, name="player")


class ClockTimer:
    """Beats once a second while a talk's clock runs and is seen."""

    def __init__(self, owner: Widget, beat: Callable[[], None]) -> None:
        self._owner = owner
        self._beat = beat
        self._timer: Timer | None = None

    @property
    def running(self) -> bool:
        """Whether there is a timer."""
        return self._timer is not None

    def follow(self, talk: Talk | None) -> None:
        """Beat as long as the talk's clock, or a countdown, is to be drawn."""
        clock = talk is not None and talk.clock != "off" and talk.watch.running
        wanted = talk is not None and (clock or talk.thinking is not None) and not talk.black
        if wanted and self._timer is None:
            self._timer = self._owner.set_interval(1.0, self._beat)
        elif not wanted and self._timer is not None:
            self._timer.stop()
            self._timer = None
