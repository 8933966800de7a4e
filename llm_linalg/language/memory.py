"""Which values share memory: a write to one is a write to the others."""

from __future__ import annotations

import ast
import gc
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType
from typing import Any

from torch import Tensor, nn

from llm_linalg.language.allowlist import Namespace
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.block_context import BlockContext
from llm_linalg.language.classes.descriptors import ClassMethod, Property, StaticMethod
from llm_linalg.language.classes.program_class import Instance, ProgramClass
from llm_linalg.language.containers import DICT_VIEWS
from llm_linalg.language.data_loading import DataLoader, Subset, TensorDataset
from llm_linalg.language.effects.names_in_code import names_in
from llm_linalg.language.figures import Figure
from llm_linalg.language.item_iterator import ItemIterator, PausedBody, ProgressBar
from llm_linalg.language.methods import Method
from llm_linalg.language.missing import UNREADABLE
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.run_function import RunFunction, RunMethod
from llm_linalg.language.schedule_rates import Scheduler
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.user_function import UserFunction

MOST_VALUES = 5_000
_ITEMS = (list, tuple, OrderedSet, deque)
_FUNCTIONS: Any = UserFunction | RunFunction | Property | StaticMethod | ClassMethod
PLAIN = frozenset({str, int, float, bool, complex, type(None)})
"""Kinds through whose values nothing can be changed."""
_AT_ONCE = 16  # items that are told to be plain in the time of one look
_ALONE: Any = Namespace | Figure | FunctionType | BuiltinFunctionType | type | str | int | float | None
_PARTS: Mapping[type, Callable[[Any], Iterable[Any]]] = {
    Array: lambda array: [array.cells],
    BlockContext: lambda context: [context.value, context.generator],
    ClassMethod: lambda method: [method.function],
    DataLoader: lambda loader: [loader.dataset, loader.collate, loader.generator],
    ItemIterator: lambda iterator: iterator.inner,
    Method: lambda method: [method.owner, method.function],
    Optimizer: lambda optimizer: [optimizer.groups, *(kept for _, kept in optimizer.states.values())],
    ProgressBar: lambda bar: [bar.items],
    Property: lambda found: [found.getter, found.setter],
    RunFunction: lambda function: function.holds,
    RunMethod: lambda function: function.holds,
    Scheduler: lambda scheduler: [scheduler.optimizer, *scheduler.inner, *scheduler.settings.values()],
    StaticMethod: lambda method: [method.function],
    Subset: lambda subset: [subset.dataset, subset.indices],
    TensorDataset: lambda dataset: dataset.tensors,
    TensorStorage: lambda storage: [storage.tensor],
}
"""What values of the language hold."""


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
        if not isinstance(item, tuple | _FUNCTIONS):
            self.places.add(id(item))
        if isinstance(item, dict):
            return self._changeable(item.values())
        if isinstance(item, _ITEMS):
            return self._changeable(item)
        if isinstance(item, DICT_VIEWS):
            return gc.get_referents(item)  # the dict: its `mapping` is a stand-in
        if item.__class__ in _PARTS:
            return [*_PARTS[item.__class__](item)]
        if isinstance(item, UserFunction):
            return [*item.defaults.values(), *self._around(item.code.node, item.scope.maps[:-1])]
        if isinstance(item, PausedBody):
            *inner, outermost = item.names.maps
            outside = [outermost[name] for name in _mentioned(item.node) if name in outermost]
            return [*self._around(item.node, inner), *outside]
        if isinstance(item, ProgramClass):
            kinds = program_classes(item)
            self.places.update(map(id, kinds) if self._sees else ())
            return [value for kind in kinds for value in kind.__members__.values()]
        parts = [item.__fields__, *self._of_class(item)] if isinstance(item, Instance) else []
        if isinstance(item, nn.Module):
            self.places.update(map(id, item.modules()))
            parts += [*item.parameters(), *item.buffers()]
            layers = [*item.modules()]
            fields = [vars(one).get("__fields__") for one in layers]  # also on layers of torch's own
            parts += [own for own in fields if own is not None]
            own = [one for one in layers if isinstance(one, Instance) and one is not item]
            parts += [part for one in own for part in self._of_class(one)]
        return parts

    def _around(self, node: ast.AST, scopes: Sequence[MutableMapping[str, Any]]) -> list[Any]:
        """Note the variables around a function that it reads or binds, and return their values."""
        found = []
        for name in _mentioned(node) if scopes else ():
            scope = next((scope for scope in scopes if name in scope), None)
            if scope is not None:
                self.places.add((id(scope), name))
                found.append(scope[name])
        self.visited += len(found)
        return found

    def _changeable(self, items: Collection[Any]) -> list[Any]:
        """Return the items but those that are plain."""
        self.visited += len(items) // _AT_ONCE
        return [] if set(map(type, items)) <= PLAIN else [*items]

    def _of_class(self, item: Instance) -> list[Any]:
        """Return what an object has from its classes; functions don't change."""
        kinds = program_classes(type(item))
        members = [value for kind in kinds for value in kind.__members__.values()]
        if self._sees:
            self.places.update(map(id, kinds))
        else:  # a default is no part of an object, though a call of its method may show it
            members = [value for value in members if not isinstance(value, _FUNCTIONS)]
        return [value for value in members if not isinstance(value, type)]

    @classmethod
    def at(cls, *places: object) -> Memory:
        """Return the memory of some places alone, such as the identity of a list."""
        found = cls(None)
        found.places |= {*places}
        return found

    @classmethod
    def of_steps(cls, value: Any) -> Memory:
        """Return the memory of the place at which an iterator is, and those from which it takes its items."""
        found = cls(None)
        todo = [value]
        while todo:
            item = todo.pop()
            if isinstance(item, ItemIterator) and id(item) not in found.places:
                found.places.add(id(item))
                todo += item.inner
        return found

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


def program_classes(kind: type) -> list[ProgramClass]:
    """Return the classes of the program among a class and those above it."""
    return [one for one in kind.__mro__ if isinstance(one, ProgramClass)]


@lru_cache(maxsize=1_000)
def _mentioned(node: ast.AST) -> frozenset[str]:
    return frozenset(names_in(node))


def _gradients(tensor: Tensor) -> list[Tensor]:
    """Return the gradient that a tensor has, if it has one."""
    try:
        return [tensor.grad] if tensor.is_leaf and tensor.grad is not None else []
    except RuntimeError:  # of a part of `split` whose base was written, torch says no more than that
        return []
