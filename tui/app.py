"""The app: wiring only. What is on the screen is in `tui.screens`, what keys do in `tui.commands`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import SystemCommand
from textual.filter import LineFilter, NoColor
from textual.screen import Screen

from tui.drafts import Drafts
from tui.keys import KEYS, Key
from tui.player import Player
from tui.playground import PLAYGROUND
from tui.screens.explorer import ExplorerScreen, with_keys
from tui.script.tape import Tape
from tui.session import Session
from tui.state import Memory
from tui.terminal.app import TerminalApp
from tui.themes import ASCII, DARK, DEFAULT_THEME, LOOKS, UNICODE, Glyphs, Look
from tui.view import View
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.command import Provider

    from llm_linalg.lesson import Lesson
    from tui.talk import Talk


@dataclass(frozen=True, slots=True)
class Options:
    """How the app is shown.

    Attributes:
        theme: a name in `tui.themes.LOOKS`.
        theme_asked: whether somebody asked for it; else the terminal's background decides between two.
        ascii_only: for terminals whose locale has no UTF-8.
        play: whether it plays from the start.
        motion: whether it may play at all by itself; without, space steps.
        slowest: the least number of seconds between two beats, for a slow link.
        speed: steps a second at the start.
        drafts: where the playground's program is kept; nowhere unless given.
        keys: the commands and their keys.
        notice: what is said at the start, until the first key.
        memory: where the stop of a talk is remembered; nowhere unless given.
        tape: what is recorded, and what is played.
    """

    theme: str = DEFAULT_THEME
    theme_asked: bool = True
    ascii_only: bool = False
    play: bool = False
    motion: bool = True
    slowest: float = 0.0
    speed: float = 4.0
    drafts: Drafts = field(default_factory=Drafts)
    keys: tuple[Key, ...] = KEYS
    notice: str = ""
    memory: Memory = field(default_factory=Memory)
    tape: Tape = field(default_factory=Tape)


def _provider() -> type[Provider]:
    from tui.screens.palette import Commands

    return Commands


class Themed(TerminalApp):
    """An app in our themes and characters."""

    TITLE = "llm-linalg"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, options: Options) -> None:
        """Shown as the options say."""
        super().__init__()
        self.options = options
        for look in LOOKS.values():
            self.register_theme(look.theme)
        self.theme = self.unasked_theme = options.theme
        self.asks_background = not options.theme_asked

    def on_background(self, light: bool) -> None:
        """A light background gets the light theme, unless another was chosen meanwhile."""
        if self.theme == self.unasked_theme:
            self.theme = self.unasked_theme = "light" if light else DEFAULT_THEME

    @property
    def look(self) -> Look:
        """The theme in force."""
        return LOOKS.get(self.theme, DARK)

    @property
    def glyphs(self) -> Glyphs:
        """The characters in force."""
        return ASCII if self.options.ascii_only else UNICODE

    @property
    def few_colours(self) -> bool:
        """Whether the terminal has 16 colours; a headless picture never depends on the terminal."""
        return not self.is_headless and self.console.color_system == "standard"

    @property
    def sparing(self) -> bool:
        """Whether as little as possible is sent."""
        return self.options.slowest > 0

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Colour goes with the theme alone: what the environment says was decided before.

        Our colours are those of the 256 and need no translation to others.
        """
        return [NoColor()] if self.look.colourless else []

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """None of Textual's: the palette lists lessons and the commands of `tui.keys`."""
        return ()


class Explorer(Themed):
    """The terminal app."""

    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_provider}
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        view: View,
        lessons: Sequence[Lesson],
        options: Options | None = None,
        talk: Talk | None = None,
        kind: type[ExplorerScreen] | None = None,
    ) -> None:
        """Opens with a view.

        Args:
            view: What is to be seen.
            lessons: What the sidebar lists.
            options: How it is shown.
            talk: The deck that is on stage.
            kind: The screen; the explorer's, or the stage's, unless given.
        """
        super().__init__(options or Options())
        player = Player(playing=self.options.play and self.options.motion, speed=self.options.speed)
        others = [] if talk is not None else [PLAYGROUND]
        session = Session.start(view, [*lessons, *others], player, self.options.drafts.load())
        self.start = self._screen(session if talk is None else session.on(talk), kind)

    @property
    def explorer(self) -> ExplorerScreen:
        """The screen at the bottom of the stack."""
        return next(screen for screen in self.screen_stack if isinstance(screen, ExplorerScreen))

    async def action_quit(self) -> None:
        """Textual's own key to leave, ctrl+q: no more of a slip than ours."""
        from tui.screens.app_commands import leave

        leave(self.explorer, "quit")

    def get_default_screen(self) -> Screen[None]:
        """The explorer, or the stage."""
        return self.start

    def _screen(self, session: Session, kind: type[ExplorerScreen] | None) -> ExplorerScreen:
        options = self.options
        if kind is None and session.talk is not None:
            from tui.screens.presenter import PresenterScreen

            kind = PresenterScreen
        return with_keys(options.keys, kind or ExplorerScreen)(
            session.told(options.notice),
            ascii_only=options.ascii_only,
            motion=options.motion,
            slowest=options.slowest,
            drafts=options.drafts,
            memory=options.memory,
            tape=options.tape,
        )

    def action_command_palette(self) -> None:
        """Opens the palette, once."""
        from tui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def tell_cut(self) -> None:
        """A paste was too long."""
        self.explorer.tell("That was too long to paste: it was cut.")

    async def on_lines_pressed(self, event: Lines.Pressed) -> None:
        """A click on a screen above the explorer."""
        await self.explorer.perform(event.command)
