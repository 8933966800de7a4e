"""torch's generator of random numbers: there is one in a process, and each run has it for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_IN_USE = RLock()  # two runs in two threads would draw each other's numbers


@contextmanager
def forked() -> Iterator[None]:
    """Have the generator while the context is open, and leave it as it was; other threads wait."""
    with _IN_USE, torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Have the generator, seeded, while the context is open, and leave it as it was; other threads wait."""
    with forked():
        torch.default_generator.manual_seed(seed)  # and no other device's
        yield
