"""What a backward pass takes that goes through steps of autograd's graph for which there are no nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops import TABLE
from llm_linalg.ops.price import Price
from llm_linalg.ops.subnormals import FEW_PRODUCTS
from llm_linalg.ops.torch_names import short_name

next_step = torch._C._autograd._get_sequence_nr  # noqa: SLF001
"""Returns the number that the next step of autograd's graph will have: they are counted in each thread."""

MOST_STEPS = 5_000  # of a graph that are looked at one by one
_LEAF = 2**63  # a step that adds to the gradient of a leaf has a larger number than any other


class LargeStep(NamedTuple):
    """A step of autograd's graph whose gradient takes many products.

    Attributes:
        step: The step.
        name: The name of the operation of which it is a part.
        price: The price of that call.
        tensors: The tensors that its gradient is multiplied with.
    """

    step: Any
    name: str
    price: Price
    tensors: list[Tensor]


class BackwardPass(NamedTuple):
    """What a backward pass goes through.

    Attributes:
        prices: The prices of the calls, once each.
        leaves: The number of elements of the leaves that get a gradient.
        large: The calls whose gradients take many products.
    """

    prices: Sequence[Price]
    leaves: int
    large: Sequence[LargeStep]


class GraphPrices:
    """The prices of the calls that made autograd's graph.

    Attributes:
        calls: For each call that added steps: the number of the first of them, the one after the last,
            the call's price, and its function; by the second.
        is_deep: Whether a graph had more steps than are looked at one by one.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, Price, Any]] = []
        # The most multiplications, reads and backward steps of those looked at.
        self._dearest: tuple[int, ...] = (0, 0, 0)
        self._looked_at = 0
        self.is_deep = False

    def backward_pass(self, tensor: Tensor) -> BackwardPass:
        """Return what a backward pass from a tensor goes through.

        A step that no call is known to have made counts as much as the dearest call. Once a graph is deep,
        a pass counts as one through all calls: torch lets go of steps that Python has looked at one within
        the other, which some tens of thousands in a row would end in a fault.
        """
        with untraced():
            start = step_of(tensor)
            leaves = tensor.numel() if start is None and tensor.requires_grad else 0
            todo: list[Any] = [] if start is None else [start]
            seen = set(todo)
            passed: Counter[int] = Counter()  # how many steps of each call; −1 stands for none
            large: dict[int, LargeStep] = {}
            while todo:
                if self.is_deep or len(seen) > MOST_STEPS:
                    self.is_deep = True
                    return BackwardPass([self._of_all()], leaves, [])
                step = todo.pop()
                number = step._sequence_nr()  # noqa: SLF001 - torch has no other name for it
                if number >= _LEAF:
                    variable = getattr(step, "variable", None)
                    leaves += 0 if variable is None else variable.numel()
                    continue
                place = self._place(number)
                passed[place] += 1
                if place >= 0 and self.calls[place][2].products > FEW_PRODUCTS:
                    _, _, price, function = self.calls[place]
                    own = large.setdefault(place, LargeStep(step, _name_of(function), price, []))
                    own.tensors.extend(_saved_tensors(step))
                for following, _ in step.next_functions:
                    if following is not None and following not in seen:
                        seen.add(following)
                        todo.append(following)
        unknown = passed.pop(-1, 0)
        prices = [self.calls[place][2] for place in passed]
        if unknown:
            prices.append(self._of_unknown(unknown))
        return BackwardPass(prices, leaves, list(large.values()))

    def _place(self, number: int) -> int:
        """Return the place of the call that made a step; −1 if none did."""
        place = bisect_right(self.calls, number, key=itemgetter(1))
        return place if place < len(self.calls) and self.calls[place][0] <= number else -1

    def _of_all(self) -> Price:
        """Return the price of all calls, in what a backward pass takes."""
        prices = [price for _, _, price, _ in self.calls]
        multiplications = sum([price.multiplications for price in prices])
        reads = sum([price.reads for price in prices])
        steps = sum([price.backward_steps for price in prices])
        return Price(0, 0, multiplications, 0, reads, steps)

    def _of_unknown(self, count: int) -> Price:
        """Return a price that is no less than that of so many calls, in what a backward pass takes."""
        for _, _, price, _ in self.calls[self._looked_at :]:
            own = price.multiplications, price.reads, price.backward_steps
            self._dearest = tuple(map(max, self._dearest, own))
        self._looked_at = len(self.calls)
        multiplications, reads, steps = (count * most for most in self._dearest)
        return Price(0, 0, multiplications, 0, reads, steps)


def step_of(tensor: Tensor) -> Any:
    """Return the step of autograd that made a tensor; None without one.

    Torch doesn't tell it of a part of `unbind` whose base was written since.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def _name_of(function: Any) -> str:
    entry = TABLE.entry(function)
    return short_name(function) if entry is None else entry.operation.name


def _saved_tensors(step: Any) -> list[Tensor]:
    """Return the factors that a step has kept for its gradient; none once it has been gone through."""
    try:
        found = [
            getattr(step, "_saved_self", None),
            getattr(step, "_saved_other", None),
            getattr(step, "_saved_mat1", None),
            getattr(step, "_saved_mat2", None),
            getattr(step, "_saved_vec", None),
            getattr(step, "_saved_batch1", None),
            getattr(step, "_saved_batch2", None),
            getattr(step, "_saved_input", None),
            getattr(step, "_saved_weight", None),
            getattr(step, "_saved_query", None),
            getattr(step, "_saved_key", None),
            getattr(step, "_saved_value", None),
        ]
    except RuntimeError:  # torch will say so
        return []
    return [value for value in found if isinstance(value, Tensor)]
