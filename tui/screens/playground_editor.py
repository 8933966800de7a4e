"""The playground's editor on the page: its focus, what is typed, and the draft that is kept."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING

from tui.files.drafts import Drafts
from tui.layout.pane_sizes import PaneSizes, Picture
from tui.navigation.playground import LONGEST, is_playground
from tui.panes.program_pane import ProgramPane
from tui.screens.host import Host
from tui.session.session import Session

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.widgets.editor import Editor

IDLE = 1.0  # seconds after which what was typed is kept


class PlaygroundEditor:
    """The editor of the playground's program.

    Attributes:
        widget: the editor itself, once the playground was open.
    """

    def __init__(self, host: Host, drafts: Drafts) -> None:
        self.widget: Editor | None = None
        self._host = host
        self._drafts = drafts
        self._program: str | None = None  # the playground's, as it was last
        self._anew = False  # whether it is not the one that was kept
        self._warned: str | None = None  # of that it isn't saved in its file
        self._unkept: str | None = None
        self._keeping: Timer | None = None
        self._lock = Lock()  # of what is kept, which a thread does
        self._told = ""  # how it went with the draft that was kept last: empty is well
        self._said = ""  # what was said of that: the same is not said twice

    @property
    def is_settled(self) -> bool:
        """Whether what was typed was handed on."""
        return self.widget is None or self.widget.is_settled

    @property
    def open(self) -> bool:
        """Whether the playground is what is seen."""
        return is_playground(self._host.session.view.lesson)

    # On the page.

    def arrange(self, session: Session, room: PaneSizes) -> None:
        """Put the editor in the program's place, or beside everything, while the playground is open."""
        here = is_playground(session.view.lesson)
        page, host = self._host.page, self._host
        if here and self.widget is None:
            from tui.widgets.editor import Editor

            self.widget = Editor(session.view.program)
            page.query_one("#main").mount(self.widget, before=0)
        widget = self.widget
        if widget is None:
            return
        if here:
            self._follow(session)
        page.query_one(ProgramPane).display = not here
        widget.display = here
        widget.set_class(room.beside > 0, "-beside")
        widget.styles.width = room.beside or "100%"
        widget.styles.height = "100%" if room.beside else room.program
        if not here or not session.editor.is_open:
            if host.focused is widget:
                host.set_focus(None)
        elif host.focused is not widget:
            widget.focus()

    def show_picture(self, picture: Picture) -> None:
        """Show what the program's run gave beside its lines, while the playground is open."""
        if self.widget is not None and is_playground(picture.session.view.lesson):
            self.widget.show_picture(picture)

    # What is typed.

    def take_text(self, event: Editor.Typed) -> None:
        """Run the program that was typed, and keep it; with the user's rights at ↵ alone."""
        self._host.do(f"write:{event.line}:{event.text}")
        if event.entered:
            self._host.do("trust:once")
        if event.cut:
            self._host.tell(f"A program has {LONGEST:,} characters at most: it was cut.")
        self._changed(event.text)

    def flush(self) -> None:
        """Take over what was typed a moment ago."""
        typed = self.widget.flush() if self.widget is not None else None
        if typed is not None:
            self.take_text(typed)

    def take_line(self, event: Editor.Moved) -> None:
        """Show the operation of another line; a click gives the editor the keys."""
        if self.widget is not None and self.widget.has_focus and self.open:
            self._host.do(f"line:{event.line}")

    def undo(self) -> None:
        """Take the last change of the text back."""
        if self.widget is not None:
            self.widget.undo()

    def redo(self) -> None:
        """Make the change again that was taken back."""
        if self.widget is not None:
            self.widget.redo()

    # What is kept.

    def _follow(self, session: Session) -> None:
        """Keep a program that a repair has changed, or what took one back, and not what was only begun."""
        program = session.view.program
        if self._program is None:
            self._anew = self._drafts.load() not in (None, program)
        elif program != self._program and not session.editor.is_new_program:
            self._changed(program)
        self._program, self._anew = program, self._anew or session.editor.is_new_program

    def _changed(self, program: str) -> None:
        self._program = self._unkept = program
        if self._keeping is None:
            self._keeping = self._host.set_timer(IDLE, self._keep)

    def blocks_leaving(self) -> bool:
        """Return whether what was typed would be lost, and say so; once for each program."""
        self.flush()
        program = self._program
        if program is None or program == self._warned:
            return False
        if not self._drafts.holds(program):
            self._host.tell("Not saved: ^s in the editor saves; again leaves.")
        elif not self._keep_now():
            self._said = self._told
            self._host.tell(f"{self._told} Again leaves.")
        else:
            return False
        self._warned = program
        return True

    def _keep(self) -> None:
        self._keeping = None
        self._host.run_worker(self._keep_draft, group="keep", exclusive=True)

    async def _keep_draft(self) -> None:
        await asyncio.to_thread(self._keep_now)
        if self._told not in ("", self._said):
            self._host.tell(self._told)
        self._said = self._told

    def _keep_now(self) -> bool:
        """Keep what is not kept yet; whether nothing is left to be kept."""
        with self._lock:
            text, anew = self._unkept, self._anew
            if text is None:
                return True
            self._unkept, self._anew = None, False
            try:
                self._told = self._drafts.keep(text, anew=anew)
            except OSError as error:
                self._told = f"The program is not kept: {error.strerror or error}."
                self._put_back(text, anew=anew)
                return False
            return True

    def _put_back(self, text: str, *, anew: bool) -> None:
        """Take what could not be kept for what is not kept yet, unless more was typed meanwhile."""
        if self._unkept is None:
            self._unkept, self._anew = text, anew or self._anew

    def save(self) -> None:
        """Save on request."""
        self.flush()
        if self.open:
            with self._lock:
                notice, done = self._drafts.save(self._host.session.view.program, anew=self._anew)
                if done:
                    self._unkept, self._anew = None, False
            self._host.tell(notice)

    def end(self) -> str:
        """Keep the last words too; return what went wrong."""
        typed = self.widget.flush() if self.widget is not None else None
        if typed is not None:
            self._unkept = typed.text
        return "" if self._keep_now() else self._told
