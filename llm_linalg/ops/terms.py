"""The terms of a cell, for operations that are sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, overload

from torch import Tensor

Number = float | int | bool | complex
State = Literal["done", "current", "pending"]


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a cell's sum.

    Attributes:
        factors: The numbers that are multiplied.
        value: Their product.
        state: `done`, `current` or `pending`.
    """

    factors: tuple[Number, ...]
    value: Number
    state: State = "done"


@dataclass(frozen=True, slots=True, eq=False)
class Terms(Sequence[Term]):
    """The terms of a cell: `factors` as columns (one 1-D tensor per factor), then `tail`.

    A product's cell of 4096 terms is two slices here; a bias is the tail. A term is created on access.

    Attributes:
        current: The position of the term that a step adds; None if all are added.
    """

    factors: tuple[Tensor, ...] = ()
    tail: tuple[Term, ...] = ()
    current: int | None = None

    def __len__(self) -> int:
        return self._products() + len(self.tail)

    @overload
    def __getitem__(self, k: int) -> Term: ...
    @overload
    def __getitem__(self, k: slice) -> tuple[Term, ...]: ...
    def __getitem__(self, k: int | slice) -> Term | tuple[Term, ...]:
        if isinstance(k, slice):
            return tuple(self[position] for position in range(*k.indices(len(self))))
        position, count = range(len(self))[k], self._products()
        if position >= count:
            term = self.tail[position - count]
            return Term(term.factors, term.value, self._state(position))
        return self._product(position, [column[position].item() for column in self.factors])

    def __iter__(self) -> Iterator[Term]:
        """Yield all terms; faster than by index, since each column is converted once."""
        columns = (column.tolist() for column in self.factors)
        for position, values in enumerate(zip(*columns, strict=True)):
            yield self._product(position, values)
        yield from self[self._products() :]

    def total(self, count: int) -> Number:
        """Return the sum of the first `count` terms, in double precision (integers exactly)."""
        inner = min(count, self._products())
        tail = self.tail[: max(0, count - self._products())]
        if not inner:
            return sum(term.value for term in tail)
        product = self.factors[0][:inner]
        for column in self.factors[1:]:
            product = product * column[:inner]
        start: Number = product.sum().item()
        return sum((term.value for term in tail), start)

    def _products(self) -> int:
        return len(self.factors[0]) if self.factors else 0

    def _product(self, position: int, values: Sequence[Number]) -> Term:
        return Term(tuple(values), prod(values), self._state(position))

    def _state(self, position: int) -> State:
        if self.current is None or position < self.current:
            return "done"
        return "current" if position == self.current else "pending"
