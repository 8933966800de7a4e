"""Counts what Python calls, since a time says as much of the machine as of the code."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class TooMany(BaseException):
    """More was called than is allowed."""


@contextmanager
def at_most(calls: int) -> Iterator[list[int]]:
    """Fails as soon as more functions are called in this thread, Python's own or others."""
    made = [0]

    def called(_frame: FrameType, event: str, _what: Any) -> None:
        made[0] += event in ("call", "c_call")
        if made[0] > calls:
            sys.setprofile(None)
            raise TooMany(f"more than {calls:,} calls")

    sys.setprofile(called)
    try:
        yield made
    finally:
        sys.setprofile(None)
