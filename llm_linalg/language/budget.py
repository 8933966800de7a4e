"""What a program may ask for, known before it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Clash, Shape
from llm_linalg.errors import LimitError
from llm_linalg.ops.call import Call
from llm_linalg.ops.unlisted import Unlisted

_GROWING = frozenset(
    {
        "repeat",
        "repeat_interleave",
        "tile",
        "pad",
        "diag",
        "diag_embed",
        "getitem",
        "gather",
        "index_select",
        "kron",
    }
)


@dataclass(slots=True)
class Budget:
    """Bounds on a program's calls, held call by call.

    Attributes:
        cells: The most cells of one tensor.
        multiplications: The most multiplications (or like work) of one call.
        total: The most cells of all tensors together.
        work: The most multiplications of all calls together.
    """

    cells: int = 2**25
    multiplications: int = 2**37
    total: int = 2**28
    work: int = 2**38

    def check(self, call: Call) -> None:
        """Hold a call against the budget before it is computed.

        Raises:
            LimitError: If it asks for more.
        """
        try:
            shape = call.operation.infer(call)
            if shape is None and _may_grow(call):
                shape = on_meta(call)
            if shape is None:
                return
            cells, work = prod(shape), call.operation.cost(call, shape)
        except (Clash, TypeError, ValueError, IndexError, OverflowError, KeyError, AttributeError):
            return  # torch refuses it, and says why
        name = call.operation.name
        if cells > self.cells:
            raise LimitError(f"{name} would make {cells:,} cells; {self.cells:,} are allowed")
        if work > self.multiplications:
            raise LimitError(
                f"{name} would need {work:,} multiplications; {self.multiplications:,} are allowed"
            )
        self.total -= cells
        self.work -= work
        if self.total < 0 or self.work < 0:
            raise LimitError("the program as a whole asks for more than the budget allows")


def _may_grow(call: Call) -> bool:
    return isinstance(call.operation, Unlisted) or call.operation.name in _GROWING


def on_meta(call: Call) -> Shape | None:
    """Return the output's shape from the same call on tensors without memory, or None."""
    try:
        with torch._C.DisableTorchFunction():
            result: Any = call.replay([tensor.detach().to("meta") for tensor in call.tensors])
    except Exception:  # noqa: BLE001  torch raises many kinds here, and each means: not known beforehand
        return None
    return tuple(result.shape) if isinstance(result, Tensor) else None


def check_layer(budget: Budget, name: str, sizes: list[Any]) -> None:
    """Hold a layer's parameters against the budget: the product of its sizes bounds them."""
    numbers = [abs(size) for size in sizes if isinstance(size, int) and not isinstance(size, bool)]
    if prod(numbers[:2]) > budget.cells:
        raise LimitError(f"nn.{name} would make {prod(numbers[:2]):,} cells; {budget.cells:,} are allowed")
