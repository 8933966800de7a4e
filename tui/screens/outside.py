"""Commands that reach outside the session: quitting, copying, and what opens above the explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.themes import LOOKS
from tui.view import command

if TYPE_CHECKING:
    from tui.screens.explorer import ExplorerScreen


async def outside(screen: ExplorerScreen, name: str) -> None:
    """Does one of `tui.commands.OUTSIDE`."""
    session = screen.session
    app = screen.app
    if name in ("quit", "edit.quit"):
        app.exit()
    elif name == "goto":
        screen.prompt = ""
        screen.draw()
    elif name == "sidebar":
        shown = screen.room is not None and screen.room.sidebar
        screen.sidebar_wanted = not shown
        screen.draw()
    elif name == "theme":
        names = list(LOOKS)
        app.theme = names[(names.index(app.theme) + 1) % len(names)]
        screen.update_session(session.told(f"Theme: {app.theme}."))
    elif name == "copy.command":
        given = session.view.lesson.given
        if given is not None and not given.words:
            screen.update_session(session.told("Opened from Python: no command opens it again."))
            return
        text = command(session.named)
        app.copy_to_clipboard(text)
        screen.update_session(session.told(f"Copied: {text}"))
    elif name == "copy.code":
        run = session.current
        text = run.torch_code(session.view) if run is not None else session.view.program
        app.copy_to_clipboard(text)
        lines = len(text.splitlines())
        screen.update_session(session.told(f"Copied {lines} lines of torch code."))
    elif name == "suspend":
        app.action_suspend_process()
    elif name == "palette":
        app.action_command_palette()
    elif name == "halt":
        screen.halt()
    elif name == "edit.save":
        screen.save()
    else:
        await _above(screen, name)


async def _above(screen: ExplorerScreen, name: str) -> None:
    """Opens a screen above the explorer."""
    session, app = screen.session, screen.app
    if name == "edit.examples":
        from textual.command import CommandPalette

        from tui.screens.palette import Examples

        await app.push_screen(CommandPalette([Examples], placeholder="Begin with…"))
    elif name in ("help", "edit.help"):
        from tui.screens.pager import Pager, help_rows

        own = [control for control in session.view.lesson.controls if control.key]
        rows = help_rows(screen.live(), own)
        await app.push_screen(Pager("Keys that work now", lambda _: rows))
    elif name == "text" and screen.picture is not None:
        from tui.panes.words import whole_text
        from tui.screens.pager import Pager

        picture = screen.picture
        title = session.view.lesson.title
        await app.push_screen(Pager(title, lambda width: whole_text(picture, width)))
