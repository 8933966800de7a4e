"""Commands that reach outside the session: quitting, copying, and what opens above the explorer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.text import CleanText, clean_lines
from tui.files.trusted_folders import TrustedFolders
from tui.navigation.playground import is_playground
from tui.screens.host import Host
from tui.session.consent_commands import file_to_trust
from tui.session.keys import listed_commands
from tui.session.reopening import reopening_command
from tui.session.stop_commands import next_exercise
from tui.terminal.terminal_app import TerminalApp
from tui.text.prose import paragraphs
from tui.text.rows import Row, cut_rows, row, wrap
from tui.text.themes import THEMES

if TYPE_CHECKING:
    from textual.app import App


AppCommand = Callable[[Host], Awaitable[object] | None]


def redraw(host: Host) -> None:
    """Draw the whole screen again."""
    if isinstance(host.app, TerminalApp):
        host.app.redraw()


def suspend(host: Host) -> None:
    """Suspend to the shell."""
    host.app.action_suspend_process()


def palette(host: Host) -> None:
    """Open the palette."""
    host.app.action_command_palette()


def theme(host: Host) -> None:
    """Take the next theme."""
    next_theme(host.app)
    host.tell(f"Theme: {host.app.theme}.")


def next_theme(app: App[object]) -> None:
    """Give an app the theme after its own."""
    names = list(THEMES)
    app.theme = names[(names.index(app.theme) + 1) % len(names)]


def copy_command(host: Host) -> Awaitable[object] | None:
    """Copy the command that opens this view again; one too long for the footer is shown whole above."""
    given = host.session.view.lesson.external
    if given is not None and not given.words:
        host.tell("Opened from Python: no command opens it again.")
        return None
    text = reopening_command(host.session)
    _copy(host, text)
    notice = f"Copied: {text}"
    if host.session.talk is not None or cell_len(notice) + 2 <= host.app.size.width:
        host.tell(notice)
        return None
    from tui.screens.pager import Pager

    return host.app.push_screen(Pager("Copied", lambda width: copied_rows(text, width)))


def copied_rows(text: str, width: int) -> list[Row]:
    """Return all of what was copied, and what to do where the clipboard did not take it."""
    where = "Not on the clipboard? Not every terminal takes it: it is printed when you quit, too."
    return [*(row((piece, "code")) for piece in cut_rows(text, width)), (), *paragraphs(where, width)]


def copy_code(host: Host) -> None:
    """Copy the program as torch code."""
    from tui.compose.torch_code import torch_code

    text = torch_code(host.session.view)
    _copy(host, clean_lines(text))
    host.tell(f"Copied {len(text.splitlines())} lines of torch code; they are printed when you quit, too.")


def _copy(host: Host, text: CleanText) -> None:
    """Hand a text to the terminal's clipboard, of which nobody says if it has taken it."""
    host.app.copy_to_clipboard(text)
    if isinstance(host.app, TerminalApp):
        host.app.copied = text


def confirm_leaving(host: Host) -> bool:
    """Return whether a talk is left, which is asked for twice: nothing ends one by a slip."""
    session = host.session
    talk = session.talk
    if talk is not None and not talk.leaving:
        asked = session.with_presentation(replace(talk, leaving=True)).with_notice(
            "Press it again to leave the stage."
        )
        host.update_session(asked)
        return False
    return True


def examples(host: Host) -> Awaitable[object]:
    """Open the programs to begin with."""
    from tui.screens.palette import Examples, Palette

    return host.app.push_screen(Palette([Examples], placeholder="Begin with…"))


def index(host: Host) -> Awaitable[object]:
    """Open the deck's stops."""
    from tui.screens.palette import Palette, Stops

    return host.app.push_screen(Palette([Stops], placeholder="Which stop?"))


def guides(host: Host) -> Awaitable[object]:
    """Open the guides to read."""
    from tui.screens.palette import Guides, Palette

    return host.app.push_screen(Palette([Guides], placeholder="Which guide?"))


def progress(host: Host) -> Awaitable[object]:
    """Open what was seen and solved of the course."""
    from llm_linalg.lessons.reader import catalog
    from tui.render.progress_text import NextStop, next_lines, progress_lines
    from tui.screens.pager import Pager
    from tui.widgets.row_widget import glyphs_of

    learner, there = host.session.learner, next_exercise(host.session).view
    solved = learner.progress.of(there.lesson.slug)
    is_left = there.at_stop.exercise is not None and (solved is None or there.stop not in solved.solved)
    nearest = NextStop(there.lesson, there.at_stop) if is_left else None
    ways = [*next_lines(catalog(), learner.progress, brief=learner.is_brief, nearest=nearest)]
    ways += ["P practises what you have seen, and E makes a stop's program your own."]
    ways += ["A model of yours: llm-linalg trace (F2, the guide trace)."]
    lines = [*progress_lines(catalog(), learner.progress, glyphs_of(host.page), ways)]
    lines += ["", "V leaves out stops marked More."]
    lines += ["llm-linalg progress --reset forgets all of this."]

    def rows(width: int) -> list[Row]:
        return [row(piece) for line in lines for piece in (wrap(line, width) if line in ways else [line])]

    return host.app.push_screen(Pager("Progress", rows))


def help_(host: Host) -> Awaitable[object]:
    """Open the keys that work now."""
    from tui.screens.pager import Pager, help_rows, wrap_help
    from tui.widgets.row_widget import glyphs_of

    own = [control for control in host.session.view.lesson.controls if control.key]
    listed = listed_commands(host.input.live(), host.session.digits)
    rows = help_rows(listed, own, glyphs_of(host.page))
    return host.app.push_screen(Pager("Keys that work now", partial(wrap_help, rows)))


def text(host: Host) -> Awaitable[object] | None:
    """Open the program and the text in full."""
    from tui.panes.text_pane import whole_text
    from tui.screens.pager import Pager

    picture = host.page.picture
    if picture is None:
        return None
    title = host.session.view.lesson.title
    return host.app.push_screen(Pager(title, lambda width: whole_text(picture, width)))


def practice(host: Host) -> Awaitable[object] | None:
    """Ask questions without end, of what was seen, or of all of the course."""
    from tui.screens.practice_screen import PracticeScreen, practice_of, whole_practice

    def open_stop(slug: str, number: int) -> None:
        host.do(f"open:{slug}")
        host.do(f"stop:{number}")

    seen = host.session.learner.progress.seen_stops
    return host.app.push_screen(PracticeScreen(partial(practice_of, seen), whole_practice, open_stop))


def ask_trust(host: Host) -> Awaitable[object] | None:
    """Ask whether what is shown may run with the user's rights; the playground's own text just runs."""
    from tui.screens.consent import FOLDER, ConsentScreen

    view, talk = host.session.view, host.session.talk
    if is_playground(view.lesson):
        host.do("trust:once")
        return None
    file = file_to_trust(view)

    def decide(answer: str | None) -> None:
        if answer is None:
            return
        host.do("trust:once")
        if answer == FOLDER and file is not None:
            lost = TrustedFolders(host.options.state_file.folder).add(file)
            host.tell(
                f"Trusted until the app ends alone: {lost}."
                if lost
                else "This folder is trusted from now on."
            )

    title = view.lesson.title if talk is None else talk.deck.title
    return host.app.push_screen(ConsentScreen(title, file), decide)


COMMANDS: dict[str, AppCommand] = {
    "redraw": redraw,
    "suspend": suspend,
    "palette": palette,
    "theme": theme,
    "door.theme": theme,
    "copy.code": copy_code,
}
ABOVE: dict[str, AppCommand] = {
    "edit.examples": examples,
    "stage.index": index,
    "help": help_,
    "edit.help": help_,
    "door.help": help_,
    "text": text,
    "guides": guides,
    "practice": practice,
    "progress": progress,
    "copy.command": copy_command,
    "trust.ask": ask_trust,
}
"""Commands that open a screen above the explorer: of two keys of one moment the first does."""
