"""Leave the process as it was before a program ran: generators, and what has been switched."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

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


@dataclass(frozen=True, slots=True, eq=False)
class ProcessState:
    """What programs may change of a process, as it is at one moment.

    Attributes:
        generators: The states of the generators.
        arrays: How NumPy prints arrays; None where it is not loaded.
        dtype: torch's default dtype.
        gradients: Whether torch records for gradients.
        printing: How torch prints tensors.
        depth: How deep Python's calls may be.
    """

    generators: GeneratorStates
    arrays: Any
    dtype: torch.dtype
    gradients: bool
    printing: dict[str, Any]
    depth: int

    @classmethod
    def now(cls) -> Self:
        """Return the state that the process has now."""
        numpy: Any = sys.modules.get("numpy")
        return cls(
            GeneratorStates.now(),
            None if numpy is None else numpy.get_printoptions(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            asdict(PRINT_OPTS),
            sys.getrecursionlimit(),
        )

    def put_back(self) -> None:
        """Have the process in this state again."""
        self.generators.put_back()
        if self.arrays is not None:
            sys.modules["numpy"].set_printoptions(**self.arrays)
        torch.set_default_dtype(self.dtype)
        torch.set_grad_enabled(self.gradients)
        set_printoptions: Any = torch.set_printoptions
        set_printoptions(**self.printing)
        sys.setrecursionlimit(self.depth)


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed all generators and silence warnings while the context is open, and put all back at its end.

    Runs in several threads wait for each other, because they share torch's generator.
    """
    with seed_rng(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ProcessState.now()
        random.seed(seed)
        if before.arrays is not None:
            sys.modules["numpy"].random.seed(seed % 2**32)
        try:
            yield
        finally:
            before.put_back()
