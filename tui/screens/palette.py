"""The command palette: every lesson and stop, and every command that is live now."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual import events
from textual.app import ComposeResult
from textual.command import (
    CommandInput,
    CommandList,
    CommandPalette,
    DiscoveryHit,
    Hit,
    Hits,
    Provider,
    SearchIcon,
)
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.errors import NoWidget
from textual.widgets import LoadingIndicator

from llm_linalg.base.text import CleanText, clean
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import read_entry
from tui.model.examples import EXAMPLES
from tui.screens.host import Host
from tui.screens.pager import ModalScreen, Pager
from tui.text.guides import guide_rows, guides

if TYPE_CHECKING:
    from tui.session.presentation.state import Talk
    from tui.session.session import Session


class Lines(CommandList, can_focus=False):
    """The list of a palette. What was drawn under the mouse may be gone when a click is handled."""

    def on_click(self, event: events.Click) -> None:
        """Keep Textual's own handler, which comes after this one, from a line that is gone."""
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default()


class Palette(CommandPalette, ModalScreen):
    """Textual's palette. A key that moves in its list does nothing until that is drawn and has lines.

    A page up in the moment between would end the app.
    """

    def compose(self) -> ComposeResult:
        """Yield Textual's widgets, but for the list."""
        with Vertical(id="--container"):
            with Horizontal(id="--input"):
                yield SearchIcon()
                yield CommandInput(placeholder=self._placeholder, select_on_focus=False)
            with Vertical(id="--results"):
                yield Lines()
                yield LoadingIndicator()

    def on_click(self, event: events.Click) -> None:
        """Keep Textual's own handler from a click beyond the window, which has become smaller since."""
        try:
            self.get_widget_at(event.screen_x, event.screen_y)
        except NoWidget:
            event.prevent_default()

    def _action_command_list(self, action: str) -> None:
        if all(one.scrollable_content_region for one in self.query(CommandList)):
            super()._action_command_list(action)


class Entry(NamedTuple):
    """One thing to find: its name, a line about it, and the commands that it stands for, a line each."""

    name: CleanText
    about: CleanText
    commands: str

    def discovery(self, do: Callable[[str], Awaitable[None]]) -> DiscoveryHit:
        """Return it as it is found before anything is typed."""
        about = _as_help(self.about)
        return DiscoveryHit(Content(self.name), partial(do, self.commands), text=self.name, help=about)

    def hit(self, score: float, do: Callable[[str], Awaitable[None]]) -> Hit:
        """Return it as it is found by what was typed."""
        about = _as_help(self.about)
        return Hit(score, Content(self.name), partial(do, self.commands), text=self.name, help=about)


def _as_help(text: CleanText) -> str:
    """Return text as Textual's palette shows it without reading it as markup, as it would any `str`."""
    return cast(str, Content(text))


class Entries(Provider):
    """What there is to find."""

    def _entries(self) -> Iterator[Entry]:
        """Return everything that is there before anything is typed."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        """Yield everything, before anything is typed."""
        for entry in self._entries():
            yield entry.discovery(self._do)

    async def search(self, query: str) -> Hits:
        """Yield what matches."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = matcher.match(f"{entry.name} {entry.about}")
            begins = entry.name.casefold().startswith(query.casefold())
            if score > 0:  # of what matches alike, first what begins so, in whatever order it is asked for
                yield entry.hit(2 * score if begins else score, self._do)

    @property
    def host(self) -> Host | None:
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

    def _entries(self) -> Iterator[Entry]:
        """Yield everything there is to find."""
        host = self.host
        if host is None:
            return
        yield from self._places(host.session)
        for key in host.input.live():
            if key.id not in ("palette",):
                yield Entry(clean(key.help), clean(f"key {key.key_text}"), key.id)

    def _places(self, session: Session) -> Iterator[Entry]:
        """Yield the lessons and stops there are to go to; on a stage, the deck's stops."""
        if session.talk is not None:
            yield from stop_entries(session.talk)
            return
        for lesson in session.lessons:
            about = clean(f"lesson {lesson.slug}, part {lesson.part}")
            yield Entry(lesson.title, about, f"open:{lesson.slug}")
        for stop in session.view.lesson.stops:
            name = clean(f"stop {stop.number}: {stop.title}")
            yield Entry(name, clean("of this lesson"), f"stop:{stop.number}")
        for example in EXAMPLES:
            name = clean(f"Example: {example.title}")
            yield Entry(name, clean("opens in the playground"), f"example:{example.name}")

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
                    name = clean(f"{lesson.title} › {stop.title}")
                    if (score := matcher.match(name) / 2) > 0:
                        about = clean(f"stop {stop.number} of {lesson.slug}")
                        go = f"open:{lesson.slug}\nstop:{stop.number}"
                        yield Entry(name, about, go).hit(score, self._do)


class Guides(Entries):
    """The guides to read. Not on a stage, where the audience would read them too."""

    def _entries(self) -> Iterator[Entry]:
        """Yield title and topic of every guide."""
        if self.host is not None and self.host.session.talk is None:
            own = clean("Open a notebook or a file of your own")
            yield Entry(own, clean("llm-linalg open NOTEBOOK.ipynb"), "files")
            for guide in guides().values():
                about = clean(f"llm-linalg help {guide.topic}")
                yield Entry(clean(f"Guide: {guide.title}"), about, guide.topic)

    async def _do(self, commands: str) -> None:
        """Open a guide by its topic."""
        guide = guides()[commands]
        await self.app.push_screen(Pager(guide.title, partial(guide_rows, guide.text)))


class Examples(Entries):
    """Programs to begin with."""

    def _entries(self) -> Iterator[Entry]:
        """Yield every example."""
        for example in EXAMPLES:
            first = clean(example.program.splitlines()[0])
            yield Entry(clean(example.title), first, f"example:{example.name}")


class Stops(Entries):
    """The stops of the deck on the stage."""

    async def search(self, query: str) -> Hits:
        """Yield what matches; the slash that opens the index may be typed in it too."""
        async for hit in super().search(query.removeprefix("/")):
            yield hit

    def _entries(self) -> Iterator[Entry]:
        """Yield every stop."""
        talk = None if self.host is None else self.host.session.talk
        yield from () if talk is None else stop_entries(talk)


def stop_entries(talk: Talk) -> Iterator[Entry]:
    """Yield a deck's stops as entries."""
    for number, stop in enumerate(talk.deck.stops, 1):
        minutes = "" if stop.minutes is None else f", {stop.minutes:g} min"
        here = "   (here)" if number == talk.number else ""
        yield Entry(
            clean(f"{number} {stop.title}{here}"),
            clean(f"{stop.source or stop.lesson.title}{minutes}"),
            f"stage.go:{number}",
        )
