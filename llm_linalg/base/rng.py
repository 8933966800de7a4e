"""Serialise runs on torch's global random number generator, and restore its state afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from threading import Lock

import torch

_IN_USE = Lock()  # without it, runs in two threads would draw each other's numbers
restore_rng = partial(torch.random.fork_rng, devices=[])
"""A context manager at whose end the CPU's generator has its state again."""
_HAS_LOCK: ContextVar[bool] = ContextVar("held", default=False)  # per run, in all of its threads


@contextmanager
def lock_rng() -> Iterator[None]:
    """Hold the generator while the context is open, then restore its state; other runs wait. Re-entrant."""
    if _HAS_LOCK.get():
        with restore_rng():
            yield
        return
    with _IN_USE, restore_rng():
        token = _HAS_LOCK.set(True)
        try:
            yield
        finally:
            _HAS_LOCK.reset(token)


@contextmanager
def seed_rng(seed: int) -> Iterator[None]:
    """Hold the generator and seed it while the context is open, then restore its state; other runs wait."""
    with lock_rng():
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every device
        yield
