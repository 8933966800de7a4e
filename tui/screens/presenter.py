"""The stage: the explorer's page with nothing on it but the picture, and a deck to go through."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from tui.audience import meeting
from tui.audience.server import Audience
from tui.files.state_file import StageMark
from tui.files.watch import Watch
from tui.model.view_words import explicit_flags
from tui.screens.explorer import ExplorerScreen
from tui.screens.key_input import DIGITS
from tui.screens.options import Options
from tui.session.commands import find_command
from tui.session.contexts import Context
from tui.session.decks import read_deck
from tui.session.presentation.reload import reload_deck
from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import Talk
from tui.session.session import Session
from tui.widgets.row_widget import glyphs_of

if TYPE_CHECKING:
    from textual.timer import Timer

NO_LARGE = "Large letters need characters that are not in ASCII."
NOTICE = 4.0  # seconds for which it is said that the deck was saved
SAVE = 5.0  # seconds between two looks at the clock, which is kept in case the process ends
SOON = 0.3  # seconds after a step until it is kept, with those that follow
POLL = 0.5  # seconds between two looks at the deck's files


def _mark(session: Session) -> StageMark:
    """Return where a talk stands now."""
    watch = require_talk(session).watch
    words = tuple(word for flag in explicit_flags(session.reopening_view) for word in flag)
    seconds = round(watch.seconds(monotonic()), 1)
    return StageMark(require_talk(session).number, words, seconds, watch.running, time())


class CommandReceived(Message):
    """A reader of the notes sent a command; `done` is set when it was done."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command
        self.done = asyncio.Event()


ASKED = frozenset({Context.GUESS_CHOICE, Context.GUESS_TEXT})


class PresenterScreen(ExplorerScreen):
    """The one screen of a talk."""

    def __init__(self, session: Session, options: Options | None = None) -> None:
        """As the explorer; the state file of the options keeps the stop."""
        super().__init__(session, options)
        self.audience: Audience | None = None
        self.count = ""  # the digits of a number that is being typed
        self._files = Watch(self.talk.deck, read_deck)
        self._remembered: tuple[object, ...] | None = None  # what is kept for the next time
        self._pending: Timer | None = None  # until it is kept
        self._remembering = threading.Lock()
        self._next: Timer | None = None

    @property
    def talk(self) -> Talk:
        """The talk."""
        return require_talk(self.session)

    def on_mount(self) -> None:
        """Look at the deck's files from now on, and let others follow."""
        self.set_interval(POLL, self._look)
        self.set_interval(SAVE, self._remember_time)
        self.rearm()
        if not self.app.is_headless:
            self.run_worker(self._serve(), group="audience")

    # Keys.

    async def on_key(self, event: events.Key) -> None:
        """Take the digits of a number, and any key while the screen is black; a script is left first."""
        if self.script_player is None and await self._take_digit(event.key):
            event.stop()
            event.prevent_default()
        self.rearm()

    async def _take_digit(self, key: str) -> bool:
        if self.talk.black:
            await self.perform("stage.black")
            return True
        if self.input.prompt is not None or self.answer.edit is not None or self._answers(key):
            return False
        if key in DIGITS and (self.count or key != "0"):
            self.count = (self.count + key)[:6]
            self.update_session(
                self.session.with_notice(f"{self.count}   G or enter: that stop   r: that repair")
            )
            return True
        count, self.count = self.count, ""
        if not count:
            return False
        command = self.command_of(key)
        if command == "stage.last" or key == "enter":
            self.input.queue.clear()  # a jump is not a step more
            await self.perform(f"stage.go:{count}")
        elif command == "repair" and Context.REPAIRS in self.input.contexts and int(count) <= 9:
            await self.perform(f"repair.{count}")
        else:
            self.tell("")
            return key == "escape"
        return True

    def _answers(self, key: str) -> bool:
        """Return whether a key answers what is asked."""
        return not self.count and (self.command_of(key) or "").startswith("guess.")

    def must_wait(self, key: str) -> bool:
        """Return whether a key has to wait; on a slide, what goes on waits for no program."""
        slide = self.session.view.at_stop.slide and not self.input.queue
        if slide and self.command_of(key) in ("stage.next", "stage.back", "stage.goto"):
            return False
        return super().must_wait(key)

    async def perform(self, command: str) -> None:
        """Do a command by its name, if it doesn't lead off the stage."""
        if find_command(command).leaves_deck:
            self.tell("On stage only the deck's own stops open.")
            return
        if command == "stage.big" and glyphs_of(self).plain:
            self.tell(NO_LARGE)
            return
        if self.talk.leaving and command != "stage.quit":
            self.session = self.session.with_presentation(replace(self.talk, leaving=False))
        await super().perform(command)

    def update_session(self, session: Session) -> None:
        """Take a session over, show or hide everything, and remember the stop."""
        before, shown = self.talk, self.session.view
        super().update_session(session)
        if self.talk.auto != before.auto:
            self.rearm()
        if self.talk.number != before.number:
            self._remember_soon()
        elif self._pending is None and self.session.view != shown and self._keeps:
            self._pending = self.set_timer(SOON, self._remember_soon)

    def draw(self) -> None:
        """Draw; those who follow see the same. Where something is asked, a countdown begins."""
        asked = ASKED & self.session.contexts
        place = self.session.view.place if asked else None
        self.session = replace(self.session, talk=self.talk.thinking_at(place, monotonic()))
        super().draw()
        if self.audience is not None:
            self.audience.show(self.session)

    def _remember_soon(self) -> None:
        """Keep where the talk stands, in a thread."""
        self._pending = None
        self.run_worker(self._remember, group="remember", thread=True)

    @property
    def _keeps(self) -> bool:
        """Whether anything can be kept of this talk."""
        return self.options.state_file.folder is not None and self.talk.deck.path is not None

    def _remember_time(self) -> None:
        """Keep the clock while it goes."""
        if self.talk.watch.running and self._keeps:
            self._remember_soon()

    def _remember(self, *, ended: bool = False) -> None:
        """Keep the stop, so that the talk can begin there again, and until it ends also step and clock."""
        with self._remembering:
            talk, session = self.talk, self.session
            path, number = talk.deck.path, talk.number
            if path is None:
                return
            mark = None if ended else _mark(session)
            if (number, mark and mark[:4]) == self._remembered:
                return
            self._remembered = (number, mark and mark[:4])
            self.losses.place = ""
            self.options.state_file.update(
                lambda state: state.with_deck(path, number).with_mark(path, mark), self._note_unremembered
            )

    def _note_unremembered(self, why: str) -> None:
        self.losses.place = why

    # Who follows.

    async def _serve(self) -> None:
        audience = Audience(self.session, self._receive)
        try:
            await audience.open(meeting.folder(os.environ))
        except meeting.PlaceError as error:
            self.tell(f"Nobody can follow: {error}")
            return
        self.audience = audience
        audience.show(self.session)

    def on_unmount(self) -> None:
        """Keep the stop, whatever was still on its way there; those who follow see the end."""
        self._remember(ended=self.talk.leaving)
        if self.audience is not None:
            self.audience.close()

    async def _receive(self, command: str) -> None:
        """Do a command among the keys that are pressed here."""
        sent = CommandReceived(command)
        if self.post_message(sent):
            await sent.done.wait()

    async def on_command_received(self, event: CommandReceived) -> None:
        """Do what the reader of the notes sends, as if its key were pressed here."""
        try:
            await self._do_received(event.command)
        finally:
            event.done.set()

    async def _do_received(self, command: str) -> None:
        self.input.prompt, self.count = None, ""
        if self.talk.black:
            await self.perform("stage.black")
        elif command.startswith("stage.go:"):
            self.input.queue.clear()
            await self.perform(command)
        elif self.busy and not self.session.view.at_stop.slide:
            self.hold(next(key.key_names[0] for key in self.input.table if key.id == command))
        else:
            await self.perform(command)
        self.rearm()

    # By itself.

    def rearm(self) -> None:
        """Put the next step by itself a whole interval away."""
        if self._next is not None:
            self._next.stop()
        talk = self.talk
        wait = max(talk.every, talk.time_to_think(monotonic()))
        self._next = self.set_timer(wait, self._go_on) if talk.auto else None

    def _go_on(self) -> None:
        thinks = self.talk.time_to_think(monotonic()) > 0
        if not self.busy and self.app.screen is self and not self.talk.black and not thinks:
            self.do("stage.next")
            if self.talk.last and not self.talk.loop and self.session.notice:
                self.session = self.session.with_presentation(replace(self.talk, auto=False))
        self.rearm()

    # The deck's files.

    async def _look(self) -> None:
        """Read the deck again if it was saved: off the event loop, since a disk may be slow."""
        deck = await asyncio.to_thread(self._files.look)
        if deck is None:
            return
        if isinstance(deck, str):
            faulty = self.session.with_presentation(replace(self.talk, fault=deck))
            self.update_session(faulty.with_notice(deck))
        else:
            self.update_session(reload_deck(self.session, deck))
            self.set_timer(NOTICE, partial(self._take_back, self.session.notice))

    def _take_back(self, notice: str) -> None:
        """Show again what stands in a notice's place, unless another has come."""
        if self.session.notice == notice:
            self.tell("")
