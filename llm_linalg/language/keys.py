"""Keys of dicts and sets: few may have the same hash, for among those a table looks one by one.

Two whole numbers that are 2**61 - 1 apart have the same hash, and of tuples some that were searched for. With
thousands of such keys each that is written or looked up takes as long as they are many. So does one for which
a table looks at thousands of others, whatever their hashes: CPython goes on from a place to five times it.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from llm_linalg.errors import LimitError

MOST = 30  # keys that have the same hash
_ALONE = 2**61 - 1  # below it no two whole numbers have the same hash, but for -1 and -2
_TOO_MANY = f"more than {MOST} keys that have the same hash"
_TELLING = (int, float, tuple, range)
_MANY = 2_000  # keys, among which a table may look for one for long
_WALK = 200  # places that a table looks at for a key; of others it is less than thirty
_MORE = 2_000  # keys that are written one by one, after which a table is looked at anew
_SALT = hash("keys") % _ALONE  # other in each process: which places follow one another can't be chosen


class Keys:
    """The keys by which a run wrote items, each with those that have its hash."""

    __slots__ = ("_alike", "_seen")

    def __init__(self) -> None:
        self._alike: dict[int, list[Any]] = {}
        self._seen: dict[int, int] = {}  # how long dicts were that are long

    def hold(self, key: Any, items: dict[Any, Any]) -> None:
        """Know a key by which an item is about to be written into a dict.

        Raises:
            LimitError: If too many of those that were written have the same hash; or see `hashable`.
            TypeError: If it has none.
        """
        if len(items) > _MANY and len(items) - self._seen.get(id(items), 0) > _MORE:
            self._seen[id(items)] = len(items)
            hashable(items)
        if key.__class__ is int and -_ALONE < key < _ALONE:
            return
        if isinstance(key, _TELLING):
            _know(self._alike, key)


def hashable(keys: Iterable[Any]) -> list[Any]:
    """Return all keys of a dict or a set that is made at once.

    Raises:
        LimitError: If too many of them have the same hash, or a table of them is searched for long.
        TypeError: If one has none.
    """
    found = list(keys)
    kinds = set(map(type, found))
    telling = {kind for kind in kinds if issubclass(kind, _TELLING)}
    some: Any = found if telling == kinds else [key for key in found if key.__class__ in telling]
    apart = not some or (telling == {int} and min(some) > -_ALONE and max(some) < _ALONE)
    if apart:
        _hold_walks(some)
        return found
    hashes = list(map(hash, some))
    salted = list(map(_SALT.__xor__, hashes))
    last = dict(zip(salted, some, strict=True))
    if not all(map(operator.eq, map(last.__getitem__, salted), some)):
        alike: dict[int, list[Any]] = {}
        for key in some:
            _know(alike, key)
    _hold_walks(hashes)
    return found


def _hold_walks(hashes: Collection[int]) -> None:
    """Refuse keys of which a table of CPython's has many places one behind another that are taken.

    It goes on from a place to five times it and one more, and looks at all of them for a key that it has not.
    """
    if len(hashes) <= _MANY or len(different := set(hashes)) <= _MANY:
        return
    bits = (3 * len(different) // 2).bit_length()
    sizes = (1 << bits, 2 << bits)  # as it is made at once, and as it grows
    with torch._C.DisableTorchFunction():  # these calls are none of the program's
        places = torch.frombuffer(array("q", different), dtype=torch.int64)
        longest = max(_longest_walk(places, size) for size in sizes)
    if longest > _WALK:
        raise LimitError("keys among which a table would be searched for long")


def _longest_walk(places: Tensor, size: int) -> int:
    """Return how many places of a table may be looked at one by one, if those are taken, modulo its size."""
    taken = torch.zeros(size, dtype=torch.bool)
    taken[places & (size - 1)] = True
    free = (~taken[_walk(size)]).nonzero()[:, 0]
    return int((torch.cat([free[1:], free[:1] + size]) - free).max())


@cache
def _walk(size: int) -> Tensor:
    """Return the places of a table of a size that is a power of two, as they are looked at one by one.

    Returns:
        Whole numbers, (size,), each once.
    """
    walk, times, more = torch.zeros(1, dtype=torch.int64), 5, 1  # from a place to that so many steps on
    while len(walk) < size:
        walk = torch.cat([walk, (walk * times + more) % size])
        more, times = (more * times + more) % size, times * times % size
    return walk


def _know(alike: dict[int, list[Any]], key: Any) -> None:
    same = alike.setdefault(hash(key) ^ _SALT, [])
    if key not in same:
        same.append(key)
        if len(same) > MOST:
            raise LimitError(_TOO_MANY)
