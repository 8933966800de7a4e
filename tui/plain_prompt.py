"""The session at a prompt: read a line, do what it says, print the frame. Nothing moves the cursor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.api.trust import trust_everything
from llm_linalg.base.errors import RoomError
from llm_linalg.base.text import CleanText, clean, clean_lines
from llm_linalg.lessons.lesson import LessonError
from tui.compose.error_frame import NOT_LOCKED
from tui.compose.torch_code import torch_code
from tui.files.output import is_terminal
from tui.model.device_processes import DeviceProcesses, DevicesError, job_of, verdict
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.panes.door_pane import door_words
from tui.render.plain import to_plain
from tui.session.commands import run
from tui.session.door import WAYS, at_door, bars_frame
from tui.session.exercise_commands import session_frame
from tui.session.reopening import reopening_command
from tui.session.script.playback import beats
from tui.session.script.running import ensure_run
from tui.session.script.saving import save_script
from tui.session.script.script_recorder import ScriptRecorder
from tui.session.script.script_words import find_word, help_text, perform_word
from tui.session.script.tokens import acts
from tui.session.session import Session
from tui.terminal.signals import raise_on_signals
from tui.text.glyphs import ascii_text
from tui.text.prose import words_of

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from tui.session.presentation.state import Talk

LONGEST = 10_000  # characters of a line
LARGEST = 4 * LONGEST  # bytes of a line that are looked at
HANGUP = 129
MANY = 1000  # steps that one `play` prints
TRUST = "trust"
HOW = f"The word {TRUST} runs programs with your rights, until you leave.\n"


class PlainPrompt:
    """One session at a prompt.

    Attributes:
        session: where it is.
        missed: how many lines were not understood.
        recorder: what was said, as a script.
    """

    def __init__(
        self, view: View, lessons: Sequence[Lesson], write: Callable[[CleanText], None], *,
        width: int = 80, ascii_only: bool = False, talk: Talk | None = None, seconds: float | None = None,
        asks: bool = False,
    ) -> None:  # fmt: skip
        """`write` gets every text, whole lines of it but for the prompt; programs run for so many seconds.

        With `asks` somebody is there to say whether a program may run with his rights.
        """
        started = Session.start(view, lessons)
        self._seconds, self._asks = seconds, asks
        self.session = self._run(started if talk is None else started.with_presentation(talk))
        self.recorder = ScriptRecorder(view, talk)
        self.missed = 0
        self._write = write
        self._width = width
        self._ascii = ascii_only

    def _run(self, session: Session, before: Session | None = None) -> Session:
        return ensure_run(session, before, self._seconds, shows_unlocked=self._asks)

    def say(self, text: str) -> None:
        """Write a text, cleaned, and in ASCII if that is all there is."""
        self._write(clean_lines(ascii_text(text) if self._ascii else text))

    def show(self) -> None:
        """Write the frame; of a slide, its words; or the door."""
        opened, talk = self.session.current, self.session.talk
        if self.session.door:
            frame = bars_frame(self.session, ascii_only=self._ascii)
            self.say("".join(f"{line}\n" for line in door_words(self.session.view.at_stop.title, frame)))
            opened = None
        if self.session.view.at_stop.slide and talk is not None:
            self.say(f"stop {talk.number} of {len(talk.deck.stops)}: {clean(talk.stop.title)}\n")
            self.say("".join(f"{line}\n" for line in words_of(talk.stop.at.prose, self._width)))
            opened = None
        frame = None if opened is None else session_frame(self.session, ascii_only=self._ascii)
        if frame is not None and frame.error is not None and opened is not None and opened.is_unlocked:
            frame = replace(frame, error=replace(frame.error, sentence=clean(NOT_LOCKED)))
        if frame is not None:
            self.say(to_plain(frame, self._width, place=None if talk is None else talk.place))
            if opened is not None and opened.is_unlocked:
                self.say(HOW)
        if self.session.notice:
            self.say(f"{self.session.notice}\n")

    def hear(self, line: str) -> bool:
        """Do what a line says; False if that is to leave."""
        way = next((way for way in WAYS if way.key == line.strip()), None) if self.session.door else None
        if way is not None:
            self._perform(f"door.{way.name}")
            return True
        if self._asks and line.strip() == TRUST:
            self._trust()
            return True
        try:
            for act in acts(clean(line.strip(), LONGEST)) or [("next",)]:
                if not self._do(*act):
                    return False
        except (UsageError, LessonError) as error:
            self.missed += 1
            self.say(f"{clean(str(error), LONGEST)}\n")
        except RoomError as error:
            self.missed += 1
            self.say(f"{error.message}\n{HOW if self._asks else ''}")
        return True

    def _trust(self) -> None:
        """Let every program of this session run with the user's rights."""
        trust_everything()
        unlocked = self.session.current is not None and self.session.current.is_unlocked
        self.session = self._run(replace(self.session, last_run=None) if unlocked else self.session)
        self.say("Programs run with your rights from now on, until you leave.\n")
        self.show()

    def _perform(self, command: str) -> None:
        """Do a command that is no word of scripts."""
        before = self.session
        self.session = self._run(run(before, command), before).with_progress()
        self.recorder.add_command(before, command, self.session)
        self.show()

    def _do(self, name: str, *rest: str) -> bool:
        """Do one thing; False if that is to leave."""
        word = find_word(name)
        if word.name == "quit":
            return False
        before = self.session
        done = perform_word(before, (word.name, *rest))
        self.session = self._run(done, before).with_progress()
        self.recorder.add_words(before, (word.name, *rest), self.session)
        for text in self._replies(word.name):
            self.say(text)
        if word.shows:
            self.show()
        return True

    def _replies(self, name: str) -> Iterator[str]:
        """Yield what a word says besides the frame."""
        session = self.session
        talk = session.talk
        if name == "help":
            yield help_text()
        elif name == "notes":
            notes = [] if talk is None else words_of(talk.stop.notes, self._width)
            yield "".join(f"{line}\n" for line in notes) or "There are no notes here.\n"
        elif name == "lessons" and talk is not None:
            yield from (f"{n:>3} {clean(stop.title)}\n" for n, stop in enumerate(talk.deck.stops, 1))
        elif name == "lessons":
            yield from (f"{one.slug:<14} {one.part} {clean(one.title, 60)}\n" for one in session.lessons)
        elif name == "command":
            yield f"{clean(reopening_command(session), None)}\n"
        elif name == "code":
            yield f"{clean(torch_code(session.view).rstrip(), None, lines=True)}\n"
        elif name == "processes":
            yield f"{_processes_report(session)}\n"
        elif name in ("play", "rewind"):
            yield from self._play()

    def _play(self) -> Iterator[str]:
        if not self.session.player.playing:
            yield "There is nothing to play.\n"
        for session in beats(self.session, MANY):
            self.session, opened = session, session.current
            if opened is not None:
                frame = opened.frame(self.session.view, ascii_only=self._ascii)
                formula = " ".join(" ".join(frame.captions.formula_text).split())
                yield f"step {frame.place.step} of {frame.place.steps}: {formula}\n"


def _processes_report(session: Session) -> str:
    """Return the outcome of running the stop's program on real processes."""
    trace = session.current.trace if session.current is not None else None
    if trace is None:
        return "There is nothing to run."
    try:
        return verdict(DeviceProcesses(job_of(session.view)).run(), trace)[0]
    except DevicesError as error:
        return str(error)


def converse(
    view: View, lessons: Sequence[Lesson], *, width: int, ascii_only: bool, notice: str = "",
    talk: Talk | None = None, record: str | None = None, seconds: float | None = None, door: bool = False,
) -> tuple[Session | None, int]:  # fmt: skip
    """Read standard input to its end; then write what was said to the file `record` as a script.

    Returns the session that somebody at a terminal left, of a script None; and the exit code: 1 if a script
    said what can't be done, as any script's reader wants to know.
    """
    from tui.files.output import say, write

    typed = is_terminal(sys.stdin)
    plain = PlainPrompt(
        view, lessons, write, width=width, ascii_only=ascii_only, talk=talk,
        seconds=seconds if typed else None,  # what a script writes depends on no clock
        asks=typed,
    )  # fmt: skip
    if door:
        plain.session = ensure_run(at_door(plain.session), seconds=seconds, shows_unlocked=True)
    plain.session = plain.session.with_notice(notice or plain.session.notice)
    opened = plain.session.current
    if view.lesson.document and talk is None and not (opened is not None and opened.is_unlocked):
        from tui.compose.view_runner import survey

        plain.session = plain.session.with_survey(survey(view, seconds=seconds))
    code = 0
    try:
        with raise_on_signals() if typed else nullcontext():
            plain.show()
            _hear_lines(plain, "> " if typed else "", write)
    except SystemExit as end:  # what there is to keep is kept
        code = end.code if isinstance(end.code, int) else 1
    if record is not None:
        name = view.lesson.slug if talk is None else talk.name
        outcome, saved = save_script(plain.recorder.text(plain.session, Path(record).parent), record, name)
        say(outcome)
        code = code if saved else code or 1
        if not typed and not saved:
            return None, 1
    return (plain.session, code) if typed else (None, int(plain.missed > 0))


def _hear_lines(plain: PlainPrompt, prompt: str, write: Callable[[CleanText], None]) -> None:
    """Hear lines until one of them is to leave, or there are no more."""
    for line in lines(prompt, write):
        if not plain.hear(line):
            return
    write(clean_lines("\n" if prompt else ""))


def lines(prompt: str, write: Callable[[CleanText], None]) -> Iterator[str]:
    """Yield lines as they come; what is no UTF-8 is replaced."""
    if sys.stdin is None:
        return
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as source:
        while True:
            if prompt:
                write(clean(prompt))
            try:
                line = source.readline(LARGEST)
                rest = line
                while len(rest) == LARGEST and not rest.endswith(b"\n"):  # one line, however long, is one
                    rest = source.readline(LARGEST)
            except OSError:  # the terminal has gone
                raise SystemExit(HANGUP) from None
            if not line:
                return
            yield line.decode("utf-8", "replace")
