"""What calls in gaps have cost: what a backward pass through them is charged, as no node has their prices."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import torch

from llm_linalg.ops.price import Price

_sequence_number = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]  # noqa: SLF001


class _Mark(NamedTuple):
    """What calls in gaps have cost in all before a moment.

    Attributes:
        first: The number that autograd gives to the next step of its graph.
        multiplications: As in a price.
        reads: Likewise.
        backward_steps: Likewise.
        in_gap: Whether what follows is in a gap.
    """

    first: int
    multiplications: int
    reads: int
    backward_steps: int
    in_gap: bool


_BEFORE = _Mark(0, 0, 0, 0, False)


class GapPrices:
    """The prices of calls in gaps, summed up.

    Autograd numbers the steps of its graph in the order in which they are made. So whatever a graph has that
    no node stands for was made by calls since its oldest such step, and costs no more than these.
    """

    def __init__(self) -> None:
        self._multiplications = self._reads = self._backward_steps = 0
        self._marks: list[_Mark] = []

    def add(self, price: Price) -> None:
        """Take in the price of a call."""
        self._multiplications += price.multiplications
        self._reads += price.reads
        self._backward_steps += price.backward_steps

    def mark(self, *, in_gap: bool) -> None:
        """Take note that a gap begins or ends, or a backward pass: what is made now is told from what was.

        Args:
            in_gap: Whether what follows is in a gap.
        """
        sums = self._multiplications, self._reads, self._backward_steps
        self._marks.append(_Mark(_sequence_number(), *sums, in_gap))

    def has(self, number: int) -> bool:
        """Return whether a step of the graph was made in a gap, given its number."""
        return self._mark_of(number).in_gap

    def _mark_of(self, number: int) -> _Mark:
        """Return the last mark before a step was made; of one that is older than all, one of no gap."""
        place = bisect_right(self._marks, number, key=lambda mark: mark.first)
        return self._marks[place - 1] if place else _BEFORE

    def since(self, oldest: int) -> Price:
        """Return what calls have cost since a step of the graph was made, in what a pass through them takes.

        Args:
            oldest: The number of that step.
        """
        mark = self._mark_of(oldest)
        return Price(
            outputs=0,
            elements=0,
            multiplications=self._multiplications - mark.multiplications,
            steps=0,
            reads=self._reads - mark.reads,
            backward_steps=self._backward_steps - mark.backward_steps,
        )
