"""torch's generator of random numbers: there is one in a process, and each run has it for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

import torch

_IN_USE = Lock()  # two runs in two threads would draw each other's numbers
_HAS_LOCK: ContextVar[bool] = ContextVar("held", default=False)  # by this run, whichever threads it has


@contextmanager
def lock_rng() -> Iterator[None]:
    """Have the generator while the context is open, and leave it as it was; other runs wait."""
    if _HAS_LOCK.get():
        with restore_rng():
            yield
        return
    with _IN_USE:
        token = _HAS_LOCK.set(True)
        try:
            with restore_rng():
                yield
        finally:
            _HAS_LOCK.reset(token)


@contextmanager
def restore_rng() -> Iterator[None]:
    """Leave the generator as it was, whatever is drawn while the context is open."""
    with torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def seed_rng(seed: int) -> Iterator[None]:
    """Have the generator, seeded, while the context is open, and leave it as it was; other runs wait."""
    with lock_rng():
        torch.default_generator.manual_seed(seed)  # and no other device's
        yield
