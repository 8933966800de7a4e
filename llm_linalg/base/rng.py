"""torch's generator of random numbers: there is one in a process, and each run has it for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

import torch

_IN_USE = Lock()  # two runs in two threads would draw each other's numbers
_HELD: ContextVar[bool] = ContextVar("held", default=False)  # by this run, whichever threads it has


@contextmanager
def forked() -> Iterator[None]:
    """Have the generator while the context is open, and leave it as it was; other runs wait."""
    if _HELD.get():
        with resumed():
            yield
        return
    with _IN_USE:
        token = _HELD.set(True)
        try:
            with resumed():
                yield
        finally:
            _HELD.reset(token)


@contextmanager
def resumed() -> Iterator[None]:
    """Leave the generator as it was, whatever is drawn while the context is open."""
    with torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Have the generator, seeded, while the context is open, and leave it as it was; other runs wait."""
    with forked():
        torch.default_generator.manual_seed(seed)  # and no other device's
        yield
