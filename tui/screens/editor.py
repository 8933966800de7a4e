"""The page with the playground's editor in it: who has the keys, what is typed, what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from tui.drafts import Drafts
from tui.panes.program import Program
from tui.picture import Sizes
from tui.playground import LONGEST, is_playground
from tui.screens.page import Page, Pane
from tui.session import Session

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.widgets.editor import Editor

IDLE = 1.0  # seconds after which what was typed is kept


class Workbench(Page):
    """A page whose program can be edited."""

    session: Session

    def __init__(self, drafts: Drafts | None = None) -> None:
        super().__init__()
        self.drafts = drafts or Drafts()
        self.editor: Editor | None = None
        self._program: str | None = None  # the playground's, as it was last
        self._anew = False  # whether it is another one than was kept
        self._warned: str | None = None  # of that it isn't saved in its file
        self._unkept: str | None = None
        self._keeping: Timer | None = None
        self._told = False

    def update_session(self, session: Session) -> None:
        """Takes a session over."""
        raise NotImplementedError

    def do(self, command: str) -> None:
        """Does a command of `tui.commands`."""
        raise NotImplementedError

    # The editor on the page.

    def panes(self) -> Iterator[Pane]:
        """The panes that show pictures."""
        yield from super().panes()
        if self.editor is not None and is_playground(self.session.view.lesson):
            yield self.editor

    def arranged(self, session: Session, room: Sizes) -> None:
        """The editor stands in the program's place, or beside everything, while the playground is open."""
        here = is_playground(session.view.lesson)
        if here and self.editor is None:
            from tui.widgets.editor import Editor

            self.editor = Editor(session.view.program)
            self.query_one("#main").mount(self.editor, before=0)
        editor = self.editor
        if editor is None:
            return
        if here:
            self._follow(session)
        self.query_one(Program).display = not here
        editor.display = here
        editor.set_class(room.beside > 0, "-beside")
        editor.styles.width = room.beside or "100%"
        editor.styles.height = "100%" if room.beside else room.program
        if not here or not session.editing:
            if self.focused is editor:
                self.set_focus(None)
        elif self.focused is not editor:
            editor.focus()

    def on_editor_typed(self, event: Editor.Typed) -> None:
        """Another program."""
        event.stop()
        self._typed(event)

    def _typed(self, event: Editor.Typed) -> None:
        self.do(f"write:{event.line}:{event.text}")
        if event.cut:
            self.update_session(
                self.session.told(f"A program has {LONGEST:,} characters at most: it was cut.")
            )
        self._changed(event.text)

    def flush(self) -> None:
        """Takes over what was typed a moment ago."""
        typed = self.editor.flush() if self.editor is not None else None
        if typed is not None:
            self._typed(typed)

    def on_editor_moved(self, event: Editor.Moved) -> None:
        """The operation of another line is shown; a click gives the editor the keys."""
        event.stop()
        if self.editor is not None and self.editor.has_focus and is_playground(self.session.view.lesson):
            self.do(f"line:{event.line}")

    def unwrite(self) -> None:
        """Takes the last change of the text back."""
        if self.editor is not None:
            self.editor.undo()

    def rewrite(self) -> None:
        """Makes the change again that was taken back."""
        if self.editor is not None:
            self.editor.redo()

    # What is kept.

    def _follow(self, session: Session) -> None:
        """Keeps a program that a repair has changed, or what took one back, and not what was only begun."""
        program = session.view.program
        if self._program is None:
            self._anew = self.drafts.load() not in (None, program)
        elif program != self._program and not session.begun:
            self._changed(program)
        self._program, self._anew = program, self._anew or session.begun

    def _changed(self, program: str) -> None:
        self._program = self._unkept = program
        if self._keeping is None:
            self._keeping = self.set_timer(IDLE, self._keep)

    def unsaved(self) -> bool:
        """Whether a file's program was changed and not saved; that is told once of each."""
        self.flush()
        program = self._program
        if program is None or program == self._warned or self.drafts.holds(program):
            return False
        self._warned = program
        self.update_session(self.session.told("Not saved: ^s in the editor saves; again leaves."))
        return True

    def _keep(self) -> None:
        self._keeping = None
        self.run_worker(self._kept(), group="keep", exclusive=True)

    async def _kept(self) -> None:
        text, anew = self._unkept, self._anew
        if text is None:
            return
        self._unkept, self._anew = None, False
        kept = await asyncio.to_thread(partial(self.drafts.keep, text, anew=anew))
        if not kept and not self._told:
            self._told = True
            self.update_session(self.session.told("This folder can't be written: the program is not kept."))

    def save(self) -> None:
        """Saves because it was asked for."""
        self.flush()
        if is_playground(self.session.view.lesson):
            program = self.session.view.program
            told = self.drafts.save(program, anew=self._anew)
            self._unkept, self._anew = None, False
            self.update_session(self.session.told(told))

    def on_unmount(self) -> None:
        """The last words are kept too."""
        typed = self.editor.flush() if self.editor is not None else None
        text = self._unkept if typed is None else typed.text
        if text is not None:
            self.drafts.keep(text, anew=self._anew)
