"""Find out whether the terminal's background is dark or light: the question, and what an answer means."""

from __future__ import annotations

import re

QUESTION = "\x1b]11;?\x1b\\"
_ANSWER = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
# Their consoles print what they don't know, or have no background to tell of.
SILENT = ("linux", "vt", "dumb", "cygwin", "ansi")


def answers(term: str) -> bool:
    """Return whether a terminal of this name may be asked."""
    return bool(term) and not term.startswith(SILENT)


def is_light(answer: bytes) -> bool | None:
    """Return whether the background in an answer is light; None if there is none in it.

    The weights are those of Rec. 709 for the lightness that an eye sees.
    """
    match = _ANSWER.search(answer)
    if match is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in match.groups())
    lightness: float = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return lightness > 0.5
