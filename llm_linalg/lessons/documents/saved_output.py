"""What a notebook has saved of a cell, as text: shown, and said to be saved, where the cell was not run.

Nothing here is computed, and no number of it is read: text is cleaned and cut, a picture is its size.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.lessons.lesson import Lesson

if TYPE_CHECKING:
    from llm_linalg.recording.cell_state import CellState

HEADING = "saved, not computed here"
MOST_OUTPUTS = 20  # of a cell
LONGEST_OUTPUT = 4_000  # characters
MOST_LINES = 60  # of an output
_LONGEST_SOURCE = 200_000  # characters that are looked at for them
_LONGEST_CAPTION = 80
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
_PICTURES = ("png", "jpeg", "gif")
_PNG = b"\x89PNG\r\n\x1a\n"


def with_saved(document: Lesson, states: Sequence[CellState]) -> tuple[CellState, ...]:
    """Return the states of a document's cells, those marked whose saved output is shown.

    It is, if the cell was not run as a whole and the notebook has one.
    """
    saved = {stop.number: bool(stop.saved) for stop in document.stops}
    return tuple(
        state._replace(saved=not state.is_whole and saved.get(state.number, False)) for state in states
    )


def saved_text(outputs: object) -> CleanText:
    """Return the outputs of a notebook's cell as text below a line that says what they are.

    What is broken is left out; where nothing is left, there is no text.
    """
    some = islice(outputs, 10 * MOST_OUTPUTS) if isinstance(outputs, list) else ()
    shown = [text for value in some if isinstance(value, dict) and (text := _output_text(value))]
    return clean("\n".join([f"{HEADING}:", *shown[:MOST_OUTPUTS]]), None, lines=True) if shown else NOTHING


def _output_text(value: Mapping[str, Any]) -> str:
    kind = value.get("output_type")
    if kind == "stream":
        return _shown(_joined(value.get("text")))
    if kind == "error":
        name, message = (_joined(value.get(key)) for key in ("ename", "evalue"))
        return _shown(f"{name}: {message}") if name else ""
    data = value.get("data")
    if not isinstance(data, dict):
        return ""
    plain = _joined(data.get("text/plain"))
    for name in _PICTURES:
        if f"image/{name}" in data:
            caption = clean(_COLOURS.sub("", plain), _LONGEST_CAPTION)
            words = f"a picture{_size(data[f'image/{name}'])} ({name})"
            return f"{words}: {caption}" if caption else words
    return _shown(plain)


def _joined(value: object) -> str:
    """Return a text of a notebook, which may be a list of lines; cut, and empty if it is something else."""
    parts = value if isinstance(value, list) else [value]
    return "".join(part for part in parts if isinstance(part, str))[:_LONGEST_SOURCE]


def _shown(text: str) -> str:
    """Return a text as a terminal shows it: a line that was written over is shown as it was left."""
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.rstrip("\n").split("\n")]
    more = f"\n… {len(lines) - MOST_LINES:,} more lines" if len(lines) > MOST_LINES else ""
    kept = _COLOURS.sub("", "\n".join(lines[:MOST_LINES]))
    return clean(kept, LONGEST_OUTPUT, lines=True) + more


def _size(picture: object) -> str:
    """Return the size that stands at the beginning of a PNG, in base64; empty for any other picture."""
    with suppress(ValueError):
        header = base64.b64decode("".join(_joined(picture)[:100].split())[:64])
        if header.startswith(_PNG) and len(header) >= 24:
            return f" of {int.from_bytes(header[16:20])} × {int.from_bytes(header[20:24])} pixels"
    return ""
