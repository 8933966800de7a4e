"""Parse the options of a lesson's program: the info string after `python` in its fence's first line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from llm_linalg.base.constants import MOST_RANKS, ORDER_NAMES
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.illustrations.look_names import LOOK_NAMES, LookName
from llm_linalg.lessons.stop import FollowedCell

KEYS = ("show", "order", "look", "steps", "margin", "fails", "backward", "ranks", "map", "lineage", "reach")
EXERCISE_KEYS = ("after", "without", "show", "order", "look")
FLAGS = ("fails", "backward")
MARGINS = ("sum", "mean", "max", "min")
ONE_OF = {"order": ORDER_NAMES, "look": LOOK_NAMES, "margin": MARGINS}

_PAIR = re.compile(r"""\s+([^\s="']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?""")


class BodyError(Exception):
    """An error in a lesson's body: the line, from 0, and the reason."""

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


class FenceOptions(NamedTuple):
    """The options of a fence such as `python show="mask" order="rows" steps="1-5" fails`.

    `after` and `without` are an exercise's.
    """

    show: tuple[str, ...] = ()
    order: str | None = None
    steps: tuple[int, int] | None = None
    margin: str | None = None
    fails: bool = False
    backward: bool = False
    ranks: int = 0
    map: tuple[str, ...] | None = None
    follow: FollowedCell | None = None
    look: LookName | None = None
    after: int | None = None
    without: tuple[str, ...] = ()


def parse_options(text: str, place: int, language: str = "python") -> FenceOptions:
    """Return the options in a fence's info string; raise `BodyError` for a wrong one."""
    text = text.removeprefix(language)
    keys = EXERCISE_KEYS if language == "exercise" else KEYS
    found, seen, at = FenceOptions(), set[str](), 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if not pair:
            raise BodyError(place, f'the info string reads key="value": {quote(text[at:].strip())} does not')
        at = pair.end()
        key, value = pair[1], pair[2]
        if key not in keys:
            raise BodyError(place, unknown("key", key, keys))
        if key in seen:
            raise BodyError(place, f"{key} stands twice")
        seen.add(key)
        found = _with(found, key, None if value is None else value.strip("\"'").strip(), place)
    return found


def _with(found: FenceOptions, key: str, value: str | None, place: int) -> FenceOptions:
    if key in FLAGS:
        if value is not None:
            raise BodyError(place, f"{key} takes no value")
        return found._replace(fails=True) if key == "fails" else found._replace(backward=True)
    if key == "map":
        return found._replace(map=tuple(filter(None, (value or "").split("/"))))
    if not value:
        raise BodyError(place, f'{key} needs a value: {key}="…"')
    field, read = _VALUES[key]
    return found._replace(**{field: read(key, value, place)})


def _names(_key: str, value: str, place: int) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    if not all(name and name.isprintable() and " " not in name for name in names):
        raise BodyError(place, f'show names a node, or several: show="Y, Z"; not {quote(value)}')
    return names


def _one_of(key: str, value: str, place: int) -> str:
    if value not in ONE_OF[key]:
        raise BodyError(place, unknown(key, value, ONE_OF[key]))
    return value


def _ranks(_key: str, value: str, place: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]?", value) or int(value) > MOST_RANKS:
        raise BodyError(place, f"ranks is a number of devices, at most {MOST_RANKS}; not {quote(value)}")
    return int(value)


def _stop(_key: str, value: str, place: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", value):
        raise BodyError(place, f"after is the number of a stop, from 1; not {quote(value)}")
    return int(value)


def _barred(_key: str, value: str, place: int) -> tuple[str, ...]:
    names = tuple(name.strip().removeprefix(".") for name in value.split(","))
    if not all(name.isidentifier() for name in names):
        reason = f'without bars a name, or several: without="loss, norm"; not {quote(value)}'
        raise BodyError(place, reason)
    return names


def _asked(key: str, value: str, place: int) -> FollowedCell:
    cell = re.fullmatch(r"([^\s\[\]]{1,200})\[([0-9]{1,9}(?:,\s*[0-9]{1,9})*)?\]", value)
    if cell is None:
        raise BodyError(place, f'{key} follows a cell: {key}="Y[1,2]"; not {quote(value)}')
    index = tuple(int(part) for part in (cell[2] or "").split(",") if part)
    return FollowedCell("lineage" if key == "lineage" else "reach", cell[1], index)


def _steps(_key: str, value: str, place: int) -> tuple[int, int]:
    span = re.fullmatch(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", value)
    first, last = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
    if not 1 <= first <= last:
        raise BodyError(place, f'steps is a range that counts from 1: steps="1-5"; not {quote(value)}')
    return first, last


_VALUES: Mapping[str, tuple[str, Callable[[str, str, int], Any]]] = {
    "show": ("show", _names),
    "order": ("order", _one_of),
    "look": ("look", _one_of),
    "steps": ("steps", _steps),
    "margin": ("margin", _one_of),
    "ranks": ("ranks", _ranks),
    "lineage": ("follow", _asked),
    "reach": ("follow", _asked),
    "after": ("after", _stop),
    "without": ("without", _barred),
}  # the field that a key with a value sets, and how the value is read
