"""The pace of a talk: at which stop the speaker should be by now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def stop_due(minutes: Sequence[float | None], planned: float | None, seconds: float) -> int | None:
    """Return the number of the stop, from 1, at which a talk should be; None where nothing is planned.

    Args:
        minutes: The planned length of each stop; those without one share what the others leave.
        planned: The seconds that the whole is meant to take; what the stops say is stretched to it.
        seconds: The seconds that have passed.
    """
    given = [one for one in minutes if one is not None]
    if not minutes or (planned is None and not given):
        return None
    total = 60 * sum(given) if planned is None else planned
    open_stops = len(minutes) - len(given)
    share = max(0.0, total / 60 - sum(given)) / open_stops if open_stops else 0.0
    lengths = [60 * (share if one is None else one) for one in minutes]
    stretch = total / sum(lengths) if sum(lengths) else 1.0
    ends = accumulate(length * stretch for length in lengths)
    return next((number for number, end in enumerate(ends, 1) if seconds < end), len(minutes))
