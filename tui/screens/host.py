"""What the parts of the explorer need of the screen that they are parts of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message
    from textual.timer import Timer
    from textual.widget import Widget

    from tui.screens.key_input import KeyInput
    from tui.screens.options import Options
    from tui.screens.page import Page
    from tui.session.session import Session


class Host(Protocol):
    """The screen of the explorer, as its parts see it."""

    @property
    def app(self) -> App[object]:
        """The app that it is a screen of."""

    @property
    def session(self) -> Session:
        """The session on the screen."""

    @property
    def page(self) -> Page:
        """The panes."""

    @property
    def input(self) -> KeyInput:
        """The keys that work now."""

    @property
    def options(self) -> Options:
        """How the app is shown, and where it keeps what it remembers."""

    @property
    def focused(self) -> Widget | None:
        """What has the keys."""

    @property
    def is_settled(self) -> bool:
        """Whether what was asked for is what is shown."""

    def do(self, command: str) -> None:
        """Do a command of `tui.session.commands`."""

    async def perform(self, command: str) -> None:
        """Do any command by its name, the screen's own among them."""

    def update_session(self, session: Session) -> None:
        """Show another session."""

    def tell(self, notice: str) -> None:
        """Say something in the footer."""

    def pause(self) -> None:
        """Stop the player."""

    def post_message(self, message: Message) -> bool:
        """Take a message."""

    def set_focus(self, widget: Widget | None) -> None:
        """Give a widget the keys."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back after so many seconds."""

    def run_worker(self, work: Any, *, group: str, exclusive: bool) -> object:
        """Do some work beside the event loop's."""
