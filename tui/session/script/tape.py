"""What the app records, and what it plays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.session.script.script_reader import Script


class Tape(NamedTuple):
    """Recording and playing.

    Attributes:
        record: the file to which what is done is written as a script at the end; none unless given.
        script: what is played until a key is pressed.
        tempo: how many times faster than written.
    """

    record: str | None = None
    script: Script | None = None
    tempo: float = 1.0
