"""Garbage collection while a program runs: what was there before is not gone through again and again.

A run makes many objects that stay: each node of its trace. So Python looks for garbage often, and now and
then among all that torch and the app have made too. While a program runs that is put off. What it made is
collected as ever: a trace that nobody holds any more takes no memory for long, however many runs follow.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SELDOM = 400  # collections of newer objects before one of all; Python's own number is 10
_LOCK = Lock()
_running = 0
_before: tuple[int, int, int] | None = None
_meanwhile: tuple[int, int, int] | None = None


@contextmanager
def rare_full_collections() -> Iterator[None]:
    """Let Python look for garbage among new objects, and seldom among all, while the context is open.

    Several threads may be in it. What somebody else says meanwhile of how often it looks stays so.
    """
    global _running, _before, _meanwhile  # noqa: PLW0603  the collector is one for all threads
    with _LOCK:
        _running += 1
        if _running == 1:
            _before = first, second, third = gc.get_threshold()
            gc.set_threshold(first, second, max(third, SELDOM) if third else third)
            _meanwhile = gc.get_threshold()
    try:
        yield
    finally:
        with _LOCK:
            _running -= 1
            if not _running and _before is not None and gc.get_threshold() == _meanwhile:
                gc.set_threshold(*_before)
