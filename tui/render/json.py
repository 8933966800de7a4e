"""A frame as one line of JSON."""

from __future__ import annotations

import json

from tui.frame import Frame


def to_json(frame: Frame) -> str:
    """The frame's object on a line of its own; NaN and infinities are strings in it."""
    return json.dumps(frame.json(), ensure_ascii=False, allow_nan=False) + "\n"
