"""Windows of grids that keep a focus in view, and a length shared among several grids."""

from __future__ import annotations

from collections.abc import Sequence

GAP = 3


def window(count: int, size: int, focus: range) -> range:
    """Return `size` of `count` rows or columns, by pages, with the focus (or its beginning) among them.

    Pages move seldom, and depend on the focus alone: the same step gives the same window whichever way
    it was reached.
    """
    if count <= size:
        return range(count)
    if size <= 0:
        return range(0)
    start = min(focus.start // size * size, count - size) if len(focus) else 0
    if len(focus) and focus.stop > start + size:
        start = focus.stop - size if len(focus) <= size else focus.start
    start = max(0, min(start, count - size))
    return range(start, start + size)


def share(needs: Sequence[int], units: Sequence[int], budget: int) -> list[int] | None:
    """Return how many cells each grid gets of a length: all if there is room, else the smaller needs first.

    That is one at least where one is needed; None if there is no room for that. One cell of each takes its
    `units` of characters, of which `budget` are there.
    """
    counts = [min(need, 1) for need in needs]
    left = budget - sum(cells * unit for cells, unit in zip(counts, units, strict=True))
    if left < 0:
        return None
    order = sorted(range(len(needs)), key=lambda i: needs[i] * units[i])
    for position, i in enumerate(order):
        extra = min(needs[i] - counts[i], left // (len(order) - position) // units[i])
        counts[i] += extra
        left -= extra * units[i]
    for i in reversed(order):  # what rounding left over
        extra = min(needs[i] - counts[i], left // units[i])
        counts[i] += extra
        left -= extra * units[i]
    return counts


def first_focus(focuses: Sequence[range]) -> range:
    """Return the first focus that is not empty."""
    return next((focus for focus in focuses if len(focus)), range(0))
