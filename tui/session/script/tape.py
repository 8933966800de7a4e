"""The recording and the playing of a script in the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.session.script.script_reader import Script


class Tape(NamedTuple):
    """The script to record, and the one to play.

    Attributes:
        record: The file in which the session is saved as a script at the end, if one is given.
        script: The script to play until a key is pressed.
        tempo: How many times faster than written.
    """

    record: str | None = None
    script: Script | None = None
    tempo: float = 1.0
