"""asciicast, the format of docs.asciinema.org: what a terminal is sent, and when.

Version 3 has the time since the event before, and is played by asciinema 3; version 2 has the time since the
beginning, for players before that.
"""

from __future__ import annotations

from tui.export.format import Export, Format, Shot, Write
from tui.text.json_line import json_line

TERM = "xterm-256color"
CLEAR = "\x1b[?25l\x1b[0m\x1b[2J\x1b[H"
AFTER = "\x1b[0m\x1b[{rows};1H\x1b[?25h"
"""What leaves a terminal as it was: no colours, the cursor shown, and at the left of the last row."""
PLAYERS = {3: "asciinema 3", 2: "asciinema 2 and later"}
BASIC = (
    *("#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"),
    *("#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"),
)
"""The first sixteen colours, as xterm has them: the themes use others."""


class AsciicastWriter:
    """Writes a recording, shot by shot: what differs from the one before, a marker where a stop begins."""

    def __init__(self, export: Export, write: Write) -> None:
        from tui.terminal.cell_buffer import CellBuffer
        from tui.text.themes import THEMES

        self._write = write
        self._cells = CellBuffer()
        self._cells.forget(*export.size)
        self._stop = 0
        self._wait = self._time = 0.0
        self._start = CLEAR
        self._version = export.cast_version
        columns, self._rows = export.size
        theme = THEMES[export.theme]
        colours: dict[str, object] = {}
        if not theme.colourless:
            foreground, _, background = theme.base.partition(" on ")
            colours["theme"] = {"fg": foreground, "bg": background, "palette": ":".join(BASIC)}
        about: dict[str, object]
        if self._version == 2:
            about = {"width": columns, "height": self._rows, "env": {"TERM": TERM}, **colours}
        else:
            about = {"term": {"cols": columns, "rows": self._rows, "type": TERM, **colours}}
        self._line({"version": self._version, **about, "title": export.title})

    def add(self, shot: Shot) -> None:
        """Write the next shot."""
        from rich.color import ColorSystem

        if shot.stop != self._stop:
            self._stop = shot.stop
            self._event("m", f"{shot.stop} {shot.title}")
        rows = ((y, 0, (strip,)) for y, strip in enumerate(shot.screen))
        text = self._start + self._cells.draw(rows, ColorSystem.TRUECOLOR)
        if text:
            self._event("o", text)
        self._start = ""
        self._wait += shot.seconds

    def end(self) -> None:
        """Write the events that end the recording, and leave the terminal as it was."""
        self._event("o", AFTER.format(rows=self._rows))
        if self._version > 2:
            self._event("x", "0")

    def _event(self, code: str, data: str) -> None:
        """Write one event, with the time since the one before, or since the beginning."""
        self._time += self._wait
        self._line([round(self._time if self._version == 2 else self._wait, 3), code, data])
        self._wait = 0.0

    def _line(self, value: object) -> None:
        self._write(json_line(value))


FORMAT = Format(
    "cast",
    (".cast",),
    "a terminal's recording, asciicast v3, with a marker at each stop",
    AsciicastWriter,
    screens=True,
)
