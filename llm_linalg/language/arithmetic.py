"""Operators and functions on plain values, whose size is limited before they are computed.

Python's numbers and lists have no size limit, so `9 ** 9 ** 9` or `[0] * 10 ** 9` would take all time
or memory in one step, which no budget could interrupt. Tensors are charged elsewhere, call by call.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from itertools import chain
from typing import Any, get_args

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language import module_count
from llm_linalg.language.containers import DICT_VIEWS, check_keys
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.sets import OrderedSet

MAX_BITS = 256
MAX_ITEMS = 100_000
MAX_NESTED_ITEMS = 400_000
MAX_FLAT_ITEMS = 1_250_000  # of lists by themselves, of numbers alone: the codes of a text of a megabyte
MAX_NESTING = 1_000
_SEQUENCES = (str, list, tuple, deque)
NUMBER_TYPES: frozenset[Any] = frozenset([int, float])
TENSOR_TYPES: frozenset[Any] = frozenset([Tensor, nn.Parameter])
NUMERIC_TYPES: frozenset[Any] = NUMBER_TYPES | TENSOR_TYPES
"""Types whose operations need no check here, unless both operands are integers."""
PLAIN_TYPES: frozenset[Any] = frozenset([bool, int, float, str, type(None), list, tuple, dict, range])
"""Types of most values that are not tensors: a quick way to tell, used everywhere."""
_SMALL = 2**63  # products of smaller integers are within the limit: their bits need not be counted
_LEAST, _MOST = 1 - 2**30, 2**30 - 1  # CPython keeps these in one digit, and compares them fastest
_FLAT_TYPES = (str, range)
_LIST_TYPES: frozenset[Any] = frozenset([list, tuple])
_FLAT_KINDS: frozenset[Any] = frozenset(_FLAT_TYPES)
_CONTAINER_ITEMS = 8  # a dict, a set or a range within a list takes as long as this many items
MAX_SIZE_NUMBERS = 50  # numbers in a torch.Size; no tensor has as many axes
_LAYER_ITEMS = 100  # putting a layer into another takes as long as this many items
_NEW_SET = 60  # an empty set takes as long as this many items
TYPES_WITH_ITEMS = (*_FLAT_TYPES, list, tuple, dict, OrderedSet, deque, *get_args(DICT_VIEWS))
"""Types of values that have items."""
ITEMLESS_TYPES: frozenset[Any] = frozenset([bool, int, float, type(None), Tensor, nn.Parameter])
"""Types of values that have none, for a quick check."""

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
    ast.FloorDiv: operator.ifloordiv,
    ast.Mod: operator.imod,
    ast.Pow: operator.ipow,
    ast.MatMult: operator.imatmul,
    ast.BitAnd: operator.iand,
    ast.BitOr: operator.ior,
    ast.BitXor: operator.ixor,
    ast.LShift: operator.ilshift,
    ast.RShift: operator.irshift,
}
_GROWING = frozenset([ast.Pow, ast.LShift, ast.Mult])  # can make a number far longer than its operands
_SAFE_FOR_SMALL = {kind: does for kind, does in BINARY.items() if kind not in (ast.Pow, ast.LShift)}
"""Operators that keep small integers within the limit."""
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
    """Return `left kind right`, after a check of its size.

    Raises:
        LimitError: If a plain result would be too large.
    """
    if left.__class__ is right.__class__ is int:
        does = _SAFE_FOR_SMALL.get(kind)
        if does is not None and _LEAST < left < _MOST and _LEAST < right < _MOST:
            return does(left, right)
        _check_integers(kind, left, right)
    elif left.__class__ not in NUMERIC_TYPES or right.__class__ not in NUMERIC_TYPES:
        check_operation(kind, left, right)
    result = BINARY[kind](left, right)
    if result.__class__ is complex:
        raise RefusalError(f"{short_repr(left)} to the power of {short_repr(right)} is no real number")
    return _in_order(left, right, result) if result.__class__ is set else result


def _in_order(left: Any, right: Any, items: set[Any]) -> OrderedSet:
    """Return what Python made of the keys of dicts as a set that keeps the order of the operands."""
    return OrderedSet([item for item in [*left, *right] if item in items])


def check_operation(kind: type[ast.operator], left: Any, right: Any) -> None:
    """Check an operation on plain values before it is done.

    Raises:
        LimitError: If the result would be too large.
        TypeError: If the language has no such operation.
    """
    if left.__class__ in NUMBER_TYPES and right.__class__ in NUMBER_TYPES:
        if left.__class__ is right.__class__ is int:
            _check_integers(kind, left, right)
        return
    if isinstance(left, nn.Module) or isinstance(right, nn.Module):
        module_count.check_count(module_count.count_result(left, right))
    if isinstance(left, DICT_VIEWS | dict) or isinstance(right, DICT_VIEWS):
        check_keys(
            chain(*[side for side in (left, right) if isinstance(side, TYPES_WITH_ITEMS)])
        )  # of which Python makes a set
    if isinstance(left, str) and kind is ast.Mod:
        raise TypeError("text is formatted with an f-string")
    if isinstance(left, int) and isinstance(right, int):
        _check_integers(kind, left, right)
    for items, other in ((left, right), (right, left)):
        if not isinstance(items, _SEQUENCES):
            continue
        if isinstance(other, Tensor):
            sign = ast.unparse(ast.BinOp(ast.Name("x"), kind(), ast.Name("y")))[2:-2]
            kinds = f"'{type(left).__name__}' and '{type(right).__name__}'"
            sign = "** or pow()" if sign == "**" else sign
            raise TypeError(f"unsupported operand type(s) for {sign}: {kinds}")  # Python's words
        if kind is ast.Mult and isinstance(other, int) and len(items) * max(other, 0) > MAX_ITEMS:
            raise LimitError(f"a sequence of {len(items):,} × {other:,} items; {MAX_ITEMS:,} are allowed")
        if kind is ast.Add and isinstance(other, _SEQUENCES) and len(items) + len(other) > MAX_ITEMS:
            raise LimitError(f"a sequence of more than {MAX_ITEMS:,} items")


def new_items(kind: type[ast.operator], left: Any, right: Any) -> int:
    """Return how many items an operation on plain values makes, to be charged beside its operands.

    Raises:
        LimitError: If a `torch.Size` or a layer would hold too many.
    """
    if isinstance(left, torch.Size) or isinstance(right, torch.Size):
        _check_size(kind, left, right)
    if isinstance(left, nn.Module) or isinstance(right, nn.Module):
        return _LAYER_ITEMS * module_count.count_result(left, right)
    sets = [side for side in (left, right) if isinstance(side, OrderedSet | DICT_VIEWS)]
    sets += [side for side in (left, right) if isinstance(side, Counter)]
    count = sum(_NEW_SET + 3 * len(side) for side in sets)
    for items, times in ((left, right), (right, left)) if kind is ast.Mult else ():
        if times.__class__ is int and isinstance(items, _SEQUENCES):
            count += min(len(items) * max(times, 0), MAX_ITEMS)  # more will be refused
    return count


def _check_size(kind: type[ast.operator], left: Any, right: Any) -> None:
    sizes = [len(side) for side in (left, right) if isinstance(side, tuple)]
    times = [side for side in (left, right) if isinstance(side, int)] if kind is ast.Mult else []
    if sum(sizes) * max([1, *times]) > MAX_SIZE_NUMBERS:
        raise LimitError(f"a size of more than {MAX_SIZE_NUMBERS} numbers")


def _check_integers(kind: type[ast.operator], left: int, right: int) -> None:
    if -_SMALL < left < _SMALL and (kind not in _GROWING or (kind is ast.Mult and -_SMALL < right < _SMALL)):
        return
    bits = left.bit_length() or 1
    if kind is ast.Mult:
        bits += right.bit_length()
    elif kind is ast.Pow:
        bits *= max(abs(right), 1) if abs(left) > 1 else 1
    elif kind is ast.LShift:
        bits += max(right, 0)
    if bits > MAX_BITS and (_fewest_bits(kind, left, right, bits) > MAX_BITS or _too_long(kind, left, right)):
        raise LimitError(f"a whole number of more than {MAX_BITS} bits")


def _fewest_bits(kind: type[ast.operator], left: int, right: int, most: int) -> int:
    """Return the fewest bits that a result can have whose upper bound is `most`."""
    if kind is ast.Pow and right > 0:
        return (left.bit_length() - 1) * right + 1
    return most - 1 if kind is ast.Mult else most


def _too_long(kind: type[ast.operator], left: int, right: int) -> bool:
    return bool(BINARY[kind](left, right).bit_length() > MAX_BITS)


def check_result(value: Any) -> Any:
    """Return the result of a call, unless it is an integer that is too large."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise LimitError(f"a whole number of more than {MAX_BITS} bits")
    return value


def item_count(*values: Any) -> int:
    """Return how many items plain values have in all, those within them included."""
    return nesting(*values)[0]


def nesting(*values: Any) -> tuple[int, int, int]:
    """Return how many items plain values have in all, how deep they are nested, and a surcharge in items.

    The items are those that printing or comparing would go through: a list of a list of a list, each the same
    one a thousand times, is small in memory and endless to print. The surcharge is for dicts, sets and ranges
    within lists, which take longer. A text by itself is gone through quickly, however long: what is made of
    its characters has limits of its own.

    Raises:
        LimitError: If they are too many, or a list is in itself.
    """
    total = flat = characters = 0
    level: list[Any] = []
    for value in values:
        kind = value.__class__
        if kind is str:
            characters += len(value)
        elif kind is range:
            total += len(value)
        elif kind in _LIST_TYPES and ITEMLESS_TYPES.issuperset(map(type, value)):
            flat += len(value)
        elif kind not in ITEMLESS_TYPES:
            level.append(value)
    for count, most in ((flat, MAX_FLAT_ITEMS), (total, MAX_NESTED_ITEMS)):
        if count > most:
            raise LimitError(f"more than {most:,} items in all")
    items, levels, surcharge = _nesting_within(level, total) if level else (total, 0, 0)
    return items + flat + characters, levels, surcharge


def _nesting_within(level: Collection[Any], total: int) -> tuple[int, int, int]:
    """Do what `nesting` does for values with others within them, level by level, from `total` items on."""
    surcharge = 0
    for levels in range(MAX_NESTING):
        kinds = Counter(map(type, level))  # few, however long the level
        inner = set(filter(_has_items, kinds))
        if not inner:
            return total, max(levels - 1, 0), surcharge
        if len(inner) < len(kinds):
            level = [value for value in level if value.__class__ in inner]
        if levels:
            surcharge += _CONTAINER_ITEMS * sum(kinds[kind] for kind in inner.difference(_SEQUENCES))
        mappings = [value for value in level if isinstance(value, dict)] if _mapped(inner) else []
        total += sum(map(len, level)) + sum(map(len, mappings))
        if total > MAX_NESTED_ITEMS:  # before the next level is listed: one dict may be in this many times
            raise LimitError(f"more than {MAX_NESTED_ITEMS:,} items in all")
        if not inner.isdisjoint(_FLAT_KINDS):
            level = [value for value in level if value.__class__ not in _FLAT_KINDS]
        level = [*chain.from_iterable(level), *chain.from_iterable(map(dict.values, mappings))]
    raise LimitError(f"lists in lists, more than {MAX_NESTING:,} deep")


@lru_cache(1_000)
def _has_items(kind: type) -> bool:
    return issubclass(kind, TYPES_WITH_ITEMS)


def _mapped(kinds: Iterable[type]) -> bool:
    return any(issubclass(kind, dict) for kind in kinds)
