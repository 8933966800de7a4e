"""Make collections of old garbage rare while a program runs.

A run creates many objects that stay, such as the nodes of its trace. They trigger collections, some of them
full ones, which traverse all objects of torch and the app as well. While a program runs, only what is new is
collected as usual. A released trace waits for no collection: it holds no circle of references.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

MANY = 20_000  # nodes, whose objects a collection takes a tenth of a second to look through
SELDOM = 20_000  # collections of a generation per one of the next; Python's default is 10
_LOCK = Lock()
_found: list[tuple[int, int, int]] = []  # by each run under way: whichever ends last restores the first


@contextmanager
def rare_full_collections() -> Iterator[None]:
    """Collect the older generations only rarely while the context is open; several threads may enter it."""
    with _LOCK:
        _found.append(gc.get_threshold())
        gc.set_threshold(_found[-1][0], SELDOM, SELDOM)
    try:
        yield
    finally:
        with _LOCK:
            gc.set_threshold(*_found.pop())


def spare(nodes: int) -> None:
    """Leave what there is by now out of all collections, if a trace of many nodes is among it.

    For whoever owns the process: what is garbage in a circle by now is not collected either.
    """
    if nodes >= MANY:
        gc.freeze()
