"""How large becomes what a loop makes larger turn by turn: told by its first turns, in the dearest case."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from math import ceil, log
from typing import Any, NamedTuple

import torch
from torch import Tensor

_MOST = 200  # names, and items within one, that are looked at
_STEADY = 1.5  # times as much as by one turn something grows by the next: it may grow by as much by each
_ENDLESS = 40  # times twice as large, more than anything may be


class Sizes(NamedTuple):
    """How large a value is; see `Least` for what each is held against.

    Attributes:
        cells: Of the largest tensor that it is, or has.
        rows: Likewise.
        length: Of a list or the like.
        letters: Of a text.
    """

    cells: int = 0
    rows: int = 0
    length: int = 0
    letters: int = 0

    @classmethod
    def of(cls, value: Any) -> Sizes:
        """Return how large a value is; of an unknown one nothing is."""
        if isinstance(value, Tensor):
            return cls(cells=value.numel(), rows=value.shape[0] if value.dim() else 0)
        if isinstance(value, str):
            return cls(letters=len(value))
        if not isinstance(value, list | tuple | dict):
            return _NOTHING
        items = value.values() if isinstance(value, dict) else value
        tensors = [item for item in islice(items, _MOST) if isinstance(item, Tensor)]
        largest = [cls.of(tensor) for tensor in tensors] or [_NOTHING]
        return cls(max(size.cells for size in largest), max(size.rows for size in largest), len(value))


_NOTHING = Sizes()


def sizes(names: Mapping[str, Any], changed: Collection[int]) -> Mapping[str, Sizes]:
    """Return how large is what each name means; not how long a list is that was changed, by its identity."""
    found: dict[str, Sizes] = {}
    with torch._C.DisableTorchFunction():
        for name, value in islice(names.items(), _MOST):
            size = Sizes.of(value)
            if size is not _NOTHING:
                found[name] = size._replace(length=0) if id(value) in changed else size
    return found


def grown(before: Mapping[str, Sizes], after: Mapping[str, Sizes]) -> bool:
    """Return whether what some name means became larger, which was not empty."""
    return any(
        now > then > 0
        for name in before.keys() & after.keys()
        for then, now in zip(before[name], after[name], strict=True)
    )


def foretold(*turns: Mapping[str, Sizes], size: int, times: int) -> Sizes:
    """Return how large the largest becomes that became larger in two turns.

    Args:
        turns: How large each was before the first turn, after it, and after the second.
        size: How many turns the loop has.
        times: How often it turns, with the loops around it: by so many turns what grows steadily does.
    """
    first, second, third = turns
    found = [
        [_foretold(*three, size, times) for three in zip(first[name], second[name], third[name], strict=True)]
        for name in first.keys() & second.keys() & third.keys()
    ]
    return Sizes(*map(max, zip(*found, strict=True))) if found else _NOTHING


def _foretold(first: int, second: int, third: int, size: int, times: int) -> int:
    """Return how large becomes what was so large: it grows by as much each turn, or times as much."""
    one, other = second - first, third - second
    if first == 0 or max(one, other) <= 0:
        return 0
    if other <= _STEADY * one:
        return third + max(one, other) * times
    ratio = third / max(second, 1)
    known = ratio <= 1 or size * log(ratio) < _ENDLESS
    return ceil(third * ratio**size) if known else 2**_ENDLESS
