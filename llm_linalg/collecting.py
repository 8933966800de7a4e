"""Garbage collection while a program runs: what was there before is not gone through again and again.

A run makes many objects that stay: each node of its trace. So Python looks for garbage often, and each time
among all that torch and the app have made too, which was a third of the time of a run.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = Lock()
_running = 0
_frozen = False


@contextmanager
def old_objects_kept() -> Iterator[None]:
    """Let Python look for garbage among new objects alone while the context is open.

    Several threads may be in it. Objects that somebody else has frozen stay so.
    """
    global _running, _frozen  # noqa: PLW0603  the collector is one for all threads
    with _LOCK:
        _running += 1
        if _running == 1 and not gc.get_freeze_count():
            gc.freeze()
            _frozen = True
    try:
        yield
    finally:
        with _LOCK:
            _running -= 1
            if not _running and _frozen:
                gc.unfreeze()
                _frozen = False
