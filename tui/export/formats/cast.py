"""asciicast v3, the format of docs.asciinema.org: what a terminal is sent, with the time between."""

from __future__ import annotations

from tui.export.format import Export, Format, Shot, Write
from tui.text.json_line import json_line

CLEAR = "\x1b[?25l\x1b[0m\x1b[2J\x1b[H"
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
        self._wait = 0.0
        self._start = CLEAR
        columns, rows = export.size
        theme = THEMES[export.theme]
        term: dict[str, object] = {"cols": columns, "rows": rows, "type": "xterm-256color"}
        if not theme.colourless:
            foreground, _, background = theme.base.partition(" on ")
            term["theme"] = {"fg": foreground, "bg": background, "palette": ":".join(BASIC)}
        self._line({"version": 3, "term": term, "title": export.title})

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
        """Write the event that ends the recording."""
        self._event("x", "0")

    def _event(self, code: str, data: str) -> None:
        """Write one event, with the time since the one before."""
        self._line([round(self._wait, 3), code, data])
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
