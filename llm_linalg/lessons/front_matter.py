"""Read the front matter of a lesson, which is TOML, strictly; errors have their line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm_linalg.base.axis_labels import AxisDeclarations
from llm_linalg.base.constants import HUES
from llm_linalg.base.spelling import unknown
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.lessons.control import LARGEST, is_number
from llm_linalg.lessons.controls import FrontError, controls_of, line_of_text, table_of
from llm_linalg.lessons.lesson import MOST_MINUTES, OTHER_PART, BoxNote, Lesson, LineError

KEYS = (
    *("title", "part", "order", "seed", "format", "minutes", "controls", "axes", "labels", "colours"),
    "boxes",
)
FORMAT = 1
LAST = 1000  # the order of a lesson that has none: after those that have one
LONGEST_FRONT = 16_000
MOST_LINES = 300
_HEAD = re.compile(r'\+\+\+\ntitle = "([^"\\\n]+)"\npart = (\d{1,2})\norder = (\d{1,4})\n')
_SLUG = re.compile(r"[A-Za-z0-9_-]+")
MOST_PARTS = 4000  # of a key with dots, or of all long ones as the root of their squares: so memory grows
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:"[^"\n]*+"|'[^'\n]*+'|[\w-]++)[ \t]*+\.[ \t]*+){100,}+""")
_MANY_DIGITS = re.compile(r"[\d_]{4300}")
_BARE = re.compile(r"""\s*((?:"[^"]*"|[\w.-])+)\s*=\s*([A-Za-z][\w-]*)\s*(?:#.*)?""")  # key = word


def head(data: bytes) -> tuple[CleanText, int, int] | None:
    """Return title, part and order from a file's first bytes; None if it doesn't start with these three."""
    match = _HEAD.match(data.decode("utf-8", "ignore"))
    return (clean(match[1]), int(match[2]), int(match[3])) if match and match[1].isprintable() else None


def read(lines: list[str], path: Path) -> Lesson:
    """Return the lesson between two `+++`, without stops; raise `LineError` with the line that is wrong."""
    try:
        return _lesson(lines, path)
    except FrontError as error:
        raise LineError(line_of(lines, error.keys) + 2 if error.keys else 1, error.reason) from None
    except (ValueError, RecursionError) as error:
        place, reason = toml_fault(error, lines)
        raise LineError(place + 2, reason) from None


def _lesson(lines: list[str], path: Path) -> Lesson:
    text = "\n".join(lines)
    if len(lines) > MOST_LINES or len(text) > LONGEST_FRONT:
        raise FrontError(
            (), f"the front matter is longer than {MOST_LINES} lines or {LONGEST_FRONT} characters"
        )
    table = table_of(read_toml(text), (), "", KEYS)
    version = _integer(table, "format", FORMAT, -LARGEST, LARGEST)
    if version != FORMAT:
        raise FrontError(("format",), f"format {version} is not known: this program reads format {FORMAT}")
    if "title" not in table:
        raise FrontError((), 'a lesson needs a title: title = "…"')
    return Lesson(
        slug=path.stem,
        title=line_of_text(table["title"], ("title",)),
        part=_integer(table, "part", OTHER_PART, 0, 99),
        order=_integer(table, "order", LAST, 0, 100_000),
        seed=_integer(table, "seed", 0, 0, 2**32 - 1),
        path=path,
        minutes=_minutes(table.get("minutes")),
        controls=controls_of(table.get("controls", {})),
        axis_declarations=_declared(table.get("axes", {}), table.get("labels", {})),
        colours=_colours(table.get("colours", {})),
        boxes=_boxes(table.get("boxes", {})),
    )


def _declared(axes: object, labels: object) -> AxisDeclarations:
    """Return the axis declarations: `Q = ["query", "feature"]` in axes, `query = "words"` in labels."""
    named: dict[str, Any] = {**table_of(axes, ("axes",), "axes is a table: [axes]")}
    words = {**table_of(labels, ("labels",), "labels is a table: [labels]")}
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


def _colours(table: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the colours of tensors: pairs of a name and one of `HUES`, or one for each device."""
    colours = []
    for name, given in table_of(table, ("colours",), "colours is a table: [colours]").items():
        hues = tuple(given) if isinstance(given, list) else (given,)
        if not hues:
            raise FrontError(("colours", name), f'{name} takes a colour for each device: ["blue", "green"]')
        for hue in hues:
            if hue not in HUES:
                raise FrontError(("colours", name), unknown("colour", str(hue), HUES))
        colours.append((name, hues))
    return tuple(colours)


def _boxes(table: object) -> tuple[BoxNote, ...]:
    """Return the notes on boxes: `attention = { lesson = "attention", words = "the tokens meet" }`."""
    notes = []
    for name, value in table_of(table, ("boxes",), "boxes is a table: [boxes]").items():
        at = ("boxes", name)
        reason = f'{name} takes a lesson, words, or both: {{ lesson = "dot", words = "…" }}'
        note = table_of(value or None, at, reason, ("lesson", "words"))
        lesson, words = note.get("lesson"), note.get("words", "")
        if lesson is not None and not (isinstance(lesson, str) and _SLUG.fullmatch(lesson)):
            raise FrontError((*at, "lesson"), 'lesson is the slug of a lesson, such as "attention"')
        notes.append(BoxNote(name, lesson, line_of_text(words, (*at, "words")) if words else NOTHING))
    return tuple(notes)


def read_toml(text: str) -> dict[str, Any]:
    """Return what stands in a TOML text. Raises ValueError or RecursionError, as `toml_fault` takes them."""
    squares = 0
    for key in _LONG_KEY.finditer(text):
        squares += key[0].count(".") ** 2
        if squares > MOST_PARTS**2:
            line = text.count("\n", 0, key.start()) + 1
            raise tomllib.TOMLDecodeError(f"A key has too many parts (at line {line}, column 1)")
    return tomllib.loads(text)


def line_of(lines: list[str], keys: tuple[str, ...]) -> int:
    """Return the line, from 0, of the key at a path; 0 for `()`.

    tomllib keeps no line numbers, so ever longer prefixes of the text are parsed until the key appears, from
    the first on in which its name stands. That is slow, but happens only after an error.
    """
    begun, last = 0, keys[-1] if keys else ""
    named = next((number for number, line in enumerate(lines, 1) if last in line), 1)
    for end in range(named, len(lines) + 1):
        try:
            value: Any = tomllib.loads("\n".join(lines[:end]))
        except (ValueError, RecursionError):
            continue  # the prefix ends inside a value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            part = lines[begun:end]
            return begun + next((k for k, line in enumerate(part) if keys and keys[-1] in line), 0)
        begun = end
    return 0


def toml_fault(error: Exception, lines: list[str]) -> tuple[int, str]:
    """Return the line, from 0, and the reason of an error raised by tomllib."""
    text = str(error)
    twice = text.startswith("Cannot overwrite a value")
    place = re.search(r"\s*\(at line (\d+), column (\d+)\)", text)
    if isinstance(error, RecursionError):
        return 0, "TOML: too deeply nested"
    if not isinstance(error, tomllib.TOMLDecodeError):  # Python's own, of a number
        at = next((at for at, line in enumerate(lines) if _MANY_DIGITS.search(line)), 0)
        return at, "TOML: a whole number of more than 4,300 digits"
    if place:
        column = int(place[2])
        at = int(place[1]) - 1
        bare = _BARE.fullmatch(lines[at]) if at < len(lines) else None
        if bare:
            return at, f"TOML: {_bare(*bare.groups())}"
        if not twice:
            return at, f"TOML: {text[: place.start()]} (column {column})"
    at = max(len(lines) - 1, 0) if place is None else min(int(place[1]), len(lines)) - 1
    if twice:
        return at, f"TOML: {lines[at].partition('=')[0].strip()} stands twice"
    return at, f"TOML: {text.replace(' (at end of document)', '')}"


def _bare(key: str, word: str) -> str:
    """Return what is wrong with an unquoted word as a value."""
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
