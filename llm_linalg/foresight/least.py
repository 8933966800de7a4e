"""A budget from which a rehearsal takes what the run takes at least, or, in the dearest case, at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from math import prod
from operator import sub
from typing import Any

from torch import Tensor, nn

from llm_linalg.errors import LimitError
from llm_linalg.foresight.columns import Column
from llm_linalg.foresight.growth import Sizes, on_average
from llm_linalg.foresight.unknown import ANY, SOME_TENSOR, UNKNOWN, Unknown
from llm_linalg.foresight.wholes import bounds
from llm_linalg.language import costs, layered, plain, printing
from llm_linalg.language.allowance import Spent
from llm_linalg.language.budget import Asked, Budget
from llm_linalg.ops.call import Call

A_GUESSED_TENSOR = 2**21  # cells of one whose size is a number that only the run will know
_FEW = 100
_FILLED = frozenset(["ones", "zeros", "empty", "rand", "randn"])  # made of their sizes alone
_SHOWN = 1_000  # cells that the text of a tensor has at most
_WEIGHED_A_STEP = 450  # items of a list that are counted as fast as a rehearsal takes a step
_GIVEN_A_STEP = 15  # likewise, of many values
_LISTS_A_STEP = 110  # likewise, lists in a list


def _nothing(_: int) -> None:
    pass


@dataclass(slots=True)
class Least(Budget):
    """A budget from which a rehearsal takes; what it does not know takes nothing, but for being a text.

    In the dearest case it takes as much as the largest of its kind that was known so far.

    Attributes:
        dearest: Whether this is the dearest case.
        turns: How often what is gone through now comes: the turns of all loops around it.
        went_on: Counts steps of the rehearsal; it may end it.
    """

    dearest: bool = False
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

    def take(self, call: Call, asked: Asked) -> None:
        """Take what a call asks for."""
        self._cells, self._work = max(self._cells, asked.cells), max(self._work, asked.work)
        if asked.shape:
            self._rows = max(self._rows, asked.shape[0])
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

    def fits(self, turn: Spent) -> None:
        """Know that a turn of a loop may take so much.

        Raises:
            LimitError: If that is more than there is for the whole program. Items tell nothing: each value
                that is unknown may have as many as the longest list.
        """
        if any(taken > whole for taken, whole in zip(turn[:-1], self._whole, strict=False)):
            raise LimitError("a turn may take more than there is")

    def tells_rows(self, most: int | None = None) -> None:
        """Know that there may be a list with an item for each row of a tensor.

        Args:
            most: How many cells that tensor has at most, if it is one for which that is known.

        Raises:
            LimitError: If all of them are more numbers than a list may have.
        """
        if most is not None and most > plain.MAX_ITEMS:
            raise LimitError(f"a list of up to {most:,} numbers")
        self._length = max(self._length, self._rows)

    def longest(self, kind: type | None) -> Column:
        """Return what is known of the items of something: it is as long as any of its kind."""
        if kind is Tensor:
            self.tensors -= self._rows
            self.total -= self._cells
            self.exceeded()
            return Column(self._rows, SOME_TENSOR)
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
        lists = [value for value in several if isinstance(value, list | tuple) and value]
        within = sum(len(value) for value in lists if isinstance(value[0], plain.NESTED))
        self.went_on(within // _LISTS_A_STEP + len(several) // _GIVEN_A_STEP)
        items, steps = self.items, self.steps
        Budget.weigh(self, *["" if value is UNKNOWN[str] else value for value in several])
        if not all(map(_of_texts, several)):
            deeper = not within and steps - self.steps > costs.A_WEIGHING
            at_once = within + sum(len(value) for value in several if isinstance(value, str | range))
            self.went_on((items - self.items - at_once) // (_LISTS_A_STEP if deeper else _WEIGHED_A_STEP))
        if self.dearest:
            self.met(*several)
            unknown = sum(self._most(value.kind) for value in several if isinstance(value, Unknown))
            if unknown:
                self.go_through(unknown)

    def guess(self, tensors: int = 1, calls: bool = True, multiplies: bool = True) -> None:
        """Take what an expression takes at most of which nothing is known, in the dearest case."""
        if self.dearest:
            self.tensors -= tensors
            self.steps -= costs.A_CALL * tensors
            self.total -= self._cells * calls
            self.work -= self._work if multiplies else self._cells * calls
            self.exceeded()

    def guess_operands(self, operands: Any) -> None:
        """Take what it takes that a call has many operands: those of a list, of which nothing may be known.

        Raises:
            LimitError: If it is more than is left.
        """
        known = isinstance(operands, list | tuple)
        many = len(operands) if known else self._length if self.dearest else 0
        self.step(costs.AN_OPERAND * max(many - costs.FEW, 0))
        if self.dearest:
            self.total -= self._cells * many
            self.work -= self._cells * many
            self.exceeded()

    def guess_back(self, calls: int | None = None) -> None:
        """Take a backward pass of which nothing is known, in the dearest case: through all that was done.

        Args:
            calls: How many there will be at most, if that is told; if None, it is the longest way that grows.
        """
        if self.dearest:
            calls = self._calls if calls is None else calls
            total, work, tensors, *_ = map(sub, self._whole, self.left)
            times = max(2, 2 * calls // max(tensors, 1))
            self.step(costs.A_CALL_BACK * max(tensors, calls))
            self.works(times * work)
            self.fill(times * total)

    def guess_size(self, name: str, sizes: Sequence[Any]) -> None:
        """Take a tensor whose sizes are numbers that only the run will know: in the dearest case at most.

        Raises:
            LimitError: If it surely has too many cells, or, in the dearest case, asks for more than is left.
        """
        ends = [bounds(size) or (None, None) for size in sizes]
        least, most = _cells(least for least, _ in ends), _cells(most for _, most in ends)
        if self.dearest:
            self.total -= A_GUESSED_TENSOR if most is None else most
            self.exceeded()
        elif name in _FILLED and least is not None and least > self.cells:
            raise LimitError(f"{name} would make at least {least:,} cells; {self.cells:,} are allowed")

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


def _of_texts(value: Any) -> bool:
    """Return whether all items of a value are letters, those of texts within it, or numbers of a range."""
    several = isinstance(value, list | tuple) and len(value) > 0
    return isinstance(value[0] if several else value, str | range)


def _cells(sizes: Iterable[int | None]) -> int | None:
    """Return how many cells a tensor has of these sizes; None if they are not all known."""
    known = list(sizes)
    return None if None in known else prod(max(size or 0, 0) for size in known)
