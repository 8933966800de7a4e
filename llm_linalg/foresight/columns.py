"""What is known of the items that a loop goes through, or of those that a list has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.foresight.several import common
from llm_linalg.foresight.turns import KINDS, Each, Places, Turn, given, index
from llm_linalg.foresight.unknown import Undecided
from llm_linalg.language import layered

TYPES = {kind: dtype for dtype, kind in KINDS.items()}
LARGEST = 2**62
_MOST_COLUMNS = 8
_KINDS_A_STEP = 20
_MOST_WORDS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What is known of the items that the turns of a loop go through: the same of each of them.

    Attributes:
        size: How many there are.
        same: What is known of each.
    """

    size: int
    same: Any

    def of(self, places: Places, turn: Turn) -> Any:  # noqa: ARG002  it is the same for all
        """Return what is known of the items of some turns, by their places."""
        return self.same

    def piece(self, start: int, stop: int) -> Column:
        """Return what is known of the items from one place to another."""
        return Column(min(stop, self.size) - start, self.same)


@dataclass(frozen=True, slots=True, eq=False)
class _Items(Column):
    items: Sequence[Any]

    def piece(self, start: int, stop: int) -> Column:
        return together(self.items[start:stop])


@dataclass(frozen=True, slots=True, eq=False)
class _Values(Column):
    cells: Tensor
    words: Sequence[str] | None = None

    def of(self, places: Places, turn: Turn) -> Any:
        with torch._C.DisableTorchFunction():
            return given(self.cells[index(places, turn)], turn, self.words)

    def piece(self, start: int, stop: int) -> Column:
        with torch._C.DisableTorchFunction():
            cells = self.cells[start:stop]
        return _Values(len(cells), None, cells, self.words)


@dataclass(frozen=True, slots=True, eq=False)
class _Tuples(Column):
    columns: Sequence[Column]

    def of(self, places: Places, turn: Turn) -> Any:
        return tuple([column.of(places, turn) for column in self.columns])

    def piece(self, start: int, stop: int) -> Column:
        columns = [column.piece(start, stop) for column in self.columns]
        return _Tuples(columns[0].size, None, columns)


def together(values: Sequence[Any]) -> Column:
    """Return what is known of all items that the turns of a loop go through; there is at least one."""
    return _Items(len(values), common(values), values)


def dearest(values: Sequence[Any]) -> Column:
    """Return the longest of texts, lists or the like, or the largest layer, for each; else what is common."""
    kinds = set(map(type, values)) if isinstance(values, list | tuple) else set()
    if kinds in ({str}, {tuple}, {dict}, {list}):
        same = max(values, key=len)
    elif kinds and all(issubclass(kind, nn.Module) for kind in kinds):
        same = max(dict(zip(map(id, values), values, strict=True)).values(), key=layered.count)
    else:
        same = common(values)
    return Column(len(values), same)


def column(values: Sequence[Any]) -> Column:
    """Return what is known of each item that the turns of a loop go through; there is at least one."""
    if len(values) == 1:
        return Column(1, values[0])
    if isinstance(values, range):
        if max(abs(values.start), abs(values.stop)) > LARGEST:
            return Column(len(values), common(values))
        with torch._C.DisableTorchFunction():
            return _Values(len(values), None, torch.arange(values.start, values.stop, values.step))
    kinds = set(map(type, values))
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind in TYPES and not (kind is int and max(map(abs, values)) > LARGEST):
        with torch._C.DisableTorchFunction():
            return _Values(len(values), None, torch.tensor(values, dtype=TYPES[kind]))
    if kind is str and len(words := sorted(set(values))) <= _MOST_WORDS:
        places = {word: place for place, word in enumerate(words)}
        with torch._C.DisableTorchFunction():
            return _Values(len(values), None, torch.tensor([places[word] for word in values]), words)
    if kind is tuple and {len(value) for value in values} in [{k} for k in range(1, _MOST_COLUMNS)]:
        return _Tuples(len(values), None, [column(items) for items in zip(*values, strict=True)])
    return Column(len(values), common(values))


def by_kind(value: Each, function: Callable[[Any], Any]) -> Any:
    """Return what a function gives for each turn; `Undecided` if it fails, or if there are too many values.

    It is asked once for each value that there is.
    """
    if not value.turn.live:
        raise Undecided
    kinds, places = value.kinds()
    value.turn.went_on(len(kinds) // _KINDS_A_STEP)
    try:
        found = [function(kind) for kind in kinds]
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        raise Undecided from None
    return column(found).of(places, value.turn)


def picked(values: Sequence[Any] | Mapping[Any, Any], key: Each) -> Any:
    """Return the item of each turn; of tensors and the like, what is known of all."""
    return by_kind(key, lambda kind: values[kind])
