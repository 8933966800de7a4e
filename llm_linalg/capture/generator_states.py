"""Which of the generators of random numbers that a whole program shares were drawn from."""

from __future__ import annotations

import random
import sys
from typing import Any, NamedTuple

import torch
from torch import Tensor


class GeneratorStates(NamedTuple):
    """The states of the generators at one moment; NumPy's only if it is loaded."""

    torch: Tensor
    numpy: Any
    random: Any

    @classmethod
    def now(cls) -> GeneratorStates:
        """Return the states that they have now."""
        numpy: Any = sys.modules.get("numpy")
        legacy = None if numpy is None else numpy.random.get_state()
        return cls(torch.get_rng_state(), legacy and (legacy[1].tobytes(), legacy[2:]), random.getstate())

    def drawn(self) -> frozenset[str]:
        """Return the packages whose generators have another state now."""
        now = GeneratorStates.now()
        same = {
            "torch": torch.equal(self.torch, now.torch),
            "numpy": self.numpy in (None, now.numpy),
            "random": self.random == now.random,
        }
        return frozenset(name for name, is_same in same.items() if not is_same)
