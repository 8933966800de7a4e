"""Keys of dicts and sets, and methods of lists and dicts, with limits on what they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr

MAX_TEXT = 400_000  # characters
DICT_VIEWS: Any = type({}.keys()) | type({}.values()) | type({}.items())
"""The types of a dict's `keys()`, `values()` and `items()`."""


_SMALL = frozenset([bool, int, float, type(None)])
MAX_INTEGER_KEY = 2**60  # larger integers share their hash with others: a dict of those would take ages
MAX_SAME_HASH = 30  # keys that share a hash: a dict compares those one by one


def check_key(key: Any) -> None:
    """Raise `LimitError` if an integer in a key is so large that others could share its hash."""
    if key.__class__ is int:
        if not -MAX_INTEGER_KEY < key < MAX_INTEGER_KEY:
            raise LimitError("a whole number as a key lies between -2**60 and 2**60")
    elif isinstance(key, tuple):
        for part in key:
            check_key(part)
    elif key.__class__ is range:
        check_key((key.start, key.stop, key.step))


def check_keys(keys: Iterable[Any]) -> list[Any]:
    """Return the keys of a dict or a set that is about to be made, as a list.

    Raises:
        LimitError: If an integer in one is too large, or too many share a hash.
        TypeError: If one can't be a key.
    """
    found = list(keys)
    kinds = set(map(type, found))
    if int in kinds:
        numbers = [key for key in found if key.__class__ is int]
        check_key((min(numbers), max(numbers)))
    if not any(issubclass(kind, tuple | range) for kind in kinds):
        return found
    several = [key for key in found if isinstance(key, tuple | range)]
    for key in several:
        check_key(key)
    common = Counter(map(hash, several)).most_common(1)
    if common and common[0][1] > MAX_SAME_HASH:
        first, *others = [key for key in several if hash(key) == common[0][0]]
        if sum(key != first for key in others) > MAX_SAME_HASH:
            raise LimitError(f"more than {MAX_SAME_HASH} keys that have the same hash")
    return found


def index_of(items: list[Any], value: Any, *bounds: int) -> int:
    """Do what `list.index` does."""
    if value.__class__ in _SMALL:
        return items.index(value, *bounds)
    start, stop = (*bounds, None, None)[:2]
    for place in range(len(items))[slice(start, stop)]:
        if items[place] is value or items[place] == value:
            return place
    # Python's message would hold all of the value.
    raise ValueError(f"{short_repr(value)} is not in list")


def _pair(number: int, value: Any) -> Any:
    """Return what should be a key and its value, as a sequence."""
    if isinstance(value, list | tuple | str):
        return value
    try:
        return tuple(value)
    except TypeError:
        words = f"cannot convert dictionary update sequence element #{number} to a sequence"
        raise TypeError(words) from None


def make_dict(items: Any = (), **named: Any) -> dict[Any, Any]:
    """Do what `dict` does."""
    if not isinstance(items, dict):
        items = [_pair(number, pair) for number, pair in enumerate(items)]
        check_keys([pair[0] for pair in items if pair])
    return dict(items, **named)


def update(items: dict[Any, Any], others: Any = (), **named: Any) -> None:
    """Do what `dict.update` does."""
    others = make_dict(others, **named)
    check_keys([*items, *others])
    items.update(others)


def make_dict_from_keys(keys: Any, value: Any = None) -> dict[Any, Any]:
    """Do what `dict.fromkeys` does."""
    return dict.fromkeys(check_keys(keys), value)
