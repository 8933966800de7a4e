"""What is known of the turns of a loop at once: values that are known for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor

from llm_linalg.foresight.unknown import Unknown

KINDS = {torch.int64: int, torch.bool: bool, torch.float64: float}
_SORTED_A_STEP = 40
_FEW = 1_000  # turns whose values are compared
_numbered = count()
_GATHERED_A_STEP = 2_000
Places = Tensor | range
"""Of turns, in order: a range of all of them, or some."""


class Turn:
    """Several turns of a loop that are gone through as one.

    Attributes:
        room: In how many more parts they may be taken apart.
        went_on: Counts steps of the rehearsal; it may end it.
        live: Whether they are being gone through now.
    """

    __slots__ = ("live", "room", "went_on")

    def __init__(self, room: int, went_on: Callable[[int], None]) -> None:
        self.room = room
        self.went_on = went_on
        self.live = True


def index(places: Places, turn: Turn) -> Tensor | slice:
    """Return what picks the cells of some turns of those of all; to pick them one by one takes steps."""
    if isinstance(places, range):
        return slice(None)
    turn.went_on(len(places) // _GATHERED_A_STEP)
    return places


class Apart(Exception):  # noqa: N818
    """Turns that are gone through as one have to be taken apart.

    Attributes:
        turn: They.
        keys: For each of them a number: those with the same one stay together.
    """

    def __init__(self, turn: Turn, keys: Tensor) -> None:
        super().__init__()
        self.turn = turn
        self.keys = keys


class Each(Unknown):
    """A number or a text that is known for each of the turns that are gone through as one.

    While they are, that is: what a name means from then on may be any of them.

    Attributes:
        cells: The numbers; of texts, their places among the words.
        turn: The turns.
        words: The texts that there are; None for numbers.
        serial: No other one has it.
    """

    __slots__ = ("cells", "serial", "turn", "words")

    def __init__(self, cells: Tensor, turn: Turn, words: Sequence[str] | None = None) -> None:
        kind = KINDS[cells.dtype] if words is None else str
        least, most = (int(end) for end in cells.aminmax()) if kind is int else (None, None)
        super().__init__(kind, least, most)
        self.cells = cells
        self.turn = turn
        self.words = words
        self.serial = next(_numbered)

    @property
    def identity(self) -> Any:
        """What is equal for the same values in the same turns."""
        if len(self.cells) > _FEW:
            return Each, self.serial
        return Each, self.turn, self.kind, *self.values()

    def kinds(self) -> tuple[list[Any], Tensor]:
        """Return the values that there are, and for each turn the place of its own among them."""
        if self.kind is bool:  # both are there, or it were one value
            with torch._C.DisableTorchFunction():
                return [False, True], self.cells.long()
        self.turn.went_on(len(self.cells) // _SORTED_A_STEP)
        with torch._C.DisableTorchFunction():
            found, places = self.cells.unique(return_inverse=True)  # type: ignore[no-untyped-call]
            return self._values(found), places

    def at(self, place: int) -> Any:
        """Return the value of one turn."""
        with torch._C.DisableTorchFunction():
            return self._values(self.cells[place : place + 1 or None])[0]

    def values(self) -> list[Any]:
        """Return the value of each turn."""
        with torch._C.DisableTorchFunction():
            return self._values(self.cells)

    def _values(self, cells: Tensor) -> list[Any]:
        numbers: list[Any] = cells.tolist()
        return numbers if self.words is None else [self.words[number] for number in numbers]


def given(cells: Tensor, turn: Turn, words: Sequence[str] | None = None) -> Any:
    """Return a value for each turn; the value itself, if it is the same for all."""
    alike = (
        cells.dtype is not torch.float64 and bool(cells[0] == cells[-1]) and bool((cells == cells[0]).all())
    )
    if not alike and len(cells) > 1:
        return Each(cells, turn, words)
    number = cells[0].item()
    return number if words is None else words[int(number)]


def apart(value: Any) -> None:
    """Take turns apart by a value that they have, if it differs between them, but not much.

    Raises:
        Apart: If they can be.
    """
    if isinstance(value, Each) and value.turn.live:
        kinds, keys = value.kinds()
        if len(kinds) - 1 <= value.turn.room:
            raise Apart(value.turn, keys)


def unrolled(value: Any, size: int, turn: Turn) -> list[Any]:
    """Return what is known of a value in each of so many turns that were gone through as one."""
    if isinstance(value, Each) and value.turn is turn:
        return value.values()
    if isinstance(value, tuple) and _differs(value, turn):
        return list(zip(*[unrolled(item, size, turn) for item in value], strict=True))
    return [value] * size


def _differs(value: Any, turn: Turn) -> bool:
    """Return whether a value, or one in a tuple of them, is known for each turn."""
    if isinstance(value, tuple):
        return any(_differs(item, turn) for item in value)
    return isinstance(value, Each) and value.turn is turn
