"""A budget from which a rehearsal takes what the run takes at least, or, in the dearest case, at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from operator import sub
from typing import Any

from torch import Tensor

from llm_linalg.errors import LimitError
from llm_linalg.foresight.columns import Column
from llm_linalg.foresight.known import Known
from llm_linalg.foresight.unknown import ANY, SOME_TENSOR, UNKNOWN, Unknown
from llm_linalg.foresight.wholes import bounds
from llm_linalg.language import costs, plain
from llm_linalg.language.allowance import Spent
from llm_linalg.language.budget import Budget

A_GUESSED_TENSOR = 2**21  # cells of one whose size is a number that only the run will know
_FILLED = frozenset(["ones", "zeros", "empty", "rand", "randn"])  # made of their sizes alone
_SHOWN = 1_000  # cells that the text of a tensor has at most
_WEIGHED_A_STEP = 450  # items of a list that are counted as fast as a rehearsal takes a step
_GIVEN_A_STEP = 15  # likewise, of many values
_LISTS_A_STEP = 110  # likewise, lists in a list


@dataclass(slots=True)
class Least(Known):
    """A budget from which a rehearsal takes; what it does not know takes nothing, but for being a text.

    In the dearest case it takes as much as the largest of its kind that was known so far.
    """

    def beyond_a_guess(self, left: Spent) -> None:
        """Keep of what was taken since so much was left only what a guess of one call does not take."""
        total, work, tensors, steps, items = map(sub, left, self.left)
        self.left = left
        self.total -= max(total - prod(self.largest), 0)
        self.work -= max(work - prod(self.largest), 0)
        self.tensors -= max(tensors - 1, 0)
        self.steps -= max(steps - costs.A_CALL, 0)
        self.items -= items
        self.exceeded()

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

    def guess(self, tensors: int = 1, calls: bool = True, multiplies: bool = True, times: int = 1) -> None:
        """Take what an expression takes at most of which nothing is known, in the dearest case.

        Args:
            tensors: How many it makes.
            calls: Whether it may call something.
            multiplies: Whether that may multiply matrices.
            times: How many times as much as the largest tensor has cells it may take.
        """
        if self.dearest:
            self.tensors -= tensors
            self.steps -= costs.A_CALL * tensors
            self.total -= times * self._cells * calls
            self.work -= self._work if multiplies else times * self._cells * calls
            self.exceeded()

    def guess_write(self, kind: type | None) -> None:
        """Take that something of a kind is written: a view of the largest memory, in the dearest case."""
        if self.dearest and kind in (None, Tensor):
            self.write(0, self._cells)

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
