"""The state of a presentation: its deck, the place in it, and the display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.model.view import END, View
from tui.session.decks import view_at
from tui.session.presentation.stopwatch import Stopwatch, time_left

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck, DeckStop
    from tui.model.frame import StagePlace

ClockFace = Literal["off", "elapsed", "remaining"]
EVERY = 5.0  # seconds between two automatic steps, by default
MOST_HISTORY = 2000


class HistoryEntry(NamedTuple):
    """One step forward: what was shown before it and after it."""

    before: tuple[int, View]
    after: tuple[int, View]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Talk:
    """A place in a deck, and how it is shown.

    Attributes:
        deck: The deck on stage.
        number: The stop, from 1.
        last_views: The view in which each stop was left, by number.
        history: The steps forward, for going back.
        black: Whether nothing is shown.
        footer: Whether the keys are shown.
        big: Whether the cells are large.
        clock: What the clock shows.
        watch: The time that it has taken.
        minutes: Its planned length, or None.
        every: Seconds between two automatic steps.
        auto: Whether steps are automatic.
        loop: Whether the first stop comes after the last.
        think: Seconds for which a countdown runs where something is asked; 0 for none.
        thinking: Where one runs, and when it ends on a monotonic clock; None while none does.
        fault: What is wrong with the deck's file as it was saved last; empty if nothing is.
        leaving: Whether the key that leaves was the last one.
    """

    deck: Deck
    number: int = 1
    last_views: Mapping[int, View] = field(default_factory=dict)
    history: tuple[HistoryEntry, ...] = ()
    black: bool = False
    footer: bool = False
    big: bool = False
    clock: ClockFace = "off"
    watch: Stopwatch = field(default_factory=Stopwatch)
    minutes: float | None = None
    every: float = EVERY
    auto: bool = False
    loop: bool = False
    think: float = 0.0
    thinking: tuple[object, float] | None = None
    fault: str = ""
    leaving: bool = False

    @property
    def stop(self) -> DeckStop:
        """The deck's stop that is shown."""
        return self.deck.stops[self.number - 1]

    @property
    def place(self) -> StagePlace:
        """Where it stands, in words."""
        from tui.model.frame import StagePlace

        stop = self.stop
        return StagePlace(self.deck.title, self.number, len(self.deck.stops), stop.title, stop.source)

    @property
    def name(self) -> str:
        """What a file that belongs to it is called, without a suffix."""
        return self.deck.stops[0].lesson.slug if self.deck.path is None else self.deck.path.stem

    @property
    def following(self) -> DeckStop | None:
        """The stop after it; None at the end."""
        return next(iter(self.deck.stops[self.number : self.number + 1]), None)

    @property
    def last(self) -> bool:
        """Whether it is the last stop."""
        return self.number == len(self.deck.stops)

    @property
    def duration(self) -> float | None:
        """The seconds that the whole is meant to take, or None."""
        minutes = self.deck.minutes if self.minutes is None else self.minutes
        return None if minutes is None else 60 * minutes

    def thinking_at(self, place: object | None, now: float) -> Talk:
        """Return the talk with the countdown for what is asked at a place; without one for None."""
        if not self.think or place is None:
            return self if self.thinking is None else replace(self, thinking=None)
        going = self.thinking is not None and self.thinking[0] == place
        return self if going else replace(self, thinking=(place, now + self.think))

    def time_to_think(self, now: float) -> float:
        """Return the seconds of the countdown that are left."""
        return 0.0 if self.thinking is None else max(0.0, self.thinking[1] - now)

    def remaining(self, now: float) -> float | None:
        """Return the seconds that are left; below zero when it takes too long."""
        return None if self.duration is None else time_left(self.duration, self.watch.seconds(now))

    def first_view(self, number: int) -> View:
        """Return a stop's first picture, with what was changed on it when it was shown before."""
        rehearsed = view_at(self.deck.stops[number - 1])
        was = self.last_views.get(number)
        if was is None:
            return rehearsed
        return replace(rehearsed.with_choices_of(was), look=was.look)

    def last_view(self, number: int) -> View:
        """Return a stop's picture as it was left, or its last one."""
        return self.last_views.get(number) or replace(
            self.first_view(number), step=end_of(self.first_view(number))
        )


def end_of(view: View) -> int:
    """Return the last step that a stop is about; a step beyond the walk is its end."""
    steps = view.at_stop.steps
    return END if steps is None else steps[1]
