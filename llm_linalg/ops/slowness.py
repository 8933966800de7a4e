"""How long functions take whose time depends on the numbers that they are handed."""

from __future__ import annotations

from math import isfinite, log2

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call

_WHOLE = 6
_A_BIT = 12  # elements of a sum that a binary digit of a quotient takes as long as, of the smallest floats
_MOST_BITS = 2_200
_A_STEP = 13
_SERIES = 90


def quotient_slowness(call: Call) -> int:
    """Return how long a quotient or remainder takes: floats are divided digit by digit."""
    sides = [value for name, value in call.arguments.items() if name in ("input", "other")]
    if not any(tensor.is_floating_point() for tensor in call.tensors):
        return _WHOLE
    with untraced():
        most, least = (_extent(side, largest) for side, largest in zip(sides, (True, False), strict=True))
    if not isfinite(most) or not isfinite(least) or not least:
        return _A_BIT * _MOST_BITS
    return _WHOLE + int(_A_BIT * max(0.0, log2(most) - log2(least))) if most else _WHOLE


def _extent(side: Tensor | float, largest: bool) -> float:
    """Return the largest number of a side by its size, or the smallest but 0."""
    if not isinstance(side, Tensor):
        return abs(float(side)) or (0.0 if largest else 1.0)
    sizes = side.detach().abs().double()
    sizes = sizes if largest else sizes[sizes > 0]
    if not sizes.numel():
        return 0.0 if largest else 1.0
    return float(sizes.max() if largest else sizes.min())


def series_slowness(call: Call) -> int:
    """Return how long a zeta function takes: below 0 it is counted up, one by one."""
    place = call.place("other") if "other" in call.arguments else call.place("input")
    side = call.arguments["other"] if place is None else call.tensors[place].detach()
    with untraced():
        numbers = torch.as_tensor(side, dtype=torch.float64)
        numbers = numbers[numbers.isfinite()]
        least = float(numbers.min()) if numbers.numel() else 0.0
    return _SERIES + int(_A_STEP * max(0.0, -least))
