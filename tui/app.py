"""The apps: wiring only. `tui.screens` has what is on the screen, `tui.session.commands` what keys do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.filter import LineFilter
from textual.screen import Screen

from tui.model.view import View
from tui.navigation.playground import PLAYGROUND
from tui.navigation.steps import Player
from tui.screens.explorer import ExplorerScreen
from tui.screens.options import Options
from tui.session.commands import BY_ID
from tui.session.door import at_door
from tui.session.session import Session
from tui.terminal.terminal_app import TerminalApp
from tui.widgets.appearance import Appearance
from tui.widgets.row_widget import CommandClicked

if TYPE_CHECKING:
    from textual.command import Provider

    from llm_linalg.lessons.lesson import Lesson
    from tui.session.presentation.state import Talk

__all__ = ["Explorer", "Options", "ScreenApp"]

TITLE = "llm-linalg"
STYLES = Path(__file__).with_name("app.tcss")


def _provider() -> type[Provider]:
    from tui.screens.palette import Commands

    return Commands


def _guides() -> type[Provider]:
    from tui.screens.palette import Guides

    return Guides


def _appearance(app: TerminalApp, options: Options) -> Appearance:
    """Return the app's appearance, as the options say."""
    app.asks_background = not options.keeps_theme
    appearance = Appearance(
        app,
        options.theme,
        ascii_only=options.ascii_only,
        sparing=options.slowest > 0,
        motion=options.motion,
    )
    app.start_with_theme()
    return appearance


class Explorer(TerminalApp):
    """The app in the terminal."""

    TITLE = TITLE
    CSS_PATH = STYLES
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_provider, _guides}

    def __init__(
        self,
        view: View,
        lessons: Sequence[Lesson],
        options: Options | None = None,
        talk: Talk | None = None,
        screen: Callable[[Session, Options], ExplorerScreen] | None = None,
    ) -> None:
        """Open with a view; `screen` makes another screen than the explorer's, or the stage's."""
        super().__init__()
        self.options = options = options or Options()
        self.appearance = _appearance(self, options)
        moved = (key for key in options.keys if key.keys != BY_ID[key.id].keys)
        self.set_keymap({key.id: key.keys for key in moved})
        player = Player(playing=options.play and options.motion, speed=options.speed)
        others = [] if talk is not None else [PLAYGROUND]
        session = Session.start(view, [*lessons, *others], player, options.drafts.load())
        if talk is None and options.tape.script is None:  # a script depends on nothing from before
            session = session.with_learner(
                settings=options.lesson_settings, progress=options.progress, is_brief=options.brief
            )
        session = (session if talk is None else session.with_presentation(talk)).with_notice(options.notice)
        if options.door:
            session = at_door(session).with_notice(options.notice)
        if screen is None and talk is not None:
            from tui.screens.presenter import PresenterScreen

            screen = PresenterScreen
        self.start = (screen or ExplorerScreen)(session, options)

    @property
    def explorer(self) -> ExplorerScreen:
        """The screen at the bottom of the stack."""
        return next(screen for screen in self.screen_stack if isinstance(screen, ExplorerScreen))

    async def action_quit(self) -> None:
        """Leave by Textual's own key, ctrl+q: no more by a slip than by ours."""
        self.explorer.leave("quit")

    def get_default_screen(self) -> Screen[None]:
        """Return the explorer, or the stage."""
        return self.start

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of the theme alone."""
        return self.appearance.line_filters

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Return none of Textual's: the palette lists lessons and the commands of `tui.session.commands`."""
        return ()

    def on_background(self, light: bool) -> None:
        """Follow the terminal's background with the theme."""
        self.appearance.follow_background(light)

    def action_command_palette(self) -> None:
        """Open the palette, once."""
        from tui.screens.palette import Palette

        if not any(isinstance(screen, Palette) for screen in self.screen_stack):
            self.push_screen(Palette())  # no name: one that is closed may not be gone yet

    def tell_cut(self) -> None:
        """Say that a paste was too long."""
        self.explorer.tell("That was too long to paste: it was cut.")

    async def on_command_clicked(self, event: CommandClicked) -> None:
        """Do a command that was clicked on a screen above the explorer."""
        await self.explorer.perform(event.command)


class ScreenApp(TerminalApp):
    """One screen in a terminal of its own: practice, or the speaker's notes."""

    TITLE = TITLE
    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, screen: Screen[Any], options: Options | None = None) -> None:
        """Show a screen as the options say."""
        super().__init__()
        self.appearance = _appearance(self, options or Options())
        self.start = screen

    def get_default_screen(self) -> Screen[Any]:
        """Return the screen."""
        return self.start

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of the theme alone."""
        return self.appearance.line_filters

    def on_background(self, light: bool) -> None:
        """Follow the terminal's background with the theme."""
        self.appearance.follow_background(light)
