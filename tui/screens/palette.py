"""The command palette: every lesson and stop, and every command that is live now."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from llm_linalg.base.text import clean
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import read_entry
from tui.model.examples import EXAMPLES
from tui.screens.modal import ModalScreen
from tui.screens.pager import Pager
from tui.text.guides import guide_rows, guides

if TYPE_CHECKING:
    from tui.session.commands import Command
    from tui.session.presentation.state import Talk
    from tui.session.session import Session


class Palette(CommandPalette, ModalScreen):
    """Textual's palette. A key that moves in its list does nothing until that is drawn and has lines.

    A page up in the moment between would end the app.
    """

    def _action_command_list(self, action: str) -> None:
        if all(one.scrollable_content_region for one in self.query(CommandList)):
            super()._action_command_list(action)


class PaletteHost(Protocol):
    """The screen that does what is chosen."""

    @property
    def session(self) -> Session:
        """The session on the screen."""

    def live(self) -> tuple[Command, ...]:
        """Return the commands that are live now."""

    async def perform(self, command: str) -> None:
        """Do a command by its name."""


class Entries(Provider):
    """What there is to find, as entries: a name, a help, and commands, a line each."""

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Return name, help and commands of everything that is there before anything is typed."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        """Yield everything, before anything is typed."""
        for name, about, commands in self._entries():
            yield DiscoveryHit(Content(name), partial(self._do, commands), text=name, help=about)

    async def search(self, query: str) -> Hits:
        """Yield what matches."""
        matcher = self.matcher(query)
        for name, about, commands in self._entries():
            score = matcher.match(f"{name} {about}")
            if score > 0:
                yield Hit(score, Content(name), partial(self._do, commands), text=name, help=about)

    @property
    def host(self) -> PaletteHost | None:
        """The screen that does what is chosen, whatever stands above it."""
        return getattr(self.app, "explorer", None)

    async def _do(self, commands: str) -> None:
        host = self.host
        if host is None:
            return
        while len(self.app.screen_stack) > 1:  # such as the help
            await self.app.pop_screen()
        for command in commands.splitlines():
            await host.perform(command)


class Commands(Entries):
    """Lessons and commands of the explorer."""

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, help and command of everything there is to find."""
        host = self.host
        if host is None:
            return
        yield from self._places(host.session)
        for key in host.live():
            if key.id not in ("palette",):
                yield key.help, f"key {key.key_text}", key.id

    def _places(self, session: Session) -> Iterator[tuple[str, str, str]]:
        """Yield the lessons and stops there are to go to; on a stage, the deck's stops."""
        if session.talk is not None:
            yield from stop_entries(session.talk)
            return
        for lesson in session.lessons:
            yield f"{lesson.title}", f"lesson {lesson.slug}, part {lesson.part}", f"open:{lesson.slug}"
        for stop in session.view.lesson.stops:
            yield f"stop {stop.number}: {stop.title}", "of this lesson", f"stop:{stop.number}"
        for example in EXAMPLES:
            yield f"Example: {example.title}", "opens in the playground", f"example:{example.name}"

    async def search(self, query: str) -> Hits:
        """Yield what matches, then the stops of other lessons, for what no lesson is named after.

        Lessons that nobody has opened yet are read one after the other: keys are served in between.
        """
        async for hit in super().search(query):
            yield hit
        host, matcher = self.host, self.matcher(query)
        if host is None or host.session.talk is not None:
            return
        here = host.session.view.lesson.slug
        for lesson in host.session.lessons:
            await sleep(0)
            with suppress(LessonError):
                for stop in () if lesson.slug == here else read_entry(lesson).stops:
                    name = f"{lesson.title} › {stop.title}"
                    if (score := matcher.match(name) / 2) > 0:
                        go = partial(self._do, f"open:{lesson.slug}\nstop:{stop.number}")
                        yield Hit(
                            score, Content(name), go, text=name, help=f"stop {stop.number} of {lesson.slug}"
                        )


class Guides(Entries):
    """The guides to read. Not on a stage, where the audience would read them too."""

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Yield title and topic of every guide."""
        if self.host is not None and self.host.session.talk is None:
            yield "Open a notebook or a file of your own", "llm-linalg open NOTEBOOK.ipynb", "files"
            for guide in guides().values():
                yield f"Guide: {guide.title}", f"llm-linalg help {guide.topic}", guide.topic

    async def _do(self, commands: str) -> None:
        """Open a guide by its topic."""
        guide = guides()[commands]
        await self.app.push_screen(Pager(guide.title, partial(guide_rows, guide.text)))


class Examples(Entries):
    """Programs to begin with."""

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, help and command of every example."""
        for example in EXAMPLES:
            yield example.title, example.program.splitlines()[0], f"example:{example.name}"


class Stops(Entries):
    """The stops of the deck on the stage."""

    async def search(self, query: str) -> Hits:
        """Yield what matches; the slash that opens the index may be typed in it too."""
        async for hit in super().search(query.removeprefix("/")):
            yield hit

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, help and command of every stop."""
        talk = None if self.host is None else self.host.session.talk
        yield from () if talk is None else stop_entries(talk)


def stop_entries(talk: Talk) -> Iterator[tuple[str, str, str]]:
    """Yield a deck's stops as entries: name, help and command."""
    for number, stop in enumerate(talk.deck.stops, 1):
        minutes = "" if stop.minutes is None else f", {stop.minutes:g} min"
        here = "   (here)" if number == talk.number else ""
        yield (
            f"{number} {clean(stop.title)}{here}",
            f"{clean(stop.source or stop.lesson.title)}{minutes}",
            f"stage.go:{number}",
        )
