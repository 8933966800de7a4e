"""Room for a run's frames, all in one piece of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SLOTS = 2**15  # a frame takes some twenty, so that a thousand fit beside this one


def roomy(run: Callable[[], T]) -> T:
    """Call a function that recurses deeply, and return what it returns.

    CPython keeps a thread's frames in pieces of 16 kB, doubled until the frame fits that needs a new one, and
    returns a piece as soon as the last frame in it is left. A recursion whose leaves lie just beyond the end
    of a piece asks the system for memory at each leaf, and runs three times as long. This function's frame
    claims so large a stack that it needs a piece of its own, and what it calls has the rest of that.
    """
    return run()


roomy.__code__ = roomy.__code__.replace(co_stacksize=_SLOTS)
