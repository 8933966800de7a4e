"""JSON for people's programs: one value a line, with nothing in it that a terminal would obey."""

from __future__ import annotations

import json

from llm_linalg.base.text import CleanText, escape_json


def json_text(value: object, *, spaces: bool = True) -> CleanText:
    """Return a value as JSON on one line, without a line break; a float that is no number is a ValueError."""
    separators = None if spaces else (",", ":")
    return escape_json(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=separators))


def json_line(value: object) -> CleanText:
    """Return a value as a line of JSON."""
    return escape_json(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
