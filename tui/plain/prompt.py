"""The session: reads a line, does what it says, prints the frame as text. Nothing moves the cursor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from llm_linalg.lesson_values import LessonError
from llm_linalg.text import clean
from tui.cli_parse import UsageError
from tui.commands import run
from tui.glyphs import ascii_text
from tui.plain.words import find, help_text
from tui.prose import words_of
from tui.render.plain import to_plain
from tui.session import Session
from tui.stage import open_view
from tui.view import View, command

if TYPE_CHECKING:
    from llm_linalg.lesson import Lesson
    from tui.talk import Talk

LONGEST = 10_000  # characters of a line
MANY = 1000  # steps that one `play` prints


class Plain:
    """One session at a prompt.

    Attributes:
        session: where it is.
        missed: how many lines were not understood.
    """

    def __init__(
        self, view: View, lessons: Sequence[Lesson], write: Callable[[str], None], *,
        width: int = 80, ascii_only: bool = False, talk: Talk | None = None,
    ) -> None:  # fmt: skip
        """`write` gets every text, whole lines of it but for the prompt."""
        started = Session.start(view, lessons)
        self.session = ran(started if talk is None else started.on(talk))
        self.missed = 0
        self._write = write
        self._width = width
        self._ascii = ascii_only

    def say(self, text: str) -> None:
        """Writes a text, in ASCII if that is all there is."""
        self._write(ascii_text(text) if self._ascii else text)

    def show(self) -> None:
        """Writes the frame; of a slide, its words."""
        opened, talk = self.session.current, self.session.talk
        if talk is not None:
            self.say(f"stop {talk.number} of {len(talk.deck.stops)}: {clean(talk.stop.title)}\n")
        if self.session.view.at_stop.slide and talk is not None:
            self.say("".join(f"{line}\n" for line in words_of(talk.stop.at.prose, self._width)))
            opened = None
        if opened is not None:
            self.say(to_plain(opened.frame(self.session.view, ascii_only=self._ascii), self._width))
        if self.session.notice:
            self.say(f"{self.session.notice}\n")

    def hear(self, line: str) -> bool:
        """Does what a line says; False if that is to leave."""
        said = clean(line.strip(), LONGEST).split() or ["next"]
        try:
            word = find(said[0])
            if word.name == "quit":
                return False
            self.session = ran(word.act(self.session.told(""), said[1:]))
            for text in self._told(word.name):
                self.say(text)
            if word.shows:
                self.show()
        except (UsageError, LessonError) as error:
            self.missed += 1
            self.say(f"{clean(str(error), LONGEST)}\n")
        return True

    def _told(self, name: str) -> Iterator[str]:
        """What a word says besides the frame."""
        session = self.session
        talk = session.talk
        if name == "help":
            yield help_text()
        elif name == "notes":
            said = [] if talk is None else words_of(talk.stop.notes, self._width)
            yield "".join(f"{line}\n" for line in said) or "There are no notes here.\n"
        elif name == "lessons" and talk is not None:
            yield from (f"{n:>3} {clean(stop.title)}\n" for n, stop in enumerate(talk.deck.stops, 1))
        elif name == "lessons":
            yield from (f"{one.slug:<14} {one.part} {clean(one.title, 60)}\n" for one in session.lessons)
        elif name == "command":
            yield f"{command(session.named)}\n"
        elif name == "code":
            opened = session.current
            code = opened.torch_code(session.view) if opened is not None else session.view.program
            yield f"{code.rstrip()}\n"
        elif name == "play":
            yield from self._played()

    def _played(self) -> Iterator[str]:
        for number in range(MANY):
            before = self.session.view
            self.session = ran(run(self.session, "forward"))
            opened = self.session.current
            if self.session.view == before or opened is None:
                yield "" if number else "That is the end: there is nothing to play.\n"
                return
            frame = opened.frame(self.session.view, ascii_only=self._ascii)
            yield f"step {frame.step} of {frame.steps}: {' '.join(' '.join(frame.formula_text).split())}\n"


def ran(session: Session) -> Session:
    """The session with its view's program run, if it was not."""
    if session.current is not None:
        return session
    return session.with_run(open_view(session.view, session.before()))


def converse(
    view: View, lessons: Sequence[Lesson], *, width: int, ascii_only: bool, notice: str = "",
    talk: Talk | None = None,
) -> tuple[View | None, int]:  # fmt: skip
    """Reads standard input to its end.

    Returns the view where somebody at a terminal left, of a script None; and the exit code: 1 if a script
    said what can't be done, as any script's reader wants to know.
    """
    from tui.cli_write import write

    typed = sys.stdin is not None and sys.stdin.isatty()
    plain = Plain(view, lessons, write, width=width, ascii_only=ascii_only, talk=talk)
    plain.session = plain.session.told(notice)
    plain.show()
    for line in lines("> " if typed else "", write):
        if not plain.hear(line):
            break
    else:
        write("\n" if typed else "")
    return (plain.session.named, 0) if typed else (None, int(plain.missed > 0))


def lines(prompt: str, write: Callable[[str], None]) -> Iterator[str]:
    """Lines as they come; what is no UTF-8 is replaced."""
    if sys.stdin is None:
        return
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as source:
        while True:
            if prompt:
                write(prompt)
            line = source.readline(4 * LONGEST)
            if not line:
                return
            yield line.decode("utf-8", "replace")
