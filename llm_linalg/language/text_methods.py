"""Methods of text, with limits on what they make and on how long they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language.containers import MAX_TEXT
from llm_linalg.language.refusal import RefusalError

MOST_SEARCHED = 100  # characters of a text that is searched for from the end, which takes quadratic time


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise LimitError(f"a text of more than {MAX_TEXT:,} characters")


def _join(between: str, parts: Iterable[str]) -> str:
    words = list(parts)
    if all(isinstance(word, str) for word in words):  # else Python says which is none
        _check_length(sum(map(len, words)) + len(between) * len(words))
    return between.join(words)


def _strip_ends(text: str, chars: str | None, left: bool, right: bool) -> str:
    """Strip a text in linear time; Python searches all of `chars` at each character."""
    if chars is None:
        return text.strip() if left and right else text.lstrip() if left else text.rstrip()
    others = set(chars)
    start, stop = 0, len(text)
    while left and start < stop and text[start] in others:
        start += 1
    while right and start < stop and text[stop - 1] in others:
        stop -= 1
    return text[start:stop]


def _strip(text: str, chars: str | None = None, /) -> str:
    return _strip_ends(text, chars, left=True, right=True)


def _lstrip(text: str, chars: str | None = None, /) -> str:
    return _strip_ends(text, chars, left=True, right=False)


def _rstrip(text: str, chars: str | None = None, /) -> str:
    return _strip_ends(text, chars, left=False, right=True)


def _replace(text: str, old: str, new: str, count: int = -1, /) -> str:
    _check_length(text.count(old) * len(new) + len(text))
    return text.replace(old, new, count)


def _wide(method: Callable[..., str]) -> Callable[..., str]:
    """Return a method that fills a text up to a width, which is limited."""

    def fill(text: str, width: int, *char: str) -> str:
        if isinstance(width, int):
            _check_length(width)
        return method(text, width, *char)

    return fill


def _from_end(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that searches from the end, for a text that is short."""

    def search(text: str, *others: Any, **named: Any) -> Any:
        searched = others[0] if others else named.get("sep")
        if isinstance(searched, str) and len(searched) > MOST_SEARCHED:
            raise LimitError(f"a text is searched from the end for at most {MOST_SEARCHED} characters")
        return method(text, *others, **named)

    return search


def _expand_tabs(text: str, tabsize: int = 8) -> str:
    _check_length(len(text) + text.count("\t") * max(int(tabsize), 0))
    return text.expandtabs(tabsize)


def _translate(text: str, table: Mapping[int, Any]) -> str:
    if not isinstance(table, dict):
        raise RefusalError("translate takes a dict: str.maketrans(...)")
    longest = max((len(value) for value in table.values() if isinstance(value, str)), default=1)
    _check_length(len(text) * max(longest, 1))
    return text.translate(table)


_PLAIN: tuple[Callable[..., Any], ...] = (
    *(str.split, str.splitlines, str.lower, str.upper, str.startswith, str.endswith),
    *(str.count, str.find, str.index, str.title, str.capitalize, str.swapcase),
    *(str.casefold, str.isdigit, str.isalpha, str.isalnum, str.isspace, str.isupper),
    *(str.islower, str.isnumeric, str.isdecimal, str.isidentifier, str.istitle, str.isascii),
    *(str.isprintable, str.partition, str.removeprefix, str.removesuffix),
)
METHODS: Mapping[str, Callable[..., Any]] = {
    **{method.__name__: method for method in _PLAIN},
    "join": _join,
    "strip": _strip,
    "lstrip": _lstrip,
    "rstrip": _rstrip,
    "replace": _replace,
    "ljust": _wide(str.ljust),
    "rjust": _wide(str.rjust),
    "center": _wide(str.center),
    "zfill": _wide(str.zfill),
    "rfind": _from_end(str.rfind),
    "rindex": _from_end(str.rindex),
    "rsplit": _from_end(str.rsplit),
    "rpartition": _from_end(str.rpartition),
    "expandtabs": _expand_tabs,
    "translate": _translate,
}
GO_THROUGH: frozenset[Any] = frozenset([_join])
"""Methods that go through all items of their arguments, which may be iterators."""
