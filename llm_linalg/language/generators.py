"""`torch.Generator`: random numbers of one's own, which a program seeds and hands to what draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from llm_linalg.language.torch_functions import cpu_device


def make_generator(device: Any = "cpu") -> torch.Generator:
    """Do what `torch.Generator` does, for the CPU."""
    return torch.Generator(cpu_device(device))


def _seed(generator: torch.Generator, seed: int) -> torch.Generator:
    return generator.manual_seed(int(seed))


METHODS: Mapping[str, Callable[..., Any]] = {
    "manual_seed": _seed,
    "initial_seed": lambda generator: generator.initial_seed(),
}
