"""A page on which what is done is written down as a script, and on which a script is played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from tui.commands import run
from tui.screens.devices import Processes
from tui.script.recorder import Recorder
from tui.script.saving import GIVEN, save
from tui.script.tape import Tape
from tui.session import Session

if TYPE_CHECKING:
    from tui.drafts import Drafts
    from tui.frame import Frame
    from tui.screens.script_player import Conductor

ONLY_STOP = ("space", "escape")
"""Keys that stop a script and do no more; every other also does what it does."""


class Taped(Processes):
    """A page with a recorder, and with a conductor while a script is played."""

    def __init__(self, session: Session, drafts: Drafts | None = None, tape: Tape | None = None) -> None:
        super().__init__(drafts)
        self.session = session
        self.recorder = Recorder(session.view, session.talk)
        self.tape = tape or Tape()
        self.conductor: Conductor | None = None
        if self.tape.script is not None:
            from tui.screens.script_player import Conductor

            self.conductor = Conductor(self, self.tape.script, self.tape.tempo)
            self.session = self.conductor.after(session)

    @property
    def tempo(self) -> float:
        """How many times faster than its own speed the player plays."""
        return 1.0 if self.conductor is None else self.conductor.tempo

    @property
    def settled(self) -> bool:
        """Whether what was asked for is what is shown."""
        raise NotImplementedError

    def tell(self, notice: str) -> None:
        """Says something in the footer."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stops the player."""
        raise NotImplementedError

    def show_picture(self, session: Session, frame: Frame | None, waiting: str, prompt: str | None) -> None:
        """Hands one picture to every pane; a script that is played goes on when it has stood its time."""
        super().show_picture(session, frame, waiting, prompt)
        if self.conductor is not None:
            self.conductor.follow()

    def do(self, command: str) -> None:
        """Does a command of `tui.commands`, and notes it."""
        before = self.session
        after = run(before, command)
        self.recorder.note(before, command, after)
        self.update_session(after)

    def take_over(self) -> bool:
        """From here on no script plays; whether one did."""
        conductor, self.conductor = self.conductor, None
        return conductor is not None and conductor.take_over()

    async def on_key(self, event: events.Key) -> None:
        """Any key takes over from a script."""
        if self.take_over() and event.key in ONLY_STOP:
            event.stop()
            event.prevent_default()
            return
        await self.on_own_key(event)

    async def on_own_key(self, event: events.Key) -> None:
        """A key while no script is played."""

    def save_script(self) -> None:
        """Writes what was done so far as a script, because it was asked for."""
        if self.session.view.lesson.given is not None:
            self.tell(f"{GIVEN[0].upper()}{GIVEN[1:]}.")
        else:
            self.tell(self._saved())

    def _saved(self) -> str:
        talk = self.session.talk
        name = self.session.view.lesson.slug if talk is None else talk.name
        return save(self.recorder.text(self.session), self.tape.record, name)

    def on_unmount(self) -> None:
        """What was done to the end is written, where that was asked for. The workbench keeps its own."""
        if self.tape.record is not None:
            self._saved()
