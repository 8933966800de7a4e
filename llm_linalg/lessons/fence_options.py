"""Parse the info string in a fence's first line, and divide a fence into lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from llm_linalg.base.constants import LOOK_NAMES, MOST_RANKS, ORDER_NAMES
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import CleanText, clean, unshown
from llm_linalg.lessons.lesson import LineError
from llm_linalg.lessons.stop import FollowedCell
from llm_linalg.questions.question import FenceLine

KEYS = ("show", "order", "look", "steps", "margin", "fails", "backward", "ranks", "map", "lineage", "reach")
EXERCISE_KEYS = ("after", "without", "show", "order", "look")
FLAGS = ("fails", "backward")
MARGINS = ("sum", "mean", "max", "min")
ONE_OF = {"order": ORDER_NAMES, "look": LOOK_NAMES, "margin": MARGINS}

_PAIR = re.compile(r"""\s+([^\s="']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?""")


class ListFence(NamedTuple):
    """A fence that is read line by line: its info string, its lines, and its own line in the file."""

    info: str
    lines: tuple[FenceLine, ...]
    line: int


def list_fence(info: str, text: str, line: int, *, numbered: bool = True) -> ListFence:
    """Return a fence; one whose lines are not `numbered`, as in a notebook's cell, has one number for all."""
    lines = (FenceLine(each, line + k * numbered) for k, each in enumerate(text.split("\n"), 1))
    return ListFence(info.strip(), tuple(lines), line)


def shown_line(what: str, text: str, line: int, most: int) -> CleanText:
    """Return a text that is shown on one line; raise `LineError` for one that can't be."""
    if not text or len(text) > most:
        raise LineError(line, f"{what} is 1 to {most} characters, not {len(text)}")
    if char := unshown(text):
        raise LineError(line, f"{what} can't have {char}")
    return clean(text, None)


def parse_options(text: str, line: int, language: str = "python") -> dict[str, Any]:
    """Return the fields of a stop that a fence's info string sets; raise `LineError` for a wrong one.

    It reads `python show="mask" order="rows" steps="1-5" fails`. An exercise has `after` and `without` too,
    which are no fields of a stop.
    """
    text = text.removeprefix(language)
    keys = EXERCISE_KEYS if language == "exercise" else KEYS
    fields: dict[str, Any] = {}
    seen, at = set[str](), 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if not pair:
            raise LineError(line, f'the info string reads key="value": {quote(text[at:].strip())} does not')
        at = pair.end()
        key, value = pair[1], pair[2]
        if key not in keys:
            raise LineError(line, unknown("key", key, keys))
        if key in seen:
            raise LineError(line, f"{key} stands twice")
        seen.add(key)
        try:
            fields |= _option(key, None if value is None else value.strip("\"'").strip())
        except ValueError as error:
            raise LineError(line, str(error)) from None
    return fields


def _option(key: str, value: str | None) -> dict[str, Any]:
    """Return the field that a key sets, with its value; raise `ValueError` for a wrong one."""
    if key in FLAGS:
        if value is not None:
            raise ValueError(f"{key} takes no value")
        return {key: True}
    if key == "map":
        return {key: tuple(filter(None, (value or "").split("/")))}
    if not value:
        raise ValueError(f'{key} needs a value: {key}="…"')
    if key in ONE_OF:
        if value not in ONE_OF[key]:
            raise ValueError(unknown(key, value, ONE_OF[key]))
        return {key: value}
    read, takes = _VALUES[key]
    made = read(value)
    if made is None:
        raise ValueError(f"{key} {takes}; not {quote(value)}")
    if key == "show":
        return {"show": made[0], "beside": made[1:]}
    if key in ("lineage", "reach"):
        return {"follow": FollowedCell("lineage" if key == "lineage" else "reach", *made)}
    return {key: made}


def _names(value: str) -> tuple[str, ...] | None:
    names = tuple(name.strip() for name in value.split(","))
    return names if all(name and name.isprintable() and " " not in name for name in names) else None


def _barred(value: str) -> tuple[str, ...] | None:
    names = tuple(name.strip().removeprefix(".") for name in value.split(","))
    return names if all(map(str.isidentifier, names)) else None


def _number(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[1-9][0-9]{0,5}", value) else None


def _ranks(value: str) -> int | None:
    count = _number(value)
    return count if count is not None and count <= MOST_RANKS else None


def _steps(value: str) -> tuple[int, int] | None:
    span = re.fullmatch(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", value)
    first, last = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
    return (first, last) if 1 <= first <= last else None


def _cell(value: str) -> tuple[str, tuple[int, ...]] | None:
    cell = re.fullmatch(r"([^\s\[\]]{1,200})\[([0-9]{1,9}(?:,\s*[0-9]{1,9})*)?\]", value)
    return None if cell is None else (cell[1], tuple(map(int, re.findall("[0-9]+", cell[2] or ""))))


_VALUES: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "show": (_names, 'names a node, or several: show="Y, Z"'),
    "steps": (_steps, 'is a range that counts from 1: steps="1-5"'),
    "ranks": (_ranks, f"is a number of devices, at most {MOST_RANKS}"),
    "lineage": (_cell, 'follows a cell: lineage="Y[1,2]"'),
    "reach": (_cell, 'follows a cell: reach="Y[1,2]"'),
    "after": (_number, "is the number of a stop, from 1"),
    "without": (_barred, 'bars a name, or several: without="loss, norm"'),
}
"""How the value of a key is read, and what the key takes, in words."""
