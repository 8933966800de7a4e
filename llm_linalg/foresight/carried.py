"""Numbers that a loop carries from turn to turn, such as a counter: guessed for each turn, then proved."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_linalg.foresight.columns import LARGEST
from llm_linalg.foresight.turns import Each, Places, Turn, given, index

if TYPE_CHECKING:
    from llm_linalg.foresight.parted import Parts

_DTYPES: Mapping[type, torch.dtype] = {int: torch.int64, bool: torch.bool}


class Carried:
    """What names mean before each turn of a loop, as it is guessed.

    A guess is proved when each turn leaves what the next one begins with, and the first one begins with what
    there was: it is proved of all names at once, by induction.
    """

    def __init__(self) -> None:
        self._before: dict[str, Tensor] = {}
        self._second: dict[str, Tensor] = {}  # another guess, should the first one fail

    @property
    def names(self) -> frozenset[str]:
        """The names that are guessed."""
        return frozenset(self._before)

    def guess(self, parts: Parts, before: Mapping[str, Any]) -> None:
        """Guess that each turn adds what it would add as the first one, which is what was gone through."""
        with torch._C.DisableTorchFunction():
            for name, start in before.items():
                if all(part.names.get(name) is start for part in parts.going_on):
                    continue
                after = _after(parts, name, start) if type(start) in _DTYPES else None
                if after is None or bool((after == start).all()):
                    continue
                other = after.clone()
                other[::2] = start
                other[1::2] = after[0]
                if after.dtype is torch.bool:
                    self._before[name] = other
                    continue
                steps = (after - start).roll(1)
                steps[0] = start
                self._before[name] = steps.cumsum(0)
                self._second[name] = other

    def put(self, names: MutableMapping[str, Any], places: Places, turn: Turn) -> None:
        """Let names mean what they are guessed to mean before some turns."""
        with torch._C.DisableTorchFunction():
            for name, cells in self._before.items():
                names[name] = given(cells[index(places, turn)], turn)

    def proved(self, parts: Parts) -> bool:
        """Return whether all turns bear the guesses out; a wrong one is made again, or given up."""
        wrong: list[str] = []
        end = parts.size - 1 if parts.last is None else min(parts.last.first, parts.size - 1)
        with torch._C.DisableTorchFunction():
            for name, cells in self._before.items():
                after = _after(parts, name, cells[0].item())
                if after is None or not torch.equal(after[:end], cells[1 : end + 1]):
                    wrong.append(name)
        for name in wrong:
            del self._before[name]
            if name in self._second:
                self._before[name] = self._second.pop(name)
        return not wrong


def _after(parts: Parts, name: str, start: Any) -> Tensor | None:
    """Return what a name means after each turn, if that is known; after those that end the loop, anything."""
    found = torch.full((parts.size,), start, dtype=_DTYPES[type(start)])
    for part in parts.going_on:
        now: Any = part.names.get(name)
        if isinstance(now, Each) and now.turn is part.turn and now.cells.dtype is found.dtype:
            found[index(part.places, part.turn)] = now.cells
        elif type(now) is type(start) and abs(now) < LARGEST:
            found[index(part.places, part.turn)] = now
        else:
            return None
    if found.dtype is torch.int64 and bool((found.abs() > 2**40).any()):
        return None
    return found
