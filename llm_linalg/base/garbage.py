"""Make collections of old garbage rare while a program runs.

A run creates many objects that stay, such as the nodes of its trace. They trigger collections, some of them
full ones, which traverse all objects of torch and the app as well. While a program runs, only what is new is
collected as usual. A released trace waits for no collection: it holds no circle of references.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SELDOM = 4_000  # collections of a generation per one of the next; Python's default is 10
_LOCK = Lock()
_running = 0
_before: tuple[int, int, int] | None = None
_meanwhile: tuple[int, int, int] | None = None


@contextmanager
def rare_full_collections() -> Iterator[None]:
    """Collect the older generations only rarely while the context is open.

    Several threads may enter it. Thresholds that somebody else sets in the meantime are left alone.
    """
    global _running, _before, _meanwhile  # noqa: PLW0603  the collector is one for all threads
    with _LOCK:
        _running += 1
        if _running == 1:
            _before = first, second, third = gc.get_threshold()
            gc.set_threshold(first, *(max(each, SELDOM) if each else each for each in (second, third)))
            _meanwhile = gc.get_threshold()
    try:
        yield
    finally:
        with _LOCK:
            _running -= 1
            if not _running and _before is not None and gc.get_threshold() == _meanwhile:
                gc.set_threshold(*_before)
