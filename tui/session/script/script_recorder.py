"""Recording a session as a script that does the same again."""

from __future__ import annotations

from pathlib import Path

from tui.model.view import END, View
from tui.model.view_words import arguments
from tui.session.commands import Unwritten, find_command
from tui.session.decks import deck_word
from tui.session.presentation.state import Talk
from tui.session.script.from_command import position
from tui.session.script.opening import relative_path
from tui.session.script.saving import NO_SCRIPT, save_script
from tui.session.script.tokens import Words, line_of
from tui.session.session import Session

MOST = 20_000  # lines: a session that says more is recorded up to there
REPEATABLE = ("next", "back")
PLAY_WORDS = ("play", "rewind")


class ScriptRecorder:
    """A list of lines, to which every command is added, but nothing that follows from one by itself.

    Attributes:
        full: Whether the session had more lines than are recorded.
    """

    def __init__(self, view: View, talk: Talk | None = None) -> None:
        """Begin with a view, or with a stop of a talk."""
        self.full = False
        self._lines: list[list[Words]] = [_beginning(view) if talk is None else _entering(talk)]
        self._playing: str | None = None
        self._known: set[str] = set()  # lessons whose settings were made in this session

    def add_command(self, before: Session, command: str, after: Session) -> None:
        """Record a command that turned one session into another."""
        self._end_playing(before)
        words = words_of(before, command, after)
        self._note_settings(before, after)
        self._begin_playing(after)
        if words is not None and words[0] not in PLAY_WORDS:
            self._say(words, before)

    def _note_settings(self, before: Session, after: Session) -> None:
        """Record the settings with which a lesson opened, if they are from before this session."""
        left, opened = before.view.lesson, after.view.lesson
        if left.slug == opened.slug:
            return
        words = dict(before.learner.settings).get(opened.slug)
        if words is not None and opened.slug not in self._known:
            self._say(("settings", opened.slug, *words), before)
        self._known |= {left.slug, opened.slug}

    def add_words(self, before: Session, words: Words, after: Session) -> None:
        """Record words that were given, at the prompt or by a script, and done."""
        self._end_playing(before)
        self._begin_playing(after)
        if words[0] not in PLAY_WORDS:
            self._say(words, before)

    def text(self, now: Session, folder: Path | None = None) -> str:
        """Return the script so far, when the session is as it is now, for a file in a folder."""
        self._end_playing(now)
        self._begin_playing(now)
        lines = ([relative_path(words, folder or Path()) for words in line] for line in self._lines)
        return "".join(f"{line_of(line)}\n" for line in lines)

    def _begin_playing(self, session: Session) -> None:
        """Note that it plays from here on, if it does."""
        if session.player.playing:
            self._playing = PLAY_WORDS[session.player.direction < 0]

    def _end_playing(self, session: Session) -> None:
        """Record what was played up to here."""
        if self._playing is not None:
            self._add([(self._playing, str(position(session)))])
            self._playing = None

    def _say(self, words: Words, before: Session) -> None:
        last = self._lines[-1]
        word = words[0]
        if self.full or (word == "write" and self._replaces_last(words, before)):
            return
        if before.current is None:
            last.append(words)  # its program was not run yet: this happened at once
        elif self._counts(words, before) and len(last) == 1 and last[0][0] == word:
            last[0] = (word, str(int((*last[0], "1")[1]) + 1))
        else:
            self._add([words])

    @staticmethod
    def _counts(words: Words, before: Session) -> bool:
        """Return whether the same again is only a larger number; in a talk it may lead to another stop."""
        return before.talk is None and len(words) == 1 and words[0] in REPEATABLE

    def _replaces_last(self, words: Words, before: Session) -> bool:
        """Return whether the program written last was only a beginning of this one.

        The last one that ran well is kept: its picture stands beside one that fails.
        """
        lines = self._lines
        if len(lines[-1]) != 1 or lines[-1][0][0] != "write":
            return False
        if before.current is not None and before.current.error is None:
            if len(lines) > 1 and len(lines[-2]) == 1 and lines[-2][0][0] == "write":
                del lines[-2]
            return False
        lines[-1] = [words]
        return True

    def _add(self, line: list[Words]) -> None:
        if len(self._lines) < MOST:
            self._lines.append(line)
        else:
            self.full = True


class Recording:
    """The recording of a session, and the file that it goes to.

    Attributes:
        recorder: what writes the script.
    """

    def __init__(self, session: Session, file: str | None = None) -> None:
        """From this session on; `file` is written at the end, where one was named."""
        self.recorder = ScriptRecorder(session.view, session.talk)
        self._file = file

    def save(self, session: Session) -> str:
        """Write what was done so far, on request; say in one line how that went."""
        if session.view.lesson.external is not None:
            return f"{NO_SCRIPT[0].upper()}{NO_SCRIPT[1:]}."
        return self._save(session)[0]

    def end(self, session: Session) -> str:
        """Write what was done to the end, if a file was named at the start; return what went wrong."""
        notice, saved = ("", True) if self._file is None else self._save(session)
        return "" if saved else notice

    def _save(self, session: Session) -> tuple[str, bool]:
        name = session.view.lesson.slug if session.talk is None else session.talk.name
        return save_script(self.recorder.text(session, Path(self._file or "").parent), self._file, name)


def words_of(before: Session, text: str, after: Session) -> Words | None:
    """Return what a command did, in words; None if there is nothing that a script would have to do again.

    A choice in the sidebar, or a notice, is nothing of that kind.
    """
    if _state(before) == _state(after):
        return None
    command, (_, _, argument) = find_command(text), text.partition(":")
    if command.script is None or isinstance(command.script, Unwritten):
        return None
    if isinstance(command.script, str):
        return tuple(command.script.split())
    return command.script(before, argument, after)


def _state(session: Session) -> tuple[object, ...]:
    """Return what a script has to bring back."""
    view, history, talk = session.view, session.history, session.talk
    return (
        view, view.return_path, session.player, history.past, history.future, session.trail,
        session.selection.control, session.editor._replace(is_new_program=False), session.learner.attempts,
        () if talk is None else (talk.number, talk.history, talk.last_views, talk.black, talk.big),
    )  # fmt: skip


def _beginning(view: View) -> list[Words]:
    """Return a script's first line that opens a view."""
    return [("lesson", *("last" if word == str(END) else word for word in arguments(view)))]


def _entering(talk: Talk) -> list[Words]:
    """Return a script's first line that opens a deck."""
    at = () if talk.number == 1 else ("--stop", str(talk.number))
    return [("deck", deck_word(talk.deck), *at), *([("big",)] if talk.big else [])]
