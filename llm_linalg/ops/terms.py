"""The terms of a cell, for operations that are sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from torch import Tensor

Number = float | int | bool | complex


@dataclass(frozen=True, slots=True)
class CellTerm:
    """One term of a cell: its factors and their value."""

    factors: tuple[Number, ...]
    value: Number


@dataclass(frozen=True, slots=True, eq=False)
class CellTerms:
    """The terms of a cell: `factors` as columns (one 1-D tensor per factor), then `tail`.

    A product's cell of 4096 terms is two slices here; a bias is the tail.
    """

    factors: tuple[Tensor, ...] = ()
    tail: tuple[CellTerm, ...] = ()

    def __len__(self) -> int:
        return self._products() + len(self.tail)

    def __getitem__(self, k: int) -> CellTerm:
        count = self._products()
        if k >= count:
            return self.tail[k - count]
        values = tuple(column[k].item() for column in self.factors)
        return CellTerm(values, prod(values))

    def every(self) -> Iterator[CellTerm]:
        """Yield all terms; faster than by index, since each column is converted once."""
        for values in zip(*(column.tolist() for column in self.factors), strict=True):
            yield CellTerm(values, prod(values))
        yield from self.tail

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
