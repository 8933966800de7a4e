"""Keys of dicts and sets: few may have the same hash, for among those a table looks one by one.

Two whole numbers that are 2**61 - 1 apart have the same hash, and of tuples some that were searched for. With
thousands of such keys each that is written or looked up takes as long as they are many.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from llm_linalg.errors import LimitError

MOST = 30  # keys that have the same hash
_ALONE = 2**61 - 1  # below it no two whole numbers have the same hash, but for -1 and -2
_TOO_MANY = f"more than {MOST} keys that have the same hash"
_TELLING = (int, float, tuple, range)


class Keys:
    """The keys by which a run wrote items, each with those that have its hash."""

    __slots__ = ("_alike",)

    def __init__(self) -> None:
        self._alike: dict[int, list[Any]] = {}

    def hold(self, key: Any) -> None:
        """Know a key by which an item is written.

        Raises:
            LimitError: If too many of those that were written have the same hash.
            TypeError: If it has none.
        """
        if key.__class__ is int and -_ALONE < key < _ALONE:
            return
        if isinstance(key, _TELLING):
            _know(self._alike, key)


def hashable(keys: Iterable[Any]) -> list[Any]:
    """Return all keys of a dict or a set that is made at once.

    Raises:
        LimitError: If too many of them have the same hash.
        TypeError: If one has none.
    """
    found = list(keys)
    kinds = set(map(type, found))
    telling = {kind for kind in kinds if issubclass(kind, _TELLING)}
    some = found if telling == kinds else [key for key in found if key.__class__ in telling]
    if not some or (telling == {int} and min(some) > -_ALONE and max(some) < _ALONE):
        return found
    last = dict(zip(map(hash, some), some, strict=True))
    if not all(map(operator.eq, map(last.__getitem__, map(hash, some)), some)):
        alike: dict[int, list[Any]] = {}
        for key in some:
            _know(alike, key)
    return found


def _know(alike: dict[int, list[Any]], key: Any) -> None:
    same = alike.setdefault(hash(key), [])
    if key not in same:
        same.append(key)
        if len(same) > MOST:
            raise LimitError(_TOO_MANY)
