"""`re`: regular expressions whose time can be told beforehand.

Python's matcher tries one way after another, and can't be stopped. So a pattern is read first: how many ways
it has from one place of a text follows from its parts, since what is repeated is one character of a kind, and
the longest run of that kind is looked up in the text. A pattern with repetitions within a repetition, or one
that looks back at what it matched, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language.containers import MAX_TEXT
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

MOST_WAYS = 20_000_000  # places of a text times ways to match there: less than a second
MOST_PATTERN = 500  # characters of a pattern
_WAYS_PER_STEP = 50
_COMPILE_STEPS = 100
_MATCH_STEPS = 8
_ONE_CHARACTER = frozenset([codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN])
_REPEATS = frozenset([codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT])
_REFUSED = "a pattern has no repetition within a repetition here, and looks at nothing but what it matches"
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII


def _ways(parts: Any, text: str, flags: int) -> int:
    """Return the most ways in which parts of a pattern can match from one place of a text.

    Raises:
        RefusalError: If that can't be told.
    """
    ways = 1
    for code, value in parts:
        ways = min(ways * _ways_of(parts.state, code, value, text, flags), MOST_WAYS + 1)
    return ways


def _ways_of(state: Any, code: Any, value: Any, text: str, flags: int) -> int:
    if code in _ONE_CHARACTER or code is codes.AT:
        return 1
    if code is codes.BRANCH:
        return sum(_ways(branch, text, flags) for branch in value[1])
    if code is codes.SUBPATTERN:
        return _ways(value[3], text, flags)
    if code in _REPEATS:
        _, most, inner = value
        if len(inner) == 1 and inner[0][0] in _ONE_CHARACTER:
            return min(int(most), _longest_run(state, inner, text, flags)) + 1
        if most == 1:
            return 1 + _ways(inner, text, flags)
    raise RefusalError(_REFUSED)


def _longest_run(state: Any, inner: Any, text: str, flags: int) -> int:
    """Return the length of the longest run of characters of a kind, in one pass over the text."""
    several = parser.SubPattern(state, [(codes.MAX_REPEAT, (1, codes.MAXREPEAT, inner))])
    runs: re.Pattern[str] = compiler.compile(several, flags)
    return max((found.end() - found.start() for found in runs.finditer(text)), default=0)


def _compile(run: Interpreter, pattern: Any, flags: Any = 0) -> re.Pattern[str]:
    """Do what `re.compile` does."""
    if isinstance(pattern, re.Pattern):
        return pattern
    if not isinstance(pattern, str) or not isinstance(flags, int):
        raise TypeError("first argument must be string or compiled pattern")
    if len(pattern) > MOST_PATTERN or int(flags) & ~_FLAGS:
        raise LimitError(f"a pattern has at most {MOST_PATTERN} characters, and the usual flags")
    run.budget.step(_COMPILE_STEPS + len(pattern))
    try:
        return re.compile(pattern, int(flags))
    except re.error as error:
        raise ValueError(f"{error}") from None


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
    ways = (len(text) + 1) * _ways(parts, text, pattern.flags) * (1 + pattern.groups)
    if ways > MOST_WAYS:
        raise LimitError("this pattern could take very long on this text")
    run.budget.step(ways // _WAYS_PER_STEP)


def _searching(name: str) -> Callable[..., Any]:
    """Return what a function does that hands a text to a method of a pattern."""
    method = _METHODS[name]

    def search(run: Interpreter, pattern: Any, text: Any, *others: Any, **named: Any) -> Any:
        flags = named.pop("flags", 0)
        found = _compile(run, pattern, flags)
        _charge(run, found, text)
        result = method(found, text, *others, **named)
        if name == "finditer":
            return ItemIterator(run.new_number(), "callable_iterator object", result)
        return result

    return search


def _sub(run: Interpreter, pattern: Any, repl: Any, text: Any, count: int = 0, flags: Any = 0) -> str:
    found = _compile(run, pattern, flags)
    _charge(run, found, text)
    length = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal length
        run.budget.step(_MATCH_STEPS)
        new = match.expand(repl) if isinstance(repl, str) else run.call(repl, [match])
        if not isinstance(new, str):
            raise TypeError(f"expected str instance, {type(new).__name__} found")
        length += len(new)
        if length > MAX_TEXT:
            raise LimitError(f"a text of more than {MAX_TEXT:,} characters")
        return new

    return found.sub(replacement, text, count)


_METHODS: Mapping[str, Callable[..., Any]] = {
    "findall": re.Pattern.findall,
    "finditer": re.Pattern.finditer,
    "split": re.Pattern.split,
    "search": re.Pattern.search,
    "match": re.Pattern.match,
    "fullmatch": re.Pattern.fullmatch,
}
_FUNCTIONS: Mapping[str, RunFunction] = {
    **{name: RunFunction(name, _searching(name)) for name in _METHODS},
    "sub": RunFunction("sub", _sub),
}
PATTERN_METHODS: Mapping[str, RunFunction] = _FUNCTIONS
"""Methods of a pattern that is compiled: the functions, with the pattern first."""
MATCH_METHODS: Mapping[str, Callable[..., Any]] = {
    "group": re.Match.group,
    "groups": re.Match.groups,
    "groupdict": re.Match.groupdict,
    "start": re.Match.start,
    "end": re.Match.end,
    "span": re.Match.span,
}
MEMBERS: Mapping[str, Any] = {
    **_FUNCTIONS,
    "compile": RunFunction("compile", _compile),
    "escape": RunFunction("escape", lambda _run, pattern: re.escape(pattern)),
    **{
        flag: re.RegexFlag[flag]
        for flag in ["IGNORECASE", "I", "MULTILINE", "M", "DOTALL", "S", "ASCII", "A", "VERBOSE", "X"]
    },
}
