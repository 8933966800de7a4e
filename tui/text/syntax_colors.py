"""Find the keywords, library names, numbers, strings and comments of a program's text.

Python's own tokenizer gives up on a text that is broken, and a text that somebody types is broken most of the
time; this reads line by line, and is wrong at most about the string that was not closed.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from typing import NamedTuple

LIBRARY = frozenset({"torch", "nn", "F", "math"})
_BUILT_IN = frozenset(name for name in dir(builtins) if name.islower() and not name.startswith("_"))
_TOKEN = re.compile(
    r"(?P<comment>#.*)"
    r"|(?P<string>[rRbBfFuU]{0,2}(?:'''|\"\"\"|'(?:\\.|[^'\\])*'?|\"(?:\\.|[^\"\\])*\"?))"
    r"|(?P<number>(?:0[xXbBoO][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?j?))"
    r"|(?P<name>[^\W\d]\w*)"
)


class Token(NamedTuple):
    """A part of a line, in characters, and the role in which it is drawn."""

    start: int
    end: int
    role: str


def tokens(lines: Sequence[str]) -> list[list[Token]]:
    """Return the tokens of each line that are drawn in a role of their own."""
    by_line: list[list[Token]] = []
    quotes = ""  # those that an open string of several lines waits for
    for line in lines:
        made: list[Token] = []
        at = 0
        if quotes:
            at, quotes = _closing(line, 0, quotes)
            made.append(Token(0, at, "string"))
        while match := _TOKEN.search(line, at):
            kind, start, at = str(match.lastgroup), match.start(), match.end()
            text = match[0]
            if kind == "string" and text[-3:] in ("'''", '"""') and len(text) <= 5:
                at, quotes = _closing(line, at, text[-3:])
            role = _name(text, line, start, at) if kind == "name" else kind
            if role:
                made.append(Token(start, at, role))
        by_line.append(made)
    return by_line


def _closing(line: str, at: int, quotes: str) -> tuple[int, str]:
    """Return where a string of several lines ends on a line, and the quotes that it still waits for."""
    end = line.find(quotes, at)
    return (len(line), quotes) if end < 0 else (end + 3, "")


def _name(text: str, line: str, start: int, end: int) -> str:
    if keyword.iskeyword(text):
        return "keyword"
    if line[:start].rstrip().endswith("."):
        return "call" if line[end:].lstrip().startswith("(") else ""
    return "call" if text in LIBRARY or text in _BUILT_IN else ""
