"""Going through values: iterators, which are gone through once, and the items of all others.

Nothing of Python's own goes through an iterator of a program: an `ItemIterator` is not iterable. Whoever
takes its items does so with `iterate`, turn by turn, each of which runs a part of the program, or with
`take_items`, which charges each item and takes so many and no more.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.language import modules
from llm_linalg.language.arithmetic import MAX_ITEMS
from llm_linalg.language.containers import DICT_VIEWS, OrderedSet
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator

# Unions are built once: these are asked for at each loop.
_PLAIN: frozenset[Any] = frozenset([list, tuple, range, str, dict])
_ITERABLE: Any = range | list | tuple | dict | str | DICT_VIEWS | OrderedSet | deque | modules.LAYER_LISTS


def iterate(run: Interpreter, value: Any, node: ast.AST | None = None) -> Iterator[Any]:
    """Return Python's iterator over the items of a value.

    It is for a loop that runs a part of the program each turn: its items are not charged.

    Raises:
        ProgramError: If the value has no items.
    """
    if value.__class__ in _PLAIN:
        return iter(value)
    if value.__class__ is ItemIterator:
        source: Iterator[Any] = value.source
        return source
    if isinstance(value, Tensor):
        return iter(value.unbind(0))
    if isinstance(value, _ITERABLE):
        run.budget.charge_items(value)
        return iter(value)
    kind = type(value).__name__
    raise run.error(
        f"a value of type {kind} can't be gone through",
        node or run.current,
        TypeError(f"'{kind}' object is not iterable"),
    )


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


def take_first(run: Interpreter, value: Any, most: int, node: ast.AST | None = None) -> list[Any]:
    """Return the first items of a value as a list, charged; raises what `iterate` does."""
    source = iterate(run, value, node)
    if value.__class__ is ItemIterator:
        source = charged(run, source)
    items = list(islice(source, most))
    run.budget.charge_list(len(items))
    return items


def charged(run: Interpreter, items: Iterable[Any]) -> Iterator[Any]:
    """Yield items, a step each: for what may pass over many of them before it gives one."""
    for item in items:
        run.budget.step()
        yield item
