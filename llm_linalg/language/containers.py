"""Methods of text, lists and dicts, and sets, whose size is limited before they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, filterfalse
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr

MAX_TEXT = 100_000  # characters
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
    numbers = [key for key in found if key.__class__ is int]
    check_key((min(numbers, default=0), max(numbers, default=0)))
    several = [key for key in found if isinstance(key, tuple | range)]
    for key in several:
        check_key(key)
    common = Counter(map(hash, several)).most_common(1)
    if common and common[0][1] > MAX_SAME_HASH:
        first, *others = [key for key in several if hash(key) == common[0][0]]
        if sum(key != first for key in others) > MAX_SAME_HASH:
            raise LimitError(f"more than {MAX_SAME_HASH} keys that have the same hash")
    return found


class OrderedSet:
    """What `set` makes: each item once, in the order of insertion, so that every run is the same."""

    __slots__ = ("items",)

    def __repr__(self) -> str:
        return "<a set>"

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.items = dict.fromkeys(check_keys(items))

    def __iter__(self) -> Iterator[Any]:
        return iter(tuple(self.items))

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SETS) and len(self) == len(other) and all(map(other.__contains__, self))

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def _of(cls, items: Iterable[Any]) -> OrderedSet:
        """Return a set of items that come from two others; the keys are checked once it stands."""
        found = cls()
        found.items = dict.fromkeys(items)
        check_keys(found.items)
        return found

    def __or__(self, other: Any) -> OrderedSet:
        return self._of(chain(self.items, other)) if isinstance(other, _SETS) else NotImplemented

    def __and__(self, other: Any) -> OrderedSet:
        return (
            self._of(filter(other.__contains__, self.items)) if isinstance(other, _SETS) else NotImplemented
        )

    def __sub__(self, other: Any) -> OrderedSet:
        if not isinstance(other, _SETS):
            return NotImplemented
        return self._of(filterfalse(other.__contains__, self.items))

    def __xor__(self, other: Any) -> OrderedSet:
        if not isinstance(other, _SETS):
            return NotImplemented
        theirs = filterfalse(self.__contains__, other)
        return self._of(chain(filterfalse(other.__contains__, self.items), theirs))

    def __le__(self, other: Any) -> bool:
        return all(map(other.__contains__, self)) if isinstance(other, _SETS) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return all(map(self.__contains__, other)) if isinstance(other, _SETS) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self <= other and len(self) < len(other) if isinstance(other, _SETS) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self >= other and len(self) > len(other) if isinstance(other, _SETS) else NotImplemented


_SETS: Any = OrderedSet | type({}.keys()) | type({}.items())
OrderedSet.__name__ = "set"  # as the messages call it


def _join(between: str, parts: Iterable[str]) -> str:
    words = list(parts)
    if sum(map(len, words)) + len(between) * len(words) > MAX_TEXT:
        raise LimitError(f"a text of more than {MAX_TEXT:,} characters")
    return between.join(words)


def _strip(text: str, chars: str | None = None) -> str:
    """Do what `str.strip` does, in linear time; Python searches all of `chars` at each character."""
    if chars is None:
        return text.strip()
    others = set(chars)
    start, stop = 0, len(text)
    while start < stop and text[start] in others:
        start += 1
    while start < stop and text[stop - 1] in others:
        stop -= 1
    return text[start:stop]


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    if text.count(old) * len(new) + len(text) > MAX_TEXT:
        raise LimitError(f"a text of more than {MAX_TEXT:,} characters")
    return text.replace(old, new, count)


def _pop(items: dict[Any, Any], key: Any, *default: Any) -> Any:
    if key not in items and not default:
        raise ValueError(f"there is no item {short_repr(key)}")
    return items.pop(key, *default)


def _index(items: list[Any], value: Any, *bounds: int) -> int:
    if value.__class__ in _SMALL:
        return items.index(value, *bounds)
    start, stop = (*bounds, None, None)[:2]
    for place in range(len(items))[slice(start, stop)]:
        if items[place] is value or items[place] == value:
            return place
    raise ValueError(
        f"{short_repr(value)} is not in the list"
    )  # Python's message would hold all of the value


def make_dict(items: Any = (), **named: Any) -> dict[Any, Any]:
    """Do what `dict` does."""
    if not isinstance(items, dict):
        items = [pair if isinstance(pair, list | tuple | str) else tuple(pair) for pair in items]
        check_keys([pair[0] for pair in items if pair])
    return dict(items, **named)


def update(items: dict[Any, Any], others: Any = (), **named: Any) -> None:
    """Do what `dict.update` does."""
    others = make_dict(others, **named)
    check_keys([*items, *others])
    items.update(others)


METHODS: Mapping[type, Mapping[str, Callable[..., Any]]] = {
    str: {
        "split": str.split,
        "splitlines": str.splitlines,
        "strip": _strip,
        "lower": str.lower,
        "upper": str.upper,
        "startswith": str.startswith,
        "endswith": str.endswith,
        "count": str.count,
        "find": str.find,
        "index": str.index,
        "join": _join,
        "replace": _replace,
    },
    list: {
        "append": list.append,
        "extend": list.extend,
        "insert": list.insert,
        "pop": list.pop,
        "index": _index,
        "count": list.count,
        "reverse": list.reverse,
        "copy": list.copy,
    },
    tuple: {"index": tuple.index, "count": tuple.count},
    dict: {
        "keys": dict.keys,
        "values": dict.values,
        "items": dict.items,
        "get": dict.get,
        "pop": _pop,
        "update": update,
        "copy": dict.copy,
        "setdefault": dict.setdefault,
    },
}
GO_THROUGH: frozenset[Any] = frozenset([list, tuple, OrderedSet, make_dict, list.extend, _join, update])
"""Functions and methods that go through all items of their arguments, which may be iterators."""

CONSTANT_TIME: frozenset[Any] = frozenset(
    [list.append, dict.get, dict.setdefault, dict.keys, dict.values, dict.items, _pop]
)
"""Methods that take as long however many items there are."""


def methods(value: Any) -> Mapping[str, Callable[..., Any]]:
    """Return the methods of a plain value by name."""
    return next((table for kind, table in METHODS.items() if isinstance(value, kind)), {})
