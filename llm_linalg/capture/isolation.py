"""Leave the process as it was before a program ran: generators, and what has been switched."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torch._tensor_str import PRINT_OPTS

from llm_linalg.base.rng import seed_rng


@dataclass(frozen=True, slots=True, eq=False)
class ProcessState:
    """What programs may change of a process, as it is at one moment.

    Attributes:
        generator: The state of torch's generator.
        python: That of Python's.
        numpy: That of NumPy's, and how arrays are printed; None where NumPy is not loaded.
        dtype: torch's default dtype.
        gradients: Whether torch records for gradients.
        printing: How torch prints tensors.
        depth: How deep Python's calls may be.
    """

    generator: Tensor
    python: Any
    numpy: tuple[Any, Any] | None
    dtype: torch.dtype
    gradients: bool
    printing: dict[str, Any]
    depth: int

    @classmethod
    def now(cls) -> Self:
        """Return the state that the process has now."""
        numpy: Any = sys.modules.get("numpy")
        return cls(
            torch.default_generator.get_state(),
            random.getstate(),
            None if numpy is None else (numpy.random.get_state(), numpy.get_printoptions()),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            asdict(PRINT_OPTS),
            sys.getrecursionlimit(),
        )

    def put_back(self) -> None:
        """Have the process in this state again."""
        torch.default_generator.set_state(self.generator)
        random.setstate(self.python)
        if self.numpy is not None:
            numpy: Any = sys.modules["numpy"]
            numpy.random.set_state(self.numpy[0])
            numpy.set_printoptions(**self.numpy[1])
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
        if before.numpy is not None:
            sys.modules["numpy"].random.seed(seed % 2**32)
        try:
            yield
        finally:
            before.put_back()
