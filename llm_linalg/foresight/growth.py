"""How large becomes what a loop makes larger turn by turn: told by its first turns, in the dearest case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from math import ceil, log
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.foresight import back
from llm_linalg.foresight.wholes import LARGEST, between, bounds

_MOST = 200  # names, and items within one, that are looked at
_STEADY = 1.5  # times as much as by one turn something grows by the next: it may grow by as much by each
_LARGE, _MOST_CALLS = 2**25, 5_000  # of a number, or in all: more than there may be
_ENDLESS = 40  # times twice as large, more than anything may be


class Sizes(NamedTuple):
    """How large a value is; see `Least` for what each is held against.

    Attributes:
        cells: Of the largest tensor that it is, or has.
        rows: Likewise.
        length: Of a list or the like.
        letters: Of a text.
        number: Of a whole number, itself.
        calls: Through how many calls a gradient goes back from it, of the first few.
    """

    cells: int = 0
    rows: int = 0
    length: int = 0
    letters: int = 0
    number: int = 0
    calls: int = 0

    @classmethod
    def of(cls, value: Any) -> Sizes:
        """Return how large a value is; of an unknown one nothing is."""
        if isinstance(value, Tensor):
            return cls(cells=value.numel(), rows=value.shape[0] if value.dim() else 0)
        if isinstance(value, str):
            return cls(letters=len(value))
        if type(value) is int:
            return cls(number=max(value, 0))
        if not isinstance(value, list | tuple | dict):
            return _NOTHING
        items = value.values() if isinstance(value, dict) else value
        tensors = [item for item in islice(items, _MOST) if isinstance(item, Tensor)]
        largest = [cls.of(tensor) for tensor in tensors] or [_NOTHING]
        return cls(max(size.cells for size in largest), max(size.rows for size in largest), len(value))


_NOTHING = Sizes()


def sizes(names: Mapping[str, Any], changed: Collection[int], ways: bool) -> Mapping[str, Sizes]:
    """Return how large is what each name means.

    Args:
        names: What they mean.
        changed: The identities of lists that were changed: not how long those are.
        ways: Whether also the calls are counted that a gradient goes back through.
    """
    found: dict[str, Sizes] = {}
    with torch._C.DisableTorchFunction():
        for name, value in islice(names.items(), _MOST):
            size = Sizes.of(value)
            if ways and isinstance(value, Tensor):
                size = size._replace(calls=sum(1 for _ in islice(back.passed(value), _MOST)))
            if size is not _NOTHING:
                found[name] = size._replace(length=0) if id(value) in changed else size
    return found


def grown(before: Mapping[str, Sizes], after: Mapping[str, Sizes]) -> bool:
    """Return whether what some name means became larger, which was not empty; a number, twice as large.

    A way back becomes longer also from a tensor that no call gave.
    """
    return any(
        (now >= 2 * then if field == "number" else now > then) and (then > 0 or field == "calls")
        for name in before.keys() & after.keys()
        for field, then, now in zip(Sizes._fields, before[name], after[name], strict=True)
    )


def foretold(*turns: Mapping[str, Sizes], size: int, times: int) -> Mapping[str, Sizes]:
    """Return how large becomes what each name means, as far as it became larger in two turns.

    Args:
        turns: How large each was before the first turn, after it, and after the second.
        size: How many turns the loop has.
        times: How often it turns, with the loops around it: by so many turns what grows steadily does.
    """
    first, second, third = turns
    return {
        name: Sizes(
            *[
                _foretold(one, two, three, size, times) if one or field == "calls" else 0
                for field, one, two, three in zip(
                    Sizes._fields, first[name], second[name], third[name], strict=True
                )
            ]
        )
        for name in first.keys() & second.keys() & third.keys()
    }


def largest(found: Iterable[Sizes]) -> Sizes:
    """Return the largest of each."""
    return Sizes(*map(max, zip(_NOTHING, *found, strict=True)))


def _foretold(first: int, second: int, third: int, size: int, times: int) -> int:
    """Return how large becomes what was so large: it grows by as much each turn, or times as much."""
    one, other = second - first, third - second
    if max(one, other) <= 0:
        return 0
    if other <= _STEADY * one:
        return third + max(one, other) * times
    ratio = third / max(second, 1)
    known = ratio <= 1 or size * log(ratio) < _ENDLESS
    return ceil(third * ratio**size) if known else 2**_ENDLESS


def on_average(calls: int) -> int:
    """Return how many calls a way has on average that becomes so long, or as long as there may be calls."""
    return (min(calls, _MOST_CALLS) + 1) // 2


def becoming(known: Mapping[str, Any], sizes: Mapping[str, Sizes]) -> dict[str, Any]:
    """Return what is known of what becomes larger: numbers that no tensor may have as a size, and ways back.

    In the dearest case no more is known of it then, whatever a turn does to it.
    """
    found: dict[str, Any] = {}
    for name in known.keys() & sizes.keys():
        value, large = known[name], sizes[name]
        if isinstance(value, Tensor) and large.calls:
            with torch._C.DisableTorchFunction():
                found[name] = back.after(value, on_average(large.calls))
        elif (ends := bounds(value)) is not None and large.number > _LARGE:
            found[name] = between(ends[0], min(large.number, LARGEST))
    return found
