"""An audience's screen: what the presenter shows, at this terminal's own size."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events

from llm_linalg.base.text import clean
from llm_linalg.lessons.deck import Deck, DeckStop
from llm_linalg.lessons.lesson import LessonError
from tui.audience.client import Link
from tui.audience.protocol import WireError, lesson_from
from tui.model.broadcast import Broadcast
from tui.screens.explorer import ExplorerScreen
from tui.screens.options import Options
from tui.screens.presenter import NO_LARGE
from tui.session.decks import check_views, view_at
from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import Talk
from tui.session.presentation.stopwatch import Stopwatch
from tui.session.session import Session
from tui.widgets.row_widget import glyphs_of

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from tui.model.view import View

ALLOWED = frozenset({"theme", "text", "help", "suspend", "quit", "stage.big", "stage.footer"})
"""What an audience may do: how it sees, never what."""


class FollowerScreen(ExplorerScreen):
    """The screen of a follower.

    Attributes:
        link: the line to the presenter.
    """

    def __init__(self, session: Session, options: Options | None = None, *, link: Link) -> None:
        """As the explorer; shows what the link tells."""
        super().__init__(session, options)
        self.link = link

    def on_mount(self) -> None:
        """Listen."""
        self.run_worker(self._listen(), group="follow")

    async def on_key(self, event: events.Key) -> None:
        """Let no key type a number or move a control."""
        if self.command_of(event.key) in ALLOWED:
            return
        if not require_talk(self.session).black:
            self.tell("Here you only look: the presenter goes on. ? shows what your keys do.")
        event.stop()
        event.prevent_default()

    async def perform(self, command: str) -> None:
        """Do what an audience may do."""
        if command == "stage.big" and glyphs_of(self).plain:
            self.tell(NO_LARGE)
        elif command in ALLOWED:
            await super().perform(command)

    async def _listen(self) -> None:
        """Show the broadcasts, and wait for a presenter when there is none."""
        last, read = "", BroadcastReader()
        async for now in self.link.talks():
            reason = "" if isinstance(now, Broadcast) else now
            if isinstance(now, Broadcast):
                try:
                    self.update_session(await asyncio.to_thread(read.session, self.session, now))
                except (WireError, LessonError, LookupError) as error:
                    reason = f"It can't be followed: {error}"
            if reason not in ("", last):
                self.tell(reason)
            last = reason


class BroadcastReader:
    """Makes sessions of broadcasts; a lesson is read once."""

    def __init__(self) -> None:
        self._told: Mapping[str, Any] = {}
        self._lesson: Lesson | None = None

    def session(self, session: Session, now: Broadcast) -> Session:
        """Return the session that shows what the presenter shows, as large as it was here.

        Raises:
            LessonError, LookupError, WireError: If the lesson or the view can't be made of it.
        """
        talk, view = self.talk(now)
        old = session.talk
        if old is not None:
            talk = replace(talk, big=old.big, footer=old.footer)
        return session.at_stop(view, talk)

    def talk(self, now: Broadcast) -> tuple[Talk, View]:
        """Return the talk and the view that the presenter shows. Raises as `session` does."""
        if self._lesson is None or now.lesson != self._told:
            self._lesson, self._told = lesson_from(now.lesson), now.lesson
        return talk_of(now, self._lesson)


def talk_of(now: Broadcast, lesson: Lesson) -> tuple[Talk, View]:
    """Return the talk as one that follows knows it, and its view: of the other stops, the titles alone.

    Raises:
        LessonError, WireError: If the broadcast lacks something, or has it in another form.
    """
    show = now.show
    try:
        number, stop = int(show["number"]), int(show["stop"])
        stops = [(clean(str(title)), minutes) for title, minutes in now.deck["stops"]]
        words = tuple(str(word) for word in show["view"])
        rehearsed = tuple(str(word) for word in show["rehearsed"])
        seconds, planned = float(show["seconds"]), show["planned"]
    except (KeyError, TypeError, ValueError):
        raise WireError("something is told in another way") from None
    if not (1 <= number <= len(stops) and 1 <= stop <= len(lesson.stops)):
        raise WireError("a stop that is not there")
    title = clean(str(now.deck.get("title", "")))
    listed = tuple(DeckStop(lesson, stop, name, words=rehearsed) for name, _ in stops)
    watch = Stopwatch(seconds, monotonic() if show.get("running") else None)
    face = show.get("clock")
    talk = Talk(
        Deck(title, listed),
        number,
        black=show.get("black") is True,
        clock="elapsed" if face == "elapsed" else "remaining" if face == "remaining" else "off",
        watch=watch,
        minutes=float(planned) / 60 if isinstance(planned, int | float) else None,
    )
    check_views(Deck(title, listed[:1]))  # the others are rehearsed with the same words
    shown = DeckStop(lesson, stop, title, words=tuple(_without_stop(words)))
    return talk, view_at(shown)


def _without_stop(words: tuple[str, ...]) -> list[str]:
    """Return a view's words without the stop, which is a field of its own."""
    at = words.index("--stop") if "--stop" in words else len(words)
    return [*words[:at], *words[at + 2 :]]
