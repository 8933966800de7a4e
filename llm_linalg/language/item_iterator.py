"""Iterators of the program, each of which gives its items once."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from llm_linalg.base.errors import LimitError

MAX_DEPTH = 30  # iterators that take their items from others
_FIRST_ADDRESS = 0x7F0000000000


def address(number: int) -> int:
    """Return what stands for the address of a value with a number: the same in every run."""
    return _FIRST_ADDRESS + 16 * number


class ItemIterator:
    """An iterator of the program, such as a generator or a `zip`.

    It is no iterator of Python's, on purpose: what doesn't know it can't go through it. `iteration` does.

    Args:
        number: Its number in the run.
        title: What Python calls it, such as `zip object`.
        source: Python's iterator over its items.
        inner: The values that it takes its items from, and the functions or the body that it runs for them.
    """

    __slots__ = ("address", "depth", "inner", "source", "title")
    depth: int

    def __init__(self, number: int, title: str, source: Iterator[Any], *inner: Any) -> None:
        depths: list[int] = [item.depth for item in inner if isinstance(item, ItemIterator)]
        self.depth = 1 + max(depths, default=0)
        if self.depth > MAX_DEPTH:
            raise LimitError(f"iterators in iterators, more than {MAX_DEPTH} deep")
        self.title = title
        self.source = source
        self.inner = inner
        self.address = address(number)

    def __repr__(self) -> str:
        if isinstance(self.source, count):
            return repr(self.source)
        return f"<{self.title} at 0x{self.address:012x}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PausedBody:
    """The body of a generator, which goes on at each turn.

    Attributes:
        node: Its definition, or the expression.
        names: Its names, within those around it.
    """

    node: ast.FunctionDef | ast.Lambda | ast.GeneratorExp
    names: ChainMap[str, Any]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProgressBar:
    """What `tqdm` makes of items: the same items.

    Attributes:
        items: The items.
    """

    items: Any

    def __repr__(self) -> str:
        return "<a progress bar>"


ItemIterator.__name__ = "generator"  # as the messages call it
