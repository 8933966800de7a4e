"""Text made from a pattern: `"%d" % n` and `"{}".format(n)`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.language import printing, strings
from llm_linalg.language.containers import MAX_TEXT
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.refusal import RefusalError

_FIELD_STEPS = 3
_PERCENT = re.compile(
    r"%(?P<key>\([^()]*\))?(?P<flags>[#0\- +]*)(?P<width>\*|\d+)?(?P<point>\.(\*|\d*))?[hlL]?(?P<kind>.)?",
    re.DOTALL,
)
_TEXTS = {"s": strings.str_of, "r": strings.repr_of, "a": strings.ascii_of}
_INDEX = re.compile(r"\[([^\]]*)\]")


class _Arguments:
    """The values that a pattern takes one after another."""

    def __init__(self, values: Any) -> None:
        # To Python a list is one, too: `"" % []` leaves nothing over.
        self.mapping: Any = values if isinstance(values, dict | list) else None
        self.left: Iterator[Any] = iter(values if isinstance(values, tuple) else (values,))

    def next(self) -> Any:
        """Return the next value."""
        for value in self.left:
            return value
        raise TypeError("not enough arguments for format string")

    def check_end(self) -> None:
        """Raise `TypeError` if values are left over."""
        if self.mapping is None and next(self.left, self) is not self:
            raise TypeError("not all arguments converted during string formatting")


def percent(run: Interpreter, pattern: str, values: Any) -> str:
    """Do what `pattern % values` does."""
    arguments = _Arguments(values)
    parts: list[str] = []
    end = length = 0
    for field in _PERCENT.finditer(pattern):
        run.budget.step(_FIELD_STEPS)
        parts += [pattern[end : field.start()], _percent_field(run, field, arguments)]
        end = field.end()
        length += len(parts[-1]) + len(parts[-2])
        _check_length(length)
    arguments.check_end()
    run.budget.charge_new_text(length)
    return "".join([*parts, pattern[end:]])


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise LimitError(f"a text of more than {MAX_TEXT:,} characters")


def _percent_field(run: Interpreter, field: re.Match[str], arguments: _Arguments) -> str:
    kind = field["kind"]
    if kind is None:
        raise ValueError("incomplete format")
    if kind == "%":
        return "%"
    mapping = arguments.mapping
    if field["key"] is not None and mapping is None:
        raise TypeError("format requires a mapping")
    width = arguments.next() if field["width"] == "*" else field["width"] or ""
    point = field["point"] or ""
    if point == ".*":
        point = f".{_whole(arguments.next())}"
    spec = f"%{field['flags']}{_whole(width) if width != '' else ''}{point}"
    printing.check_format(spec)
    value = arguments.next() if field["key"] is None or mapping is None else mapping[field["key"][1:-1]]
    if kind in _TEXTS:
        return f"{spec}s" % (_TEXTS[kind](run, value),)
    if isinstance(value, Tensor):
        run.budget.charge_query()
    with untraced():
        return f"{spec}{kind}" % (value,)


def _whole(value: Any) -> int | str:
    """Return a width that stands among the values, or in the pattern."""
    if isinstance(value, str) and value.isdigit():
        return value
    if not isinstance(value, int):
        raise TypeError("* wants int")
    return value


def format_text(run: Interpreter, pattern: str, /, *values: Any, **named: Any) -> str:
    """Do what `pattern.format(...)` does, for values and their items; attributes are for f-strings."""
    return _Filling(run, values, named).fill(pattern)


class _Filling:
    """A pattern's values, and how many have been taken by their order."""

    def __init__(self, run: Interpreter, values: Sequence[Any], named: Mapping[str, Any]) -> None:
        self._run, self._values, self._named = run, values, named
        self._taken = 0

    def fill(self, pattern: str, depth: int = 2) -> str:
        """Return the pattern with its fields filled, of which some may stand in the formats of others."""
        if depth < 1:
            raise ValueError("Max string recursion exceeded")
        parts: list[str] = []
        length = 0
        for literal, name, spec, conversion in Formatter().parse(pattern):
            self._run.budget.step(_FIELD_STEPS)
            parts.append(literal)
            if name is not None:
                value = self._value(name)
                form = self.fill(spec, depth - 1) if spec else ""
                parts.append(strings.format_charged(self._run, value, _code(conversion), form))
            length += sum(map(len, parts[-2:]))
            _check_length(length)
        return "".join(parts)

    def _value(self, name: str) -> Any:
        first = re.split(r"[.\[]", name, maxsplit=1)[0]
        value = self._first(first)
        rest = name[len(first) :]
        while rest:
            index = _INDEX.match(rest)
            if index is None:
                raise RefusalError("format takes values and their items: write an f-string for an attribute")
            if not isinstance(value, list | tuple | dict):
                raise RefusalError("format takes the items of lists and dicts: write an f-string")
            place: Any = int(index[1]) if index[1].isdigit() else index[1]
            value = value[place]
            rest = rest[index.end() :]
        return value

    def _first(self, name: str) -> Any:
        if name and not name.isdigit():
            return self._named[name]
        if not name:
            if self._taken < 0:
                raise ValueError("cannot switch from manual field specification to automatic field numbering")
            name, self._taken = str(self._taken), self._taken + 1
        elif self._taken > 0:
            raise ValueError("cannot switch from automatic field numbering to manual field specification")
        else:
            self._taken = -1
        place = int(name)
        if place >= len(self._values):
            words = f"Replacement index {place} out of range for positional args tuple"
            raise IndexError(words)
        return self._values[place]


def _code(conversion: str | None) -> int:
    """Return a conversion as `ast` gives those of f-strings."""
    if conversion is not None and conversion not in ("r", "s", "a"):
        raise ValueError(f"Unknown conversion specifier {conversion:.1}")
    return ord(conversion) if conversion else -1
