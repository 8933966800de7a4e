"""`re`: regular expressions whose time can be told beforehand.

Python's matcher tries one way after another, and can't be stopped. So a pattern is read first: how many ways
it has from one place of a text follows from its parts, since what is repeated is one character of a kind, and
the longest run of that kind is looked up in the text; each way goes by so many characters. A pattern with
repetitions within a repetition, or one that looks back at what it matched, is refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arithmetic import MAX_NESTED_ITEMS
from llm_linalg.language.containers import MAX_TEXT
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

MOST_WAYS = 20_000_000  # places of a text times ways to match there: less than a second
MOST_PATTERN = 500  # characters of a pattern
_WAYS_PER_STEP = 50
_WIDE = 8  # so many characters on the way of a match take as long as the way itself
_COMPILE_STEPS = 100
_SET_STEPS = 10_000  # of a set of characters that may be all there are, each with its other case
_MATCH_STEPS = 8
_ONE_CHARACTER = frozenset([codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN])
_REPEATS = frozenset([codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT])
_REFUSED = "a pattern has no repetition within a repetition here, and looks at nothing but what it matches"
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII


class _Effort(NamedTuple):
    """What it may take to match parts of a pattern at one place of a text.

    Attributes:
        ways: The most ways in which they can match there.
        width: The most characters that each way looks at, apart from those that make the ways differ.
    """

    ways: int
    width: int


def _effort(parts: Any, text: str, flags: int) -> _Effort:
    """Return what parts of a pattern may take, one after another.

    Raises:
        RefusalError: If that can't be told.
    """
    ways, width = 1, 0
    for code, value in parts:
        own = _effort_of(parts.state, code, value, text, flags)
        ways, width = min(ways * own.ways, MOST_WAYS + 1), min(width + own.width, MOST_WAYS)
    return _Effort(ways, width)


def _effort_of(state: Any, code: Any, value: Any, text: str, flags: int) -> _Effort:
    if code in _ONE_CHARACTER or code is codes.AT:
        return _Effort(1, 1)
    if code is codes.BRANCH:
        several = [_effort(branch, text, flags) for branch in value[1]]
        return _Effort(sum(own.ways for own in several), max(own.width for own in several))
    if code is codes.SUBPATTERN:
        _, added, removed, inner = value
        return _effort(inner, text, (flags | added) & ~removed)
    if code in _REPEATS:
        least, most, inner = value
        if len(inner) == 1 and inner[0][0] in _ONE_CHARACTER:
            longest = min(int(most), _longest_run(state, inner, text, flags))
            return _Effort(1, longest + 1) if least == most else _Effort(longest + 1, 1)
        if most == 1:
            ways, width = _effort(inner, text, flags)
            return _Effort(1 + ways, width)
    raise RefusalError(_REFUSED)


def _longest_run(state: Any, inner: Any, text: str, flags: int) -> int:
    """Return the length of the longest run of characters of a kind, in one pass over the text."""
    several = parser.SubPattern(state, [(codes.MAX_REPEAT, (1, codes.MAXREPEAT, inner))])
    runs: re.Pattern[str] = compiler.compile(several, flags)
    return max((found.end() - found.start() for found in runs.finditer(text)), default=0)


def _compile(run: Interpreter, pattern: Any, flags: Any = 0) -> re.Pattern[str]:
    """Do what `re.compile` does."""
    if isinstance(pattern, re.Pattern):
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        return pattern
    if not isinstance(pattern, str) or not isinstance(flags, int):
        raise TypeError("first argument must be string or compiled pattern")
    if len(pattern) > MOST_PATTERN or int(flags) & ~_FLAGS:
        raise LimitError(f"a pattern has at most {MOST_PATTERN} characters, and the usual flags")
    is_wide = not pattern.isascii() or "\\u" in pattern.lower()
    run.budget.step(_COMPILE_STEPS + len(pattern) + (_SET_STEPS * pattern.count("[") if is_wide else 0))
    with _told(run):
        return re.compile(pattern, int(flags))


@contextmanager
def _told(run: Interpreter) -> Iterator[None]:
    """Tell of a pattern, or a template of `sub`, that `re` can't read."""
    try:
        yield
    except re.error as error:
        raise run.error(f"{error}", run.current, error) from None


def _charge(run: Interpreter, pattern: re.Pattern[str], text: Any) -> None:
    """Charge one pass of a pattern over a text.

    Raises:
        RefusalError: If its time can't be told.
        LimitError: If it could take too long.
    """
    if not isinstance(text, str):
        raise TypeError("expected string or bytes-like object")
    parts = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    run.budget.step(_COMPILE_STEPS + len(text) // _WAYS_PER_STEP)
    ways, width = _effort(parts, text, pattern.flags)
    ways = (len(text) + 1) * ways * (_WIDE + width) // _WIDE * (1 + pattern.groups)
    if ways > MOST_WAYS:
        raise LimitError("this pattern could take very long on this text")
    run.budget.step(ways // _WAYS_PER_STEP)


def _find_all(run: Interpreter, pattern: re.Pattern[str], string: str, *bounds: int) -> list[Any]:
    """Do what `findall` does, match by match: what it makes may take far more memory than the text."""
    found: list[Any] = []
    for match in pattern.finditer(string, *bounds):
        run.budget.step(1 + pattern.groups)
        if len(found) >= MAX_NESTED_ITEMS:
            raise LimitError(f"a list of more than {MAX_NESTED_ITEMS:,} items")
        several = match.groups("")
        found.append(match[0] if not several else several[0] if len(several) == 1 else several)
    return found


def _find_each(run: Interpreter, pattern: re.Pattern[str], string: str, *bounds: int) -> ItemIterator:
    found = pattern.finditer(string, *bounds)
    return ItemIterator(run.new_number(), "callable_iterator object", found)


_SEARCHES: Mapping[str, Callable[..., Any]] = {
    "search": lambda _run, pattern, string, *bounds: pattern.search(string, *bounds),
    "match": lambda _run, pattern, string, *bounds: pattern.match(string, *bounds),
    "fullmatch": lambda _run, pattern, string, *bounds: pattern.fullmatch(string, *bounds),
    "findall": _find_all,
    "finditer": _find_each,
}
"""What looks for a pattern in a text."""


def _function(name: str) -> RunFunction:
    """Return a function of `re` that looks for a pattern, which takes flags behind the text."""

    def search(run: Interpreter, pattern: Any, string: Any, flags: Any = 0) -> Any:
        found = _compile(run, pattern, flags)
        _charge(run, found, string)
        return _SEARCHES[name](run, found, string)

    return RunFunction(name, search)


def _method(name: str) -> RunFunction:
    """Return such a method of a pattern, which takes places behind the text."""

    def search(
        run: Interpreter, pattern: re.Pattern[str], string: Any, pos: int = 0, endpos: int = sys.maxsize
    ) -> Any:
        _charge(run, pattern, string)
        return _SEARCHES[name](run, pattern, string, pos, endpos)

    return RunFunction(name, search)


def _split(run: Interpreter, pattern: Any, string: Any, maxsplit: int = 0, flags: Any = 0) -> list[Any]:
    found = _compile(run, pattern, flags)
    _charge(run, found, string)
    most = 1 + MAX_NESTED_ITEMS // (1 + found.groups)  # with which there would be too many parts
    parts = found.split(string, min(maxsplit, most) or most)
    if len(parts) > MAX_NESTED_ITEMS:
        raise LimitError(f"a list of more than {MAX_NESTED_ITEMS:,} items")
    run.budget.step(len(parts))
    return parts


def _sub(run: Interpreter, pattern: Any, repl: Any, string: Any, count: int = 0, flags: Any = 0) -> str:
    found = _compile(run, pattern, flags)
    _charge(run, found, string)
    length = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal length
        run.budget.step(_MATCH_STEPS)
        with _told(run):
            new = match.expand(repl) if isinstance(repl, str) else run.call(repl, [match])
        if not isinstance(new, str):
            raise TypeError(f"expected str instance, {type(new).__name__} found")
        length += len(new)
        if length > MAX_TEXT:
            raise LimitError(f"a text of more than {MAX_TEXT:,} characters")
        return new

    return found.sub(replacement, string, count)


_BOTH = {"split": RunFunction("split", _split), "sub": RunFunction("sub", _sub)}
PATTERN_METHODS: Mapping[str, RunFunction] = {**{name: _method(name) for name in _SEARCHES}, **_BOTH}
PATTERN_ATTRIBUTES: Mapping[str, Callable[[re.Pattern[str]], Any]] = {
    "pattern": lambda pattern: pattern.pattern,
    "flags": lambda pattern: pattern.flags,
    "groups": lambda pattern: pattern.groups,
}
MATCH_METHODS: Mapping[str, Callable[..., Any]] = {
    "group": re.Match.group,
    "groups": re.Match.groups,
    "groupdict": re.Match.groupdict,
    "start": re.Match.start,
    "end": re.Match.end,
    "span": re.Match.span,
}
MATCH_ATTRIBUTES: Mapping[str, Callable[[re.Match[str]], Any]] = {
    "string": lambda match: match.string,
    "lastindex": lambda match: match.lastindex,
}
MEMBERS: Mapping[str, Any] = {
    **{name: _function(name) for name in _SEARCHES},
    **_BOTH,
    "error": re.error,
    "compile": RunFunction("compile", _compile),
    "escape": RunFunction("escape", lambda _run, pattern: re.escape(pattern)),
    **{
        flag: re.RegexFlag[flag]
        for flag in ["IGNORECASE", "I", "MULTILINE", "M", "DOTALL", "S", "ASCII", "A", "VERBOSE", "X"]
    },
}
