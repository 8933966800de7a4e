"""Play a script in the app: each line once the picture before has stood long enough."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tui.screens.host import Host
from tui.session.script.actions import seconds
from tui.session.script.script_reader import PACE, Script, ScriptError, ScriptLine
from tui.session.script.script_recorder import ScriptRecorder
from tui.session.script.script_words import perform_word
from tui.session.session import Session

if TYPE_CHECKING:
    from textual.timer import Timer

SHORTEST = 0.001  # seconds: a timer needs some


class ScriptPlayer:
    """One script at work. There is a timer only while a picture stands.

    Attributes:
        tempo: how many times faster than written.
    """

    def __init__(self, host: Host, recorder: ScriptRecorder, script: Script, tempo: float = 1.0) -> None:
        self.tempo = tempo
        self._host = host
        self._recorder = recorder
        self._script = script
        self._lines = deque(script.body)
        self._line = self._lines[0]  # the one whose picture stands
        self._timer: Timer | None = None

    @property
    def active(self) -> bool:
        """Whether there is something left of the script."""
        return bool(self._lines) or self._timer is not None

    def follow(self) -> None:
        """Let what was drawn stand for its time, if it is what the last line asked for."""
        if not self.active or self._timer is not None:
            return
        if self._host.is_settled and not self._host.session.player.playing:
            self._timer = self._host.set_timer(max(SHORTEST, _time(self._line) / self.tempo), self._next)

    def take_over(self) -> bool:
        """Leave the rest of the script to the user, at a key or a click; return whether there was any."""
        if not self.active:
            return False
        self._end()
        self._host.pause()
        self._host.tell(f"The script was left at line {self._line.number}: it is your turn.")
        return True

    def _end(self) -> None:
        self._lines.clear()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _next(self) -> None:
        self._timer = None
        if not self._host.is_settled:
            self.follow()
            return
        self._host.update_session(self.after(self._host.session))

    def after(self, session: Session) -> Session:
        """Return the session after the next line."""
        self._line = line = self._lines.popleft()
        try:
            with self._script.errors_at(line):
                for words in line.acts:
                    before, session = session, perform_word(session, words)
                    self._recorder.add_words(before, words, session)
        except ScriptError as error:
            self._end()
            return session.with_notice(str(error))
        return session if self._lines else session.with_notice("The script is over: it is your turn.")


def _time(line: ScriptLine) -> float:
    """Return how long the picture of a line stands."""
    waits = [seconds(words[1:]) for words in line.acts if words[0] == "wait"]
    only = bool(waits) and len(waits) == len(line.acts)
    return sum(waits) + (0.0 if only else PACE)
