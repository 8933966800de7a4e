"""A budget from which a rehearsal takes what the run takes at least, or, in the dearest case, at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from math import prod
from operator import sub
from typing import Any

from torch import Tensor, nn

from llm_linalg.foresight.columns import Column
from llm_linalg.foresight.unknown import ANY, UNKNOWN, Unknown
from llm_linalg.foresight.wholes import bounds
from llm_linalg.language import costs, layered, plain
from llm_linalg.language.budget import Asked, Budget
from llm_linalg.ops.call import Call

A_GUESSED_TENSOR = 2**21  # cells of one whose size is a number that only the run will know
_FEW = 100
_SHOWN = 1_000  # cells that the text of a tensor has at most


@dataclass(slots=True)
class Least(Budget):
    """A budget from which a rehearsal takes; what it does not know takes nothing, but for being a text.

    In the dearest case it takes as much as the largest of its kind that was known so far.

    Attributes:
        dearest: Whether this is the dearest case.
        turns: How often what is gone through now comes: the turns of all loops around it.
    """

    dearest: bool = False
    turns: int = field(default=1, init=False)
    _cells: int = field(default=1, init=False)
    _work: int = field(default=1, init=False)
    _length: int = field(default=1, init=False)
    _letters: int = field(default=1, init=False)
    _layers: int = field(default=0, init=False)

    def take(self, call: Call, asked: Asked) -> None:
        """Take what a call asks for."""
        self._cells, self._work = max(self._cells, asked.cells), max(self._work, asked.work)
        Budget.take(self, call, asked)

    def met(self, *values: Any) -> None:
        """Know that there are these values, which may be lists or the like."""
        for value in values:
            if isinstance(value, str):
                self._letters = max(self._letters, len(value))
            elif isinstance(value, list | tuple | dict | range):
                self._length = max(self._length, len(value))

    def met_within(self, *several: Iterable[Any]) -> None:
        """Know that there are these values, and what is in them, as far as they are few."""
        for value in chain.from_iterable(several):
            self.met(value)
            if isinstance(value, nn.Module):
                self._layers = max(self._layers, layered.count(value))
            elif isinstance(value, Tensor):
                self._cells = max(self._cells, value.numel())
            items = value.values() if isinstance(value, dict) else value
            if isinstance(value, list | tuple | dict):
                self.met(*islice(items, _FEW))

    def grows(self) -> None:
        """Know that a list, or a layer, may become longer by an item, as often as it comes to that."""
        self._length = max(self._length, self.turns)
        self._layers = self._layers and max(self._layers, self.turns)

    def longest(self, kind: type | None) -> Column:
        """Return what is known of the items of something: it is as long as any of its kind."""
        self.go_through(self._most(kind))
        return Column(self._most(kind), UNKNOWN[str] if kind is str else ANY)

    def _most(self, kind: type | None) -> int:
        """Return how many items something of a kind has at most; a number has none."""
        return self._letters if kind is str else self._length if kind in (None, dict) else 0

    def weigh(self, *values: Any) -> None:
        """Count the items of plain values; of a text that is not known there is none for sure."""
        several = [value for value in values if value.__class__ not in plain.SINGLE]
        if not several:
            return
        Budget.weigh(self, *["" if value is UNKNOWN[str] else value for value in several])
        if self.dearest:
            self.met(*several)
            unknown = sum(self._most(value.kind) for value in several if isinstance(value, Unknown))
            if unknown:
                self.go_through(unknown)

    def guess(self, tensors: int = 1, calls: bool = True, multiplies: bool = True) -> None:
        """Take what an expression takes at most of which nothing is known, in the dearest case."""
        if self.dearest:
            self.tensors -= tensors
            self.total -= self._cells * calls
            self.work -= self._work * multiplies
            self.exceeded()

    def guess_back(self) -> None:
        """Take a backward pass of which nothing is known, in the dearest case: through all that was done."""
        if self.dearest:
            total, work, tensors, *_ = map(sub, self._whole, self.left)
            self.step(costs.A_CALL_BACK * tensors)
            self.works(2 * work)
            self.fill(2 * total)

    def guess_size(self, sizes: Sequence[Any]) -> None:
        """Take a tensor whose sizes are numbers that only the run will know, in the dearest case."""
        if self.dearest:
            most = [bounds(size) for size in sizes]
            known = [end[1] for end in most if end is not None and end[1] is not None]
            self.total -= max(prod(known), 0) if len(known) == len(sizes) else A_GUESSED_TENSOR
            self.exceeded()

    def guess_layers(self) -> None:
        """Take what it takes to go through all layers within one, in the dearest case."""
        if self.dearest:
            self.step(costs.A_LAYER_MET * self._layers)
            self.go_through(self._layers)

    def guess_text(self, kind: type | None) -> None:
        """Take the text of a value of which at most the kind is known, in the dearest case."""
        if self.dearest and kind not in plain.KINDS:
            self.step(costs.A_TEXT)
            cells = costs.TEXT_OF_A_CELL * min(self._cells, _SHOWN)
            self.go_through(cells if kind else max(cells, costs.TEXT_OF_AN_ITEM * self._length))
