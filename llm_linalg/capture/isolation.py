"""Leave the process as it was before a program ran: generators, and what has been switched."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._tensor_str import PRINT_OPTS

from llm_linalg.base.rng import seed_rng


class GeneratorStates(NamedTuple):
    """The states of the generators that a whole program shares; NumPy's only if it is loaded."""

    torch: Tensor
    numpy: Any
    random: Any

    @classmethod
    def now(cls) -> GeneratorStates:
        """Return the states that they have now."""
        numpy: Any = sys.modules.get("numpy")
        legacy = None if numpy is None else numpy.random.get_state()
        return cls(torch.default_generator.get_state(), legacy, random.getstate())

    def put_back(self) -> None:
        """Have the generators in these states again."""
        torch.default_generator.set_state(self.torch)
        random.setstate(self.random)
        if self.numpy is not None:
            sys.modules["numpy"].random.set_state(self.numpy)

    def drawn(self) -> frozenset[str]:
        """Return the packages whose generators have another state now."""
        now = GeneratorStates.now()
        same = {
            "torch": torch.equal(self.torch, now.torch),
            "numpy": self.numpy is None or _plain(self.numpy) == _plain(now.numpy),
            "random": self.random == now.random,
        }
        return frozenset(name for name, is_same in same.items() if not is_same)


def _plain(state: Any) -> tuple[Any, ...]:
    """Return a state of NumPy's generator so that two can be compared."""
    return state[1].tobytes(), state[2:]


class ProcessState:
    """What programs may change of a process, as it is when this is made.

    Attributes:
        generators: The states of the generators.
    """

    def __init__(self) -> None:
        self.generators = GeneratorStates.now()
        self._settings = [(put_back, get()) for get, put_back in _settings()]

    def put_back(self) -> None:
        """Have the process in this state again."""
        self.generators.put_back()
        for put_back, value in self._settings:
            put_back(value)


def _settings() -> Iterator[tuple[Callable[[], Any], Callable[[Any], object]]]:
    """Yield what returns a setting of the process, and what sets it."""
    yield torch.get_default_dtype, torch.set_default_dtype
    yield torch.is_grad_enabled, torch.set_grad_enabled
    yield sys.getrecursionlimit, sys.setrecursionlimit
    set_printoptions: Any = torch.set_printoptions
    yield partial(asdict, PRINT_OPTS), lambda own: set_printoptions(**own)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        yield numpy.get_printoptions, lambda own: numpy.set_printoptions(**own)


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed all generators and silence warnings while the context is open, and put all back at its end.

    Runs in several threads wait for each other, because they share torch's generator.
    """
    with seed_rng(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ProcessState()
        random.seed(seed)
        if before.generators.numpy is not None:
            sys.modules["numpy"].random.seed(seed % 2**32)
        try:
            yield
        finally:
            before.put_back()
