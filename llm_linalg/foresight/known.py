"""How large the things are that a rehearsal has met, for what it has to guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from math import prod
from typing import Any

from torch import Tensor, nn

from llm_linalg.axes import Shape
from llm_linalg.errors import LimitError
from llm_linalg.foresight.growth import Sizes, on_average
from llm_linalg.foresight.unknown import Unknown
from llm_linalg.language import layered, plain, printing
from llm_linalg.language.budget import Asked, Budget
from llm_linalg.ops.call import Call

_FEW = 100


def _nothing(_: int) -> None:
    pass


@dataclass(slots=True)
class Known(Budget):
    """A budget that knows the largest of each kind of thing so far.

    Attributes:
        dearest: Whether what is not known takes as much as the largest of its kind.
        largest: The shape of the largest tensor that there surely is.
        turns: How often what is gone through now comes: the turns of all loops around it.
        went_on: Counts steps of the rehearsal; it may end it.
    """

    dearest: bool = False
    largest: Shape = field(default=(1,), init=False)
    turns: int = field(default=1, init=False)
    went_on: Callable[[int], None] = field(default=_nothing, init=False)
    _cells: int = field(default=1, init=False)
    _work: int = field(default=1, init=False)
    _rows: int = field(default=1, init=False)
    _length: int = field(default=1, init=False)
    _lengthened: bool = field(default=False, init=False)
    _letters: int = field(default=1, init=False)
    _layers: int = field(default=0, init=False)
    _calls: int = field(default=0, init=False)
    _supposed: int = field(default=0, init=False)

    def take(self, call: Call, asked: Asked) -> None:
        """Take what a call asks for."""
        self._cells, self._work = max(self._cells, asked.cells), max(self._work, asked.work)
        if asked.shape:
            self._rows = max(self._rows, asked.shape[0])
            self._is_there(asked.shape)
        Budget.take(self, call, asked)

    def _is_there(self, shape: Shape) -> None:
        if not self._supposed and prod(shape) > prod(self.largest):
            self.largest = shape

    @contextmanager
    def supposing(self) -> Iterator[None]:
        """Know that what is made while the context is open may not be there in the run."""
        self._supposed += 1
        try:
            yield
        finally:
            self._supposed -= 1

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
                self._is_there(tuple(value.shape))
                self._rows = max(self._rows, *value.shape[:1], 1)
            items = value.values() if isinstance(value, dict) else value
            if isinstance(value, list | tuple | dict):
                self.met(*islice(items, _FEW))

    def grows(self, longest: int = 0) -> None:
        """Know that a list may become so long, or if not given an item longer each time; so a layer."""
        self._lengthened = True
        self._length = max(self._length, longest or self.turns)
        self._layers = self._layers and max(self._layers, self.turns)

    @contextmanager
    def longer_by(self, turns: int) -> Iterator[None]:
        """Know that a list may become so much longer, if one does while the context is open."""
        before, self._lengthened = self._lengthened, False
        try:
            yield
        finally:
            self._length = max(self._length, turns if self._lengthened else 0)
            self._lengthened |= before

    def become(self, large: Sizes) -> None:
        """Know that something may be so large.

        Raises:
            LimitError: If no tensor, list or text may be.
        """
        long = large.length > plain.MAX_ITEMS or large.letters > printing.MAX_TEXT
        if long or large.cells > self.cells:
            raise LimitError("a tensor, a list or a text becomes too large")
        self._cells, self._rows = max(self._cells, large.cells), max(self._rows, large.rows)
        self._length, self._letters = max(self._length, large.length), max(self._letters, large.letters)
        self._calls = max(self._calls, on_average(large.calls))

    def length_of(self, items: Any) -> int:
        """Return how many items something has that is put behind others, at most."""
        if isinstance(items, Unknown):
            return self._most(items.kind)
        return len(items) if isinstance(items, str | list | tuple | dict | range) else 1

    def met_repeated(self, items: Any, times: int) -> None:
        """Know that there is a list, or a text, that was repeated so often."""
        size = len(items) * times
        self._length = max(self._length, size)
        if isinstance(items, str):
            self._letters = max(self._letters, size)

    def _most(self, kind: type | None) -> int:
        """Return how many items something of a kind has at most; a number has none."""
        return self._letters if kind is str else self._length if kind in (None, dict) else 0
