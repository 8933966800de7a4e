"""What a backward pass takes that goes through steps of autograd's graph for which there are no nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.price import Price

next_step = torch._C._autograd._get_sequence_nr  # noqa: SLF001
"""Returns the number that the next step of autograd's graph will have: they are counted in each thread."""

MOST_STEPS = 5_000  # of a graph that are looked at one by one
_LEAF = 2**63  # a step that adds to the gradient of a leaf has a larger number than any other


class GraphPrices:
    """The prices of the calls that made autograd's graph.

    Attributes:
        calls: For each call that added steps: the number of the first of them, the one after the last, and
            the call's price; by the second.
        is_deep: Whether a graph had more steps than are looked at one by one.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, Price]] = []
        self._dearest: tuple[int, ...] = (0, 0)  # the most multiplications and reads of those looked at
        self._looked_at = 0
        self.is_deep = False

    def backward_pass(self, tensor: Tensor) -> Price:
        """Return the price of a backward pass from a tensor.

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
            while todo:
                if self.is_deep or len(seen) > MOST_STEPS:
                    self.is_deep = True
                    return total([price for _, _, price in self.calls], leaves)
                step = todo.pop()
                number = step._sequence_nr()  # noqa: SLF001 - torch has no other name for it
                if number >= _LEAF:
                    variable = getattr(step, "variable", None)
                    leaves += 0 if variable is None else variable.numel()
                    continue
                passed[self._place(number)] += 1
                for following, _ in step.next_functions:
                    if following is not None and following not in seen:
                        seen.add(following)
                        todo.append(following)
        unknown = passed.pop(-1, 0)
        prices = [self.calls[place][2] for place in passed]
        if unknown:
            prices.append(self._of_unknown(unknown))
        return total(prices, leaves)

    def _place(self, number: int) -> int:
        """Return the place of the call that made a step; −1 if none did."""
        place = bisect_right(self.calls, number, key=itemgetter(1))
        return place if place < len(self.calls) and self.calls[place][0] <= number else -1

    def _of_unknown(self, count: int) -> Price:
        """Return a price that is no less than that of so many calls, in what a backward pass takes."""
        for _, _, price in self.calls[self._looked_at :]:
            self._dearest = tuple(map(max, self._dearest, (price.multiplications, price.reads)))
        self._looked_at = len(self.calls)
        multiplications, reads = (count * most for most in self._dearest)
        return Price(multiplications=multiplications, reads=reads)


def step_of(tensor: Tensor) -> Any:
    """Return the step of autograd that made a tensor; None without one.

    Torch doesn't tell it of a part of `unbind` whose base was written since.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def total(prices: Sequence[Price], leaves: int = 0) -> Price:
    """Return the price of a backward pass through calls of some prices, to leaves of so many elements."""
    multiplications = sum([price.multiplications for price in prices])
    return Price(multiplications=multiplications, reads=leaves + sum([price.reads for price in prices]))
