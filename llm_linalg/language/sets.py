"""Sets: Python's, in an order that is the same in every run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from llm_linalg.language.containers import check_key, check_keys

_NUMBERS = frozenset([int, float, bool])


class OrderedSet:
    """What `set` makes: each item once.

    A set of numbers has Python's own order, since it is a set of Python's. The order of others differs from
    one run of Python to the next: here they stand in the order of insertion.

    Attributes:
        items: The items: a set if all are numbers, else the keys of a dict.
    """

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        keys = check_keys(items)
        self.items: set[Any] | dict[Any, None] = set(_raw(items)) if _is_steady(keys) else dict.fromkeys(keys)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self))
        return f"{{{shown}}}" if self.items else "set()"

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SETS) and len(self) == len(other) and all(map(other.__contains__, self))

    __hash__ = None  # type: ignore[assignment]

    def combine(self, does: Callable[..., Any], *others: Any) -> OrderedSet:
        """Return what a method of Python's sets, such as `set.union`, makes of this set and other items."""
        result = self.__class__()
        result.items = self._changed(does, others)
        return result

    def change(self, does: Callable[..., Any], *others: Any) -> None:
        """Change this set by a method of Python's sets, such as `set.update`."""
        self.items = self._changed(does, others)

    def _changed(self, does: Callable[..., Any], others: Sequence[Any]) -> set[Any] | dict[Any, None]:
        keys = [other.items if isinstance(other, OrderedSet) else check_keys(other) for other in others]
        if isinstance(self.items, set) and all(isinstance(own, set) or _is_steady(own) for own in keys):
            changed: set[Any] | None = does(self.items, *map(_raw, others))
            return self.items if changed is None else changed
        before = set(self.items)
        changed = does(before, *keys)
        found = before if changed is None else changed
        order = check_keys(dict.fromkeys(item for item in chain(self.items, *keys) if item in found))
        return set(order) if _is_steady(order) else dict.fromkeys(order)

    def add(self, item: Any) -> None:
        """Do what `set.add` does."""
        check_key(item)
        if isinstance(self.items, set) and item.__class__ not in _NUMBERS:
            self.items = dict.fromkeys(self.items)
        if isinstance(self.items, set):
            self.items.add(item)
        else:
            self.items.setdefault(item)

    def discard(self, item: Any) -> None:
        """Do what `set.discard` does."""
        if isinstance(self.items, set):
            self.items.discard(item)
        else:
            self.items.pop(item, None)

    def __or__(self, other: Any) -> OrderedSet:
        return self.combine(set.union, other) if isinstance(other, SETS) else NotImplemented

    def __and__(self, other: Any) -> OrderedSet:
        return self.combine(set.intersection, other) if isinstance(other, SETS) else NotImplemented

    def __sub__(self, other: Any) -> OrderedSet:
        return self.combine(set.difference, other) if isinstance(other, SETS) else NotImplemented

    def __xor__(self, other: Any) -> OrderedSet:
        return self.combine(set.symmetric_difference, other) if isinstance(other, SETS) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return all(map(other.__contains__, self)) if isinstance(other, SETS) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return all(map(self.__contains__, other)) if isinstance(other, SETS) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self <= other and len(self) < len(other) if isinstance(other, SETS) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self >= other and len(self) > len(other) if isinstance(other, SETS) else NotImplemented


class FrozenSet(OrderedSet):
    """What `frozenset` makes: a set that doesn't change, and may be a key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"frozenset({super().__repr__() if self.items else ''})"

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items))


SETS: Any = OrderedSet | type({}.keys()) | type({}.items())
OrderedSet.__name__, FrozenSet.__name__ = "set", "frozenset"  # as the messages call them
OrderedSet.__qualname__, FrozenSet.__qualname__ = "set", "frozenset"
OrderedSet.__module__ = FrozenSet.__module__ = "builtins"


def _raw(items: Any) -> Any:
    """Return what Python's own sets go through: the order depends on the type."""
    return items.items if isinstance(items, OrderedSet) else items


def _is_steady(items: Iterable[Any]) -> bool:
    return _NUMBERS.issuperset(map(type, items))


def _as_set(items: Any) -> OrderedSet:
    return items if isinstance(items, OrderedSet) else OrderedSet(items)


def _combining(does: Callable[..., Any]) -> Callable[..., OrderedSet]:
    """Return a method such as `union`, which takes anything that has items."""

    def combine(items: OrderedSet, *others: Any) -> OrderedSet:
        return items.combine(does, *others)

    return combine


def _changing(does: Callable[..., Any]) -> Callable[..., None]:
    """Return a method such as `update`."""

    def change(items: OrderedSet, *others: Any) -> None:
        items.change(does, *others)

    return change


def copy_set(items: OrderedSet) -> OrderedSet:
    """Do what `set.copy` does."""
    found = items.__class__()
    found.items = items.items.copy()
    return found


def _remove(items: OrderedSet, item: Any) -> None:
    if item not in items:
        raise KeyError(item)
    items.discard(item)


def _clear(items: OrderedSet) -> None:
    items.items = set()


def _pop(items: OrderedSet) -> Any:
    if not items.items:
        raise KeyError("pop from an empty set")
    if isinstance(items.items, set):
        return items.items.pop()
    item = next(iter(items.items))
    items.discard(item)
    return item


FROZEN_METHODS: Mapping[str, Callable[..., Any]] = {
    "copy": copy_set,
    "union": _combining(set.union),
    "intersection": _combining(set.intersection),
    "difference": _combining(set.difference),
    "symmetric_difference": _combining(set.symmetric_difference),
    "issubset": lambda items, other: items <= _as_set(other),
    "issuperset": lambda items, other: items >= _as_set(other),
    "isdisjoint": lambda items, other: not any(map(items.__contains__, _as_set(other))),
}
METHODS: Mapping[str, Callable[..., Any]] = {
    **FROZEN_METHODS,
    "add": OrderedSet.add,
    "discard": OrderedSet.discard,
    "remove": _remove,
    "pop": _pop,
    "clear": _clear,
    "update": _changing(set.update),
    "intersection_update": _changing(set.intersection_update),
    "difference_update": _changing(set.difference_update),
    "symmetric_difference_update": _changing(set.symmetric_difference_update),
}
_OF_ONE_ITEM = ("copy", "add", "discard", "remove", "pop", "clear")
CONSTANT_TIME: frozenset[Any] = frozenset(METHODS[name] for name in _OF_ONE_ITEM if name != "copy")
GO_THROUGH: frozenset[Any] = frozenset(
    {OrderedSet, FrozenSet, *(method for name, method in METHODS.items() if name not in _OF_ONE_ITEM)}
)
"""What goes through all items of its arguments, which may be iterators."""
IN_PLACE: Mapping[type[ast.operator], Callable[..., Any]] = {
    ast.BitOr: set.update,
    ast.BitAnd: set.intersection_update,
    ast.Sub: set.difference_update,
    ast.BitXor: set.symmetric_difference_update,
}
"""What `|=` and the like do to a set."""
