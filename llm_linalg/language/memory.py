"""Which values share memory: a write to one is a write to the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from torch import Tensor, nn

from llm_linalg.language.allowlist import Namespace
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.classes.program_class import Instance, ProgramClass
from llm_linalg.language.figures import Figure
from llm_linalg.language.methods import Method
from llm_linalg.language.missing import UNREADABLE
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.schedule_rates import Scheduler
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.user_function import UserFunction

MOST_VALUES = 5_000
_ITEMS = (list, tuple, OrderedSet, deque)
_FUNCTIONS: Any = UserFunction | RunFunction | FunctionType | BuiltinFunctionType
PLAIN = frozenset({str, int, float, bool, complex, type(None)})
"""Kinds through whose values nothing can be changed."""
_AT_ONCE = 16  # items that are told to be plain in the time of one look
_ALONE: Any = Namespace | Figure | _FUNCTIONS | type | str | int | float | None


class Memory:
    """The memory that a value can be changed through.

    Args:
        value: The value.
        seen: Whether what the value shows without holding it is part of it: the class of an object.

    Attributes:
        places: Storages of tensors and identities of lists, dicts, layers and the like.
        is_known: Whether that is all; False for a value of very many parts.
        visited: How many looks it took: one a value, less for a list of plain ones.
        tensors: The tensors among them.
        graph: The steps of autograd's graph that a backward pass would use up; of `of_gradients` alone.
    """

    def __init__(self, value: Any, *, seen: bool = False) -> None:
        self._sees = seen
        self.places: set[object] = set()
        self.tensors: list[Tensor] = []
        self.graph: set[object] = set()
        self.visited = 0
        known: set[int] = set()
        todo = [value]
        most = MOST_VALUES
        while todo and most:
            item = todo.pop()
            self.visited, most = self.visited + 1, most - 1
            if item.__class__ in UNREADABLE or id(item) in known:
                continue
            if isinstance(item, _ALONE) and not isinstance(item, ProgramClass):
                continue
            known.add(id(item))
            todo += self._parts(item)
        self.is_known = not todo

    def _parts(self, item: Any) -> list[Any]:
        """Note where a value lies, and return its parts."""
        if nn.parameter.is_lazy(item):
            return []  # it has no cells yet
        if isinstance(item, Tensor):
            self.places.add(item.untyped_storage().data_ptr() or id(item))
            self.tensors.append(item)
            return _gradients(item)
        if not isinstance(item, tuple):
            self.places.add(id(item))
        if isinstance(item, dict):
            return self._changeable(item.values())
        if isinstance(item, _ITEMS):
            return self._changeable(item)
        if isinstance(item, Method):
            return [item.owner]
        if isinstance(item, ProgramClass):
            return [*item.__members__.values()]
        if isinstance(item, Array | TensorStorage):
            return [item.cells if isinstance(item, Array) else item.tensor]
        if isinstance(item, Optimizer):
            return [item.groups, *(kept for _, kept in item.states.values())]
        if isinstance(item, Scheduler):
            return [item.optimizer, *item.inner]
        parts = [item.__fields__, *self._of_class(item)] if isinstance(item, Instance) else []
        if isinstance(item, nn.Module):
            self.places.update(map(id, item.modules()))
            parts += [*item.parameters(), *item.buffers()]
            parts += [one.__fields__ for one in item.modules() if isinstance(one, Instance)]
        return parts

    def _changeable(self, items: Collection[Any]) -> list[Any]:
        """Return the items but those that are plain."""
        self.visited += len(items) // _AT_ONCE
        return [] if set(map(type, items)) <= PLAIN else [*items]

    def _of_class(self, item: Instance) -> list[Any]:
        """Return what an object has from its classes; functions don't change."""
        kinds = [kind for kind in type(item).__mro__ if isinstance(kind, ProgramClass)]
        if self._sees:
            self.places.update(map(id, kinds))
        return [value for kind in kinds for value in kind.__members__.values() if not isinstance(value, type)]

    @classmethod
    def of_holders(cls, value: Any) -> Memory:
        """Return the memory of a value but for that of its tensors."""
        found = cls(value)
        found.places -= {tensor.untyped_storage().data_ptr() or id(tensor) for tensor in found.tensors}
        return found

    @classmethod
    def of_gradients(cls, value: Any) -> Memory:
        """Return the memory of what gets a gradient if one goes backward from a value, or from its parts."""
        parts, found = cls(value), cls(None)
        leaves: list[Tensor] = []
        todo: list[Any] = []
        for tensor in parts.tensors:
            if tensor.requires_grad and tensor.grad_fn is None:
                leaves.append(tensor)
            todo.append(tensor.grad_fn)
        seen: set[object] = {None}
        while todo and found.visited < MOST_VALUES:
            step = todo.pop()
            if step in seen:
                continue
            seen.add(step)
            found.visited += 1
            if hasattr(step, "variable"):
                leaves.append(step.variable)
            else:
                found.graph.add(step)
            todo += [before for before, _ in step.next_functions]
        for leaf in leaves:
            found.places |= cls(leaf).places
        found.is_known = parts.is_known and not todo
        return found

    @classmethod
    def joined(cls, several: Iterable[Memory]) -> Memory:
        """Return the memory that any of several values can be changed through."""
        whole = cls(None)
        for one in several:
            whole.places |= one.places
            whole.is_known = whole.is_known and one.is_known
        return whole

    def overlaps(self, other: Memory) -> bool:
        """Return whether the other's value may be changed through this."""
        both = bool(self.places) and bool(other.places)
        return both and (not self.is_known or not other.is_known or not self.places.isdisjoint(other.places))


def _gradients(tensor: Tensor) -> list[Tensor]:
    """Return the gradient that a tensor has, if it has one."""
    try:
        return [tensor.grad] if tensor.is_leaf and tensor.grad is not None else []
    except RuntimeError:  # of a part of `split` whose base was written, torch says no more than that
        return []
