"""Messages about an unknown word: what it was, the nearest spelling, and the words that there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from llm_linalg.base.text import clean, nearest

MOST_LISTED = 20


def quote(text: str, limit: int = 40) -> str:
    """Return foreign text cleaned, in quotes, on one line, and cut to `limit` characters."""
    return f'"{clean(text, limit)}"'


def hint(word: str, known: Iterable[str], least: float = 0.6) -> str:
    """Return `: did you mean …?` with the nearest spelling; empty if none is near (see `nearest`)."""
    near = nearest(word, known, least)
    return f": did you mean {near}?" if near else ""


def unknown(what: str, word: str, known: Iterable[str], listing: str = "") -> str:
    """Return a sentence about a word that is not among the `known` ones.

    >>> unknown("key", "titel", ["title", "part"])
    'unknown key "titel": did you mean "title"? (title, part)'
    >>> unknown("key", "zzz", ["title", "part"])
    'unknown key "zzz": there is title, part'

    More than `MOST_LISTED` names are not listed: they would hide a near spelling.
    Where none is near, `listing` says what lists them, such as `'llm-linalg lessons' lists them`.
    """
    names = list(known)
    listed = ", ".join(names) or "none"
    if len(names) > MOST_LISTED:
        listed = f"{', '.join(names[:MOST_LISTED])}, … of {len(names)}" if not listing else ""
    near = nearest(word, names)
    beside = f" ({listed})" if len(names) <= MOST_LISTED else ""
    none = f"there is {listed}" if listed else listing
    advice = none if near is None else f'did you mean "{near}"?{beside}'
    return f"unknown {what} {quote(word)}: {advice}"


def number_duplicates(names: Sequence[str]) -> tuple[str, ...]:
    """Return unique names: of several equal ones, all but the last are numbered, as `x:1`."""
    total = Counter(names)
    seen = dict.fromkeys(total, 0)
    made = []
    for name in names:
        seen[name] = number = seen[name] + 1
        made.append(name if number == total[name] else f"{name}:{number}")
    return tuple(made)
