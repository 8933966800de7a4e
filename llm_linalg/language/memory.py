"""Which values share memory: a write to one is a write to the others."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from llm_linalg.language.allowlist import Namespace
from llm_linalg.language.figures import Figure
from llm_linalg.language.functions import UserFunction
from llm_linalg.language.methods import Method
from llm_linalg.language.missing import UNREADABLE

MOST_VALUES = 5_000
_ITEMS = (list, tuple, set, frozenset)
_ALONE: Any = Namespace | Figure | UserFunction | type | str | int | float


class Memory:
    """The memory that a value can be changed through.

    Attributes:
        places: Storages of tensors and identities of lists, dicts, layers and the like.
        is_known: Whether that is all; False for a value of very many parts.
        visited: How many values were looked at.
    """

    def __init__(self, value: Any) -> None:
        self.places: set[object] = set()
        self.visited = 0
        seen: set[int] = set()
        todo = [value]
        while todo and self.visited < MOST_VALUES:
            item = todo.pop()
            self.visited += 1
            if item is None or item.__class__ in UNREADABLE or isinstance(item, _ALONE) or id(item) in seen:
                continue
            seen.add(id(item))
            todo += self._parts(item)
        self.is_known = not todo

    def _parts(self, item: Any) -> list[Any]:
        """Note where a value lies, and return its parts."""
        if isinstance(item, Tensor):
            self.places.add(item.untyped_storage().data_ptr() or id(item))
            return [item.grad] if item.is_leaf and item.grad is not None else []
        if not isinstance(item, tuple):
            self.places.add(id(item))
        if isinstance(item, dict):
            return [*item.values()]
        if isinstance(item, _ITEMS):
            return [*item]
        if isinstance(item, Method):
            return [item.owner]
        if isinstance(item, nn.Module):
            self.places.update(map(id, item.modules()))
            return [*item.parameters(), *item.buffers()]
        return []

    def overlaps(self, other: Memory) -> bool:
        """Return whether the other's value may be changed through this."""
        both = bool(self.places) and bool(other.places)
        return both and (not self.is_known or not other.is_known or not self.places.isdisjoint(other.places))
