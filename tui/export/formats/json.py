"""JSON: one object with the frames as `frame --format json` has them, and how long each stands."""

from __future__ import annotations

from llm_linalg.base.text import clean_lines
from tui.export.format import Export, Format, Shot, Write
from tui.text.json_line import json_text


class JsonWriter:
    """Writes the object, a frame a line."""

    def __init__(self, export: Export, write: Write) -> None:
        self._write = write
        self._first = True
        write(clean_lines(f'{{"format": 1, "title": {json_text(export.title)}, "frames": ['))

    def add(self, shot: Shot) -> None:
        """Write the next frame."""
        from tui.render.json_text import frame_object

        facts = {"seconds": round(shot.seconds, 3), **frame_object(shot.frame())}
        self._write(clean_lines("\n" if self._first else ",\n"))
        self._write(json_text(facts))
        self._first = False

    def end(self) -> None:
        """Close the object."""
        self._write(clean_lines("\n]}\n"))


FORMAT = Format("json", (".json",), "every picture's numbers", JsonWriter)
