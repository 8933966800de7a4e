"""Motion: the pictures on the way from one drawing of an operation to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.model.drawing import Drawing, MovingDrawing

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

BEAT = 0.04  # seconds from one picture to the next
SHARE = 0.8  # of the time between two steps of the player: the way ends before the next step begins
LONGEST = 1.0  # seconds that the way may take where nothing plays


class DrawingMotion:
    """Shows a drawing by way of those between it and the one before it, where there are any.

    Attributes:
        shown: What is shown now; None if no drawing is.
    """

    def __init__(self, owner: Widget, show: Callable[[], None]) -> None:
        """Take the widget whose timer it is, and what draws `shown` again."""
        self.shown: Drawing | None = None
        self._owner = owner
        self._show = show
        self._place: object = None
        self._words: tuple[str, ...] = ()
        self._way: list[Drawing] = []
        self._timer: Timer | None = None

    @property
    def is_moving(self) -> bool:
        """Whether there is a way to go."""
        return bool(self._way)

    def follow(self, drawing: Drawing | None, place: object, seconds: float) -> None:
        """Take the drawing that is to be shown next.

        Args:
            drawing: The drawing; None where there is none.
            place: What it is of: nothing moves from one place to another.
            seconds: The time that the way may take; none is gone in less than two pictures.
        """
        if self._way and place == self._place and drawing is not None and drawing.words == self._words:
            self._way[-1] = drawing  # the same again, as after a notice
            return
        way = self._pictures(drawing, int(seconds / BEAT)) if place == self._place else []
        self._place, self._words = place, () if drawing is None else drawing.words
        self._way = way
        self.shown = drawing if not way else way.pop(0)
        if self._timer is None and way:
            self._timer = self._owner.set_interval(BEAT, self._beat, name="motion")
        elif not way:
            self._end()

    def _pictures(self, drawing: Drawing | None, most: int) -> list[Drawing]:
        """Return the pictures to go through, at most so many, the drawing itself last; none without a way."""
        if drawing is None or self.shown is None or most < 2 or not isinstance(drawing, MovingDrawing):
            return []
        way = drawing.way_from(self.shown)
        kept = way if len(way) < most else [way[k * len(way) // most] for k in range(1, most)]
        return [*kept, drawing] if way else []

    def _beat(self) -> None:
        if self._way:
            self.shown = self._way.pop(0)
            self._show()
        if not self._way:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
