"""JSON: one object with the frames as `frame --format json` has them, and how long each stands."""

from __future__ import annotations

import json

from tui.export.format import Export, Format, Shot, Write


class JsonWriter:
    """Writes the object, a frame a line."""

    def __init__(self, export: Export, write: Write) -> None:
        self._write = write
        self._first = True
        write(f'{{"format": 1, "title": {json.dumps(export.title, ensure_ascii=False)}, "frames": [')

    def add(self, shot: Shot) -> None:
        """Write the next frame."""
        from tui.render.json_text import frame_object

        facts = {"seconds": round(shot.seconds, 3), **frame_object(shot.frame())}
        line = json.dumps(facts, ensure_ascii=False, allow_nan=False)
        self._write(f"{'' if self._first else ','}\n{line}")
        self._first = False

    def end(self) -> None:
        """Close the object."""
        self._write("\n]}\n")


FORMAT = Format("json", (".json",), "every picture's numbers", JsonWriter)
