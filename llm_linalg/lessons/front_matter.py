"""The front matter of a lesson: TOML, read strictly, with the line of what is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from llm_linalg.base.axis_labels import AxisDeclarations
from llm_linalg.base.spelling import unknown
from llm_linalg.lessons.boxes import BoxNote, boxes_of
from llm_linalg.lessons.contents import MOST_MINUTES, OTHER_PART
from llm_linalg.lessons.control import LARGEST, Control, is_number
from llm_linalg.lessons.controls import FrontError, controls_of, line_of_text

KEYS = ("title", "part", "order", "seed", "format", "minutes", "controls", "axes", "labels", "boxes")
FORMAT = 1
# A lesson that names no place stands after those that do.
LAST = 1000
LONGEST_FRONT = 16_000
MOST_LINES = 300
_HEAD = re.compile(r'\+\+\+\ntitle = "([^"\\\n]+)"\npart = (\d{1,2})\norder = (\d{1,4})\n')
_BARE = re.compile(r"""\s*((?:"[^"]*"|[\w.-])+)\s*=\s*([A-Za-z][\w-]*)\s*(?:#.*)?""")  # key = word


def head(data: bytes) -> tuple[str, int, int] | None:
    """The title, the part and the place within it, from a file's first bytes; None if it begins otherwise."""
    found = _HEAD.match(data.decode("utf-8", "ignore"))
    return (found[1], int(found[2]), int(found[3])) if found and found[1].isprintable() else None


class FrontMatter(NamedTuple):
    """A front matter that was read and checked."""

    title: str
    part: int
    order: int
    seed: int
    minutes: float | None
    controls: tuple[Control, ...]
    axis_declarations: AxisDeclarations
    boxes: tuple[BoxNote, ...]


def read(lines: list[str]) -> FrontMatter:
    """Reads the lines between the two `+++`.

    Raises:
        FrontError: With the path of the key that is wrong.
        ValueError, RecursionError: From tomllib; `toml_fault` reads them.
    """
    text = "\n".join(lines)
    if len(lines) > MOST_LINES or len(text) > LONGEST_FRONT:
        raise FrontError(
            (), f"the front matter is longer than {MOST_LINES} lines or {LONGEST_FRONT} characters"
        )
    table = tomllib.loads(text)
    for key in table:
        if key not in KEYS:
            raise FrontError((key,), unknown("key", key, KEYS))
    version = _integer(table, "format", FORMAT, -LARGEST, LARGEST)
    if version != FORMAT:
        raise FrontError(("format",), f"format {version} is not known: this program reads format {FORMAT}")
    if "title" not in table:
        raise FrontError((), 'a lesson needs a title: title = "…"')
    return FrontMatter(
        title=line_of_text(table["title"], ("title",)),
        part=_integer(table, "part", OTHER_PART, 0, 99),
        order=_integer(table, "order", LAST, 0, 100_000),
        seed=_integer(table, "seed", 0, 0, 2**32 - 1),
        minutes=_minutes(table.get("minutes")),
        controls=controls_of(table.get("controls", {})),
        axis_declarations=_declared(table.get("axes", {}), table.get("labels", {})),
        boxes=boxes_of(table.get("boxes", {})),
    )


def _declared(axes: object, labels: object) -> AxisDeclarations:
    """What is said of the axes of tensors: ``Q = ["query", "feature"]``, and ``query = "words"``."""
    for key, table in (("axes", axes), ("labels", labels)):
        if not isinstance(table, dict):
            raise FrontError((key,), f"{key} is a table: [{key}]")
    named, words = dict(axes), dict(labels)  # type: ignore[call-overload]
    for tensor, names in named.items():
        if not isinstance(names, list) or not names:
            raise FrontError(("axes", tensor), f'{tensor} takes a name for each axis: ["query", "feature"]')
        named[tensor] = tuple(name and line_of_text(name, ("axes", tensor)) for name in names)
    known = dict.fromkeys(name for names in named.values() for name in names if name)
    for name, given in words.items():
        at = ("labels", name)
        if name not in known:
            raise FrontError(at, unknown("axis", name, known))
        listed = isinstance(given, list)
        words[name] = tuple(line_of_text(word, at) for word in given) if listed else line_of_text(given, at)
    return AxisDeclarations(tuple(named.items()), tuple(words.items()))


def line_of(lines: list[str], keys: tuple[str, ...]) -> int:
    """The place (from 0) of the line where `keys` stands; 0 for `()`.

    tomllib keeps no lines, so the beginnings of the text are read, each a line longer
    than the one before, until the key is there. Only an error pays for it.
    """
    begun = 0
    for end in range(1, len(lines) + 1):
        try:
            found: Any = tomllib.loads("\n".join(lines[:end]))
        except (ValueError, RecursionError):
            continue  # in the middle of a value
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None:
            part = lines[begun:end]
            return begun + next((k for k, line in enumerate(part) if keys and keys[-1] in line), 0)
        begun = end
    return 0


def toml_fault(error: Exception, lines: list[str]) -> tuple[int, str]:
    """The line (from 0) and the reason of an error of tomllib's."""
    text = str(error)
    place = re.search(r"\s*\(at line (\d+), column (\d+)\)", text)
    if isinstance(error, RecursionError):
        return 0, "TOML: too deeply nested"
    if place:
        column = int(place[2])
        at = int(place[1]) - 1
        bare = _BARE.fullmatch(lines[at]) if at < len(lines) else None
        if bare:
            return at, f"TOML: {_bare(*bare.groups())}"
        return int(place[1]) - 1, f"TOML: {text[: place.start()]} (column {column})"
    return max(len(lines) - 1, 0), f"TOML: {text.replace(' (at end of document)', '')}"


def _bare(key: str, word: str) -> str:
    """What is wrong with a word that stands there as it is."""
    if word.lower() in ("true", "false"):
        return f"{key}: it is written {word.lower()}, not {word}"
    return f'{key}: a text stands in quotes, as {key} = "{word}"'


def _integer(table: Mapping[str, Any], key: str, default: int, low: int, high: int) -> int:
    value = table.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FrontError((key,), f"{key} is a whole number from {low} to {high}")
    return value


def _minutes(value: object) -> float | None:
    if value is None or (is_number(value) and 0 < value <= MOST_MINUTES):
        return None if value is None else float(value)
    raise FrontError(("minutes",), f"minutes is a number, above 0 and up to {MOST_MINUTES:g}")
