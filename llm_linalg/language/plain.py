"""Arithmetic on plain values, bounded before it is computed."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from torch import Tensor

from llm_linalg.errors import LimitError

MAX_BITS = 256
MAX_ITEMS = 100_000
MAX_WEIGHT = 200_000
MAX_TEXT = 100_000

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
IN_PLACE: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.iadd,
    ast.Sub: operator.isub,
    ast.Mult: operator.imul,
    ast.Div: operator.itruediv,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


def binary(kind: type[ast.operator], left: Any, right: Any) -> Any:
    """Return ``left kind right``; plain values are held against the bounds first."""
    if not isinstance(left, Tensor) and not isinstance(right, Tensor):
        weigh(left, right)
        _bound(kind, left, right)
    return BINARY[kind](left, right)


def _bound(kind: type[ast.operator], left: Any, right: Any) -> None:
    if isinstance(left, str) and kind is ast.Mod:
        raise TypeError("text is formatted with an f-string")
    if isinstance(left, int) and isinstance(right, int):
        _bound_integers(kind, left, right)
        return
    for items, times in ((left, right), (right, left)):
        if not isinstance(items, str | list | tuple):
            continue
        if kind is ast.Mult and isinstance(times, int) and len(items) * max(times, 0) > MAX_ITEMS:
            raise LimitError(f"a sequence of {len(items)} × {times} items; {MAX_ITEMS} are allowed")
        if kind is ast.Add and isinstance(times, str | list | tuple) and len(items) + len(times) > MAX_ITEMS:
            raise LimitError(f"a sequence of more than {MAX_ITEMS} items")


def _bound_integers(kind: type[ast.operator], left: int, right: int) -> None:
    bits = max(left.bit_length(), 1)
    if kind is ast.Pow:
        bits *= max(abs(right), 1) if abs(left) > 1 else 1
    elif kind is ast.LShift:
        bits += max(right, 0)
    elif kind is ast.Mult:
        bits += right.bit_length()
    if bits > MAX_BITS:
        raise LimitError(f"a whole number of more than {MAX_BITS} bits")


def formatted(value: Any, conversion: int, spec: str) -> str:
    """Return a value as an f-string shows it."""
    if any(int(number) > 200 for number in re.findall(r"\d+", spec)[:8]) or len(spec) > 40:
        raise LimitError("a number is formatted with at most 200 places")
    weigh(value)
    if conversion == ord("r"):
        value = repr(value)
    elif conversion in (ord("s"), ord("a")):
        value = ascii(value) if conversion == ord("a") else str(value)
    return format(value, spec)


def weigh(*values: Any) -> None:
    """Hold plain values against a bound before something goes through all their items.

    A list of a list of a list, each the same one a thousand times, is small in memory and endless to
    print or compare.

    Raises:
        LimitError: If they have more items than the bound.
    """
    left = MAX_WEIGHT
    todo = list(values)
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            value = [*value.keys(), *value.values()]
        if isinstance(value, str | list | tuple | range):
            left -= len(value)
        if left < 0:
            raise LimitError(f"more than {MAX_WEIGHT:,} items in all")
        if isinstance(value, list | tuple):
            todo += [item for item in value if isinstance(item, str | list | tuple | dict)]


def bounded_range(*bounds: int) -> range:
    """Return a range of a bounded length."""
    found = range(*bounds)
    if len(found) > MAX_ITEMS:
        raise LimitError(f"a range of {len(found):,} numbers; {MAX_ITEMS:,} are allowed")
    return found


def numbered(items: Any, start: int = 0) -> list[tuple[int, Any]]:
    """Return what `enumerate` yields."""
    return list(enumerate(items, start))


def paired(*sequences: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    """Return what `zip` yields."""
    return list(zip(*sequences, strict=strict))
