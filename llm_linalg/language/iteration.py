"""Going through values: iterators, which are gone through once, and the items of all others.

Nothing of Python's own goes through an iterator of a program: an `ItemIterator` is not iterable. Whoever
takes its items does so with `iterate`, turn by turn, each of which runs a part of the program, or with
`take_items`, which charges each item and takes so many and no more.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count, islice, repeat
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.language import modules
from llm_linalg.language.arithmetic import MAX_ITEMS, NUMERIC_TYPES
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.budget import FAILURE_STEPS, NATIVE_CALL_STEPS
from llm_linalg.language.classes import members
from llm_linalg.language.classes.program_class import MISSING, Instance
from llm_linalg.language.containers import DICT_VIEWS
from llm_linalg.language.data_loading import DATASETS, DataLoader
from llm_linalg.language.figures import Figure
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator, ProgressBar
from llm_linalg.language.readable_files import TextFile, lines_of
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.storages import TensorStorage

_NOT_ITERABLE = "'{}' object is not iterable"
# Unions are built once: these are asked for at each loop.
_PLAIN: frozenset[Any] = frozenset([list, tuple, range, str, dict])
_GIVE_ITEMS = frozenset([ItemIterator, DataLoader, TextFile, ProgressBar])
_SOURCES: Mapping[Any, Callable[[Any], Iterator[Any]]] = {
    Array: lambda array: iter(array.rows()),
    TensorStorage: lambda storage: iter(storage.numbers()),
    TextFile: lines_of,
    DataLoader: lambda loader: iter(loader.batches()),
}
_ITERABLE: Any = range | list | tuple | dict | str | DICT_VIEWS | OrderedSet | deque | modules.CONTAINERS


def iterate(
    run: Interpreter, value: Any, node: ast.AST | None = None, words: str = _NOT_ITERABLE
) -> Iterator[Any]:
    """Return Python's iterator over the items of a value.

    It is for a loop that runs a part of the program each turn: its items are not charged.

    Args:
        run: The run.
        value: The value.
        node: Where it stands; by default what is running.
        words: What Python says of a type without items.

    Raises:
        ProgramError: If the value has no items.
    """
    if value.__class__ in _PLAIN:
        return iter(value)
    if value.__class__ is ItemIterator:
        source: Iterator[Any] = value.source
        return source
    if isinstance(value, Tensor):
        return iter(_parts(value))
    if isinstance(value, ProgressBar):
        return iterate(run, value.items, node, words)
    if isinstance(value, Instance) and (found := _of_object(run, value)) is not None:
        return found
    if value.__class__ in _SOURCES:
        return _SOURCES[value.__class__](value)
    if isinstance(value, DATASETS):
        return (value[place] for place in range(len(value)))
    if isinstance(value, _ITERABLE):
        run.budget.charge_items(value)
        return iter(value)
    if value.__class__ is Figure:
        raise value.error()
    kind = type(value).__name__
    raise run.error(
        f"a value of type {kind} can't be gone through",
        node or run.current,
        TypeError(words.format(kind)),
    )


def _parts(tensor: Tensor) -> Sequence[Tensor]:
    """Return a tensor's parts along its first axis."""
    with untraced():
        has_axis = tensor.dim() > 0
    if not has_axis:
        raise TypeError("iteration over a 0-d tensor")
    return tensor.unbind(0)


def gives_items(value: Any) -> bool:
    """Return whether a value gives its items by running a part of the program."""
    kind = value.__class__
    if kind in NUMERIC_TYPES:  # most arguments
        return False
    if not isinstance(value, Instance) or isinstance(value, nn.Module):
        return kind in _GIVE_ITEMS
    return _has(value, "__iter__") or _has(value, "__getitem__")


def iterator_of(run: Interpreter, value: Instance) -> Any:
    """Return what `__iter__` of an object of the program gives; `MISSING` if its class has none.

    Raises:
        TypeError: If it gives no iterator.
    """
    if value.__class__.find("__iter__") is MISSING:
        return MISSING
    found = run.call(members.attribute_of(run, value, "__iter__"), [])
    if found.__class__ is ItemIterator or _has(found, "__next__"):
        return found
    raise TypeError(f"iter() returned non-iterator of type '{type(found).__name__}'")


def _has(value: Any, name: str) -> bool:
    return isinstance(value, Instance) and value.__class__.find(name) is not MISSING


def _of_object(run: Interpreter, value: Instance) -> Iterator[Any] | None:
    """Return Python's iterator over the items of an object; None if its class has no way to give them."""
    found = iterator_of(run, value)
    if found.__class__ is ItemIterator:
        source: Iterator[Any] = found.source
        return source
    if found is not MISSING:
        return until(run, members.attribute_of(run, found, "__next__"), repeat(()))
    if _has(value, "__getitem__"):
        place = ([number] for number in count())
        return until(run, members.attribute_of(run, value, "__getitem__"), place, IndexError)
    return None


def until(
    run: Interpreter, method: Any, arguments: Iterable[Sequence[Any]], end: type[Exception] = StopIteration
) -> Iterator[Any]:
    """Yield what a method of the program gives, until it raises an exception."""
    for given in arguments:
        run.budget.step(NATIVE_CALL_STEPS)
        try:
            item = run.call(method, given)
        except ProgramError as error:
            if not isinstance(error.exception or error.__cause__, end):
                raise
            run.budget.step(FAILURE_STEPS)
            run.recorder.failed = run.failed_call = None
            return
        yield item


def take_items(run: Interpreter, value: Any, most: int = MAX_ITEMS, node: ast.AST | None = None) -> list[Any]:
    """Return the items of a value as a list, charged.

    Raises:
        ProgramError: If the value has no items.
        LimitError: If there are more than `most`.
    """
    items = take_first(run, value, most + 1, node)
    if len(items) > most:
        raise LimitError(f"a list of more than {most:,} items")
    return items


def take_first(
    run: Interpreter, value: Any, most: int, node: ast.AST | None = None, words: str = _NOT_ITERABLE
) -> list[Any]:
    """Return the first items of a value as a list, charged; raises what `iterate` does."""
    source = iterate(run, value, node, words)
    if value.__class__ is ItemIterator:
        source = charge_each(run, source)
    items = list(islice(source, most))
    run.budget.charge_list(len(items))
    if value.__class__ in (range, str):
        run.budget.charge_new_items(len(items))
    return items


def charge_each(run: Interpreter, items: Iterable[Any]) -> Iterator[Any]:
    """Yield items, a step each: for what may pass over many of them before it gives one."""
    for item in items:
        run.budget.step()
        yield item
