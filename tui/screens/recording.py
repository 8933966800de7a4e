"""Record what is done in the app as a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.session.script.saving import NO_SCRIPT, save_script
from tui.session.script.script_recorder import ScriptRecorder

if TYPE_CHECKING:
    from tui.session.session import Session


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
        told, saved = ("", True) if self._file is None else self._save(session)
        return "" if saved else told

    def _save(self, session: Session) -> tuple[str, bool]:
        name = session.view.lesson.slug if session.talk is None else session.talk.name
        return save_script(self.recorder.text(session, Path(self._file or "").parent), self._file, name)
