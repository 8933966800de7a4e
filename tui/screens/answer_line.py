"""The line in which an answer is written, and the verdict on it, made beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from textual.message import Message

from llm_linalg.base.errors import HaltedError, RoomError
from tui.screens.host import Host
from tui.screens.run_worker import in_thread
from tui.session.consent_commands import UNJUDGED
from tui.text.line_edit import LineEdit

if TYPE_CHECKING:
    from llm_linalg.questions.verdict import Verdict
    from tui.model.view import View

MODULES = ("torch.", "math.", "F.", "nn.")


def _warm() -> None:
    from llm_linalg.room.room_client import room

    with suppress(RoomError):  # it is said when an answer is judged
        room().warm()


class AnswerJudged(Message):
    """A verdict was made on an answer, at the view at which it was given."""

    def __init__(self, view: View, verdict: Verdict) -> None:
        super().__init__()
        self.view = view
        self.verdict = verdict


class AnswerLine:
    """The line of an answer.

    Attributes:
        edit: What is being written; None while nothing is.
    """

    def __init__(self, host: Host) -> None:
        self.edit: LineEdit | None = None
        self._command = "answer"
        self._host = host
        self._halt: Callable[[], None] = lambda: None
        self._told = False  # whether it was said that an answer which is code has the user's rights
        self._consented = False  # whether ↵ was pressed since

    def begin(self, command: str) -> None:
        """Begin to write what a command takes: an answer, where the last one was left, or a guess.

        What answers run in begins to load meanwhile.
        """
        if command == "answer":
            self._host.run_worker(partial(in_thread, _warm, Event()), group="warm", exclusive=True)
        self._command = command
        self.edit = LineEdit.of(self._host.session.attempt.answer if command == "answer" else "")

    def close(self) -> None:
        """Leave the line."""
        self.edit = None

    def paste(self, text: str) -> None:
        """Put a text in at the cursor."""
        if self.edit is not None:
            self.edit = self.edit.insert(text)

    def press(self, key: str, character: str | None) -> str | None:
        """Take a key; return the command that follows, if one does."""
        line = self.edit
        if line is None:
            return None
        if key in ("escape", "ctrl+c"):
            self.close()
        elif key == "enter":
            self.close()
            self._consented = self._told
            return f"{self._command}:{line.text}" if line.text.strip() else None
        elif key == "tab":
            self.edit = line.complete(self._names())
        else:
            self.edit = line.press(key, character)
        return None

    def _names(self) -> list[str]:
        """Return what may be completed: the names on the screen, those that the picture shows first."""
        session = self._host.session
        stop, run = session.view.at_stop, session.current
        known = [] if run is None or run.trace is None else [*run.trace.names, *run.trace.lists]
        shown = [name for name in (stop.show, *stop.beside) if name in known]
        barred = () if stop.exercise is None else stop.exercise.barred
        listed = [*shown, *known, *(name for name, _ in session.view.controls), *MODULES]
        return [name for name in listed if name not in barred]

    def follow(self) -> None:
        """Have an answer judged that waits for it; one that came before, or was left, is dropped."""
        self._halt()
        attempt = self._host.session.attempt
        if not attempt.is_pending or attempt.view is None:
            return
        view, dropped = attempt.view, Event()
        self._halt = dropped.set
        trust, self._consented = self._consented, False

        def work() -> None:
            from tui.compose.verdicts import judge_answer

            try:
                verdict = judge_answer(view, attempt.answer, dropped.is_set, trust=trust)
            except HaltedError:
                return
            self._host.post_message(AnswerJudged(view, verdict))

        async def wait() -> None:
            await in_thread(work, dropped)

        self._host.run_worker(wait, group="judge", exclusive=True)

    def tell_unlocked(self) -> str:
        """Return why an answer was not run; from now on ↵ runs one with the user's rights."""
        self._told = True
        return f"{UNJUDGED} ↵ ↵ runs it with your rights."

    def stop(self) -> None:
        """Drop what is being judged."""
        self._halt()
