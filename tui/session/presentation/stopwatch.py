"""A stopwatch as a value, and the pace of a talk; times are in seconds and come from outside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from typing import NamedTuple


class Stopwatch(NamedTuple):
    """The time that a talk has taken.

    Attributes:
        before: The seconds counted before it was last started.
        since: The time when it was last started, of a monotonic clock; None while it is stopped.
    """

    before: float = 0.0
    since: float | None = None

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return self.since is not None

    def seconds(self, now: float) -> float:
        """Return the seconds counted until now."""
        return self.before + (now - self.since if self.since is not None else 0.0)

    def start(self, now: float) -> Stopwatch:
        """Return it counting; one that counts already goes on."""
        return self if self.running else self._replace(since=now)

    def pause(self, now: float) -> Stopwatch:
        """Return it stopped at what it has counted."""
        return Stopwatch(self.seconds(now))

    def reset(self, now: float) -> Stopwatch:
        """Return it at zero; one that counts goes on from there."""
        return Stopwatch(0.0, now if self.running else None)


def time_left(planned: float, seconds: float) -> int:
    """Return the whole seconds that are left, which with the whole seconds passed add up to the plan."""
    return ceil(planned - int(seconds))


def minutes_text(minutes: float) -> str:
    """Return minutes as `2 min`, or below one as `15 s`."""
    return f"{minutes:g} min" if minutes >= 1 else f"{60 * minutes:g} s"


def clock_text(seconds: float) -> str:
    """Return seconds as `4:05` or `1:04:05`, with a sign below zero."""
    whole = int(abs(seconds))
    hours, minutes = divmod(whole // 60, 60)
    text = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{'-' if seconds < 0 and whole else ''}{text}:{whole % 60:02}"


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
