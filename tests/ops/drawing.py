"""What samples of calls are drawn from: shapes, axes, numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

Shape = tuple[int, ...]
Draw = st.DrawFn
Build = Callable[[Draw], "Sample"]


class Sample:
    """A function of tensors that makes one call of an operation."""

    def __init__(self, function: Callable[..., Any], inputs: tuple[Tensor, ...]) -> None:
        self.function = function
        self.inputs = inputs

    def __repr__(self) -> str:
        return f"Sample of {[tuple(x.shape) for x in self.inputs]}"


def values(shape: Shape, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Returns generic numbers: no two alike, none 0, the same each time."""
    generator = torch.Generator().manual_seed(seed)
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) < 0.5
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    return torch.randint(-9, 10, shape, generator=generator).to(dtype)


def shapes(low: int = 0, high: int = 3, smallest: int = 0) -> st.SearchStrategy[Shape]:
    """Returns shapes of `low` to `high` axes; axes of size 0 and 1 are as likely as others."""
    return st.lists(st.integers(smallest, 3), min_size=low, max_size=high).map(tuple)


@st.composite
def broadcast(draw: Draw, count: int) -> tuple[Shape, ...]:
    """Draws shapes that are broadcast against each other."""
    whole = draw(shapes())
    found = []
    for _ in range(count):
        own = tuple(1 if draw(st.booleans()) else size for size in whole)
        found.append(own[draw(st.integers(0, len(own))) :])
    return tuple(found)


def axis(draw: Draw, shape: Shape) -> int:
    """Draws an axis of a shape, from either end."""
    return draw(st.integers(-len(shape), len(shape) - 1))
