"""Splitting lines of a script into words: at spaces and semicolons, with quotes where needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from llm_linalg.base.spelling import quote
from tui.model.usage_error import UsageError

Words = tuple[str, ...]
"""One act: a word and what follows it."""

AT_ONCE = ";"
COMMENT = "#"
_BARE = re.compile(rf'[^\s"{COMMENT}{AT_ONCE}][^\s{AT_ONCE}]*')
_TOKEN = re.compile(rf"[^\s{AT_ONCE}]+")
_STRING = json.JSONDecoder()


def acts(line: str) -> list[Words]:
    r"""Split a line into acts, parted by semicolons, each a word and what follows it.

    A word in double quotes is read as in JSON, so that it may hold spaces and `\n`. What follows a `#`
    that begins a word is a comment. Raises UsageError for quotes that don't close.
    """
    lines: list[list[str]] = [[]]
    for token in _tokens(line):
        if token is None:
            lines.append([])
        else:
            lines[-1].append(token)
    return [tuple(words) for words in lines if words]


def _tokens(line: str) -> Iterator[str | None]:
    """Return the words of a line; None stands for a semicolon."""
    place = 0
    while place < len(line):
        if line[place].isspace():
            place += 1
        elif line[place] == AT_ONCE:
            yield None
            place += 1
        elif line[place] == COMMENT:
            return
        elif line[place] == '"':
            text, place = _string(line, place)
            yield text
        else:
            match = _TOKEN.match(line, place)
            place = place if match is None else match.end()
            yield match[0] if match else ""


def _string(line: str, place: int) -> tuple[str, int]:
    try:
        text, end = _STRING.raw_decode(line, place)
    except json.JSONDecodeError:
        raise UsageError(f"no text in double quotes: {quote(line[place:])}") from None
    return str(text), end


def text_of(words: Sequence[str]) -> str:
    """Return an act as it is written: `acts` reads the same from it."""
    return " ".join(
        word if word.isprintable() and _BARE.fullmatch(word) else json.dumps(word) for word in words
    )


def line_of(phrases: Sequence[Words]) -> str:
    """Return acts that happen at once, as a line."""
    return f"{AT_ONCE} ".join(map(text_of, phrases))
