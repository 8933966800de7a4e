"""Commands that reach outside the session: quitting, copying, and what opens above the explorer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tui.model.view_words import command
from tui.picture import RUNNING, STOPPING
from tui.terminal.app import TerminalApp
from tui.themes import LOOKS

if TYPE_CHECKING:
    from textual.app import App

    from tui.screens.explorer import ExplorerScreen


async def outside(screen: ExplorerScreen, name: str) -> None:
    """Does one of `tui.commands.OUTSIDE`."""
    session = screen.session
    app = screen.app
    if _by_app(app, name):
        return
    if name in ("quit", "edit.quit", "stage.quit"):
        leave(screen, name)
    elif name in ("goto", "stage.goto"):
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
            screen.update_session(session.told("Run from Python: no command opens it again."))
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
    elif name == "halt":
        screen.halt()
        if screen.busy and screen.waiting == RUNNING:
            screen.waiting = STOPPING  # torch finishes the call that it is in
            screen.draw()
    elif name in ("edit.save", "edit.undo", "edit.redo", "script.save", "processes"):
        {
            "edit.save": screen.save, "edit.undo": screen.unwrite, "edit.redo": screen.rewrite,
            "script.save": screen.save_script, "processes": screen.hold,
        }[name]()  # fmt: skip
    else:
        await _above(screen, name)


def leave(screen: ExplorerScreen, name: str) -> None:
    """Ends the app, unless something speaks against it, which is told once."""
    if (name != "stage.quit" or left(screen)) and not screen.unsaved():
        screen.app.exit()


def left(screen: ExplorerScreen) -> bool:
    """Whether a talk is left, which is asked for twice: nothing ends one by a slip."""
    session = screen.session
    talk = session.talk
    if talk is not None and not talk.leaving:
        screen.update_session(
            session.on(replace(talk, leaving=True)).told("Press it again to leave the stage.")
        )
        return False
    return True


def _by_app(app: App[object], name: str) -> bool:
    """Does what is the app's own, whatever is open in it; whether that was it."""
    if name == "redraw" and isinstance(app, TerminalApp):
        app.redraw()
    elif name == "suspend":
        app.action_suspend_process()
    elif name == "palette":
        app.action_command_palette()
    else:
        return False
    return True


async def _above(screen: ExplorerScreen, name: str) -> None:
    """Opens a screen above the explorer."""
    session, app = screen.session, screen.app
    if app.screen is not screen:
        return  # two keys of one moment: something is opened already
    if name in ("edit.examples", "stage.index"):
        from tui.screens.palette import Examples, Palette, Stops

        provider, asked = (Examples, "Begin with…") if name == "edit.examples" else (Stops, "Which stop?")
        await app.push_screen(Palette([provider], placeholder=asked))
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
