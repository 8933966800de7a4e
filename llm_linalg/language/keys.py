"""Keys of dicts and sets: few may have the same hash, for among those a table looks one by one.

Two whole numbers that are 2**61 - 1 apart have the same hash, and of tuples some that were searched for. With
thousands of such keys each that is written or looked up takes as long as they are many. So does one for which
a table looks at thousands of others, whatever their hashes: CPython goes on from a place to five times it.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable
from typing import Any

from llm_linalg.errors import LimitError

MOST = 30  # keys that have the same hash
_ALONE = 2**61 - 1  # below it no two whole numbers have the same hash, but for -1 and -2
_TOO_MANY = f"more than {MOST} keys that have the same hash"
_TELLING = (int, float, tuple, range)
_MANY = 2_000  # keys, among which a table may look for one for long
_OFTEN = 50  # times that a key is there
_WALK = 200  # places that a table looks at for one of these
_SALT = hash("keys") % _ALONE  # other in each process: which places follow one another can't be chosen


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


def hashable(keys: Iterable[Any], *, once: bool = False) -> list[Any]:
    """Return all keys of a dict or a set that is made at once.

    Args:
        keys: The keys.
        once: Whether each is there once.

    Raises:
        LimitError: If too many of them have the same hash.
        TypeError: If one has none.
    """
    found = list(keys)
    kinds = set(map(type, found))
    telling = {kind for kind in kinds if issubclass(kind, _TELLING)}
    some = found if telling == kinds else [key for key in found if key.__class__ in telling]
    apart = not some or (telling == {int} and min(some) > -_ALONE and max(some) < _ALONE)
    if apart and (once or len(some) <= _MANY):
        return found
    hashes = [hash(key) for key in some]
    salted = list(map(_SALT.__xor__, hashes))
    last = dict(zip(salted, some, strict=True))
    if not apart and not all(map(operator.eq, map(last.__getitem__, salted), some)):
        alike: dict[int, list[Any]] = {}
        for key in some:
            _know(alike, key)
    if len(some) - len(last) > _OFTEN and len(last) > _MANY:
        _hold_walks(Counter(salted))
    return found


def _hold_walks(times: Counter[int]) -> None:
    """Refuse a key that is there often and for which a table of all looks at many places."""
    mask = (1 << (len(times) * 3 // 2).bit_length()) - 1
    taken = {place & mask for place in map(_SALT.__xor__, times)}
    for salted in [salted for salted, count in times.items() if count >= _OFTEN]:
        place = shifted = (salted ^ _SALT) % 2**64
        for _ in range(_WALK):
            if place & mask not in taken:
                break
            shifted >>= 5
            place = (5 * place + shifted + 1) & mask
        else:
            raise LimitError("a key for which a table of the others would be searched for long")


def _know(alike: dict[int, list[Any]], key: Any) -> None:
    same = alike.setdefault(hash(key) ^ _SALT, [])
    if key not in same:
        same.append(key)
        if len(same) > MOST:
            raise LimitError(_TOO_MANY)
