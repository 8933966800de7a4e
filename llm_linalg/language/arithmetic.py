"""Arithmetic on plain values, bounded before it is computed."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from itertools import chain
from typing import Any, get_args

import torch
from torch import Tensor, nn

from llm_linalg.base.axes import extent
from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language import module_count
from llm_linalg.language.containers import DICT_VIEWS, OrderedSet, check_keys

MAX_BITS = 256
MAX_ITEMS = 100_000
MAX_WEIGHT = 200_000
MAX_LEVELS = 1_000
_SEQUENCES = (str, list, tuple)
NUMBER_TYPES: frozenset[Any] = frozenset([int, float])
NUMERIC_TYPES: frozenset[Any] = NUMBER_TYPES | {Tensor, nn.Parameter}
"""Of two of these an operation holds nothing against the bounds, unless both are whole numbers."""
PLAIN_TYPES: frozenset[Any] = frozenset([bool, int, float, str, type(None), list, tuple, dict, range])
"""Most plain values, told at a glance."""
_SMALL = 2**63  # a smaller number is within the bound: its bits need not be counted
_LEAST, _MOST = 1 - 2**30, 2**30 - 1  # CPython compares numbers between those at once
_FLAT = (str, range)
_PARTS: frozenset[Any] = frozenset([list, tuple])
_ENDS: frozenset[Any] = frozenset(_FLAT)
_OTHER = 8  # items that a dict, a set or a range in a list takes as long as
MAX_IN_A_SIZE = 50  # which no tensor has as many axes as
_JOINED = 100  # items in the time in which a layer is put into another
TYPES_WITH_ITEMS = (*_FLAT, list, tuple, dict, OrderedSet, *get_args(DICT_VIEWS))
"""What has items."""
ITEMLESS_TYPES: frozenset[Any] = frozenset([bool, int, float, type(None), Tensor])
"""What has none, told at a glance."""

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
_GROWING = frozenset([ast.Pow, ast.LShift, ast.Mult])  # what can give far longer numbers than it is given
_WITHIN = {kind: does for kind, does in BINARY.items() if kind not in (ast.Pow, ast.LShift)}
"""What of small numbers gives none beyond the bound."""
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
    if left.__class__ is right.__class__ is int:
        does = _WITHIN.get(kind)
        if does is not None and _LEAST < left < _MOST and _LEAST < right < _MOST:
            return does(left, right)
        _check_integers(kind, left, right)
    elif left.__class__ not in NUMERIC_TYPES or right.__class__ not in NUMERIC_TYPES:
        check_operation(kind, left, right)
    found = BINARY[kind](left, right)
    return _in_order(left, right, found) if found.__class__ is set else found


def _in_order(left: Any, right: Any, found: set[Any]) -> OrderedSet:
    """Return what keys of dicts have in common, or the like, in the order in which they came."""
    return OrderedSet([item for item in [*left, *right] if item in found])


def check_operation(kind: type[ast.operator], left: Any, right: Any) -> None:
    """Hold an operation on plain values against the bounds; what has tensors is held as a call.

    Raises:
        LimitError: If the result would be too long.
        TypeError: If it is no operation of the language.
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
        )  # Python makes a set
    if isinstance(left, str) and kind is ast.Mod:
        raise TypeError("text is formatted with an f-string")
    if isinstance(left, int) and isinstance(right, int):
        _check_integers(kind, left, right)
    for items, other in ((left, right), (right, left)):
        if not isinstance(items, _SEQUENCES):
            continue
        if isinstance(other, Tensor):
            raise TypeError(f"a {type(items).__name__} and a tensor have no {kind.__name__.lower()}")
        if kind is ast.Mult and isinstance(other, int) and len(items) * max(other, 0) > MAX_ITEMS:
            raise LimitError(f"a sequence of {len(items):,} × {other:,} items; {MAX_ITEMS:,} are allowed")
        if kind is ast.Add and isinstance(other, _SEQUENCES) and len(items) + len(other) > MAX_ITEMS:
            raise LimitError(f"a sequence of more than {MAX_ITEMS:,} items")


def new_items(kind: type[ast.operator], left: Any, right: Any) -> int:
    """Return how many items an operation on plain values makes beside those that it goes through.

    Raises:
        LimitError: If it would be a size of more numbers than any tensor has axes, or more layers than fit.
    """
    if isinstance(left, torch.Size) or isinstance(right, torch.Size):
        _check_size(kind, left, right)
    if isinstance(left, nn.Module) or isinstance(right, nn.Module):
        return _JOINED * module_count.count_result(left, right)
    made = 3 * sum(len(side) for side in (left, right) if isinstance(side, OrderedSet))
    for items, times in ((left, right), (right, left)) if kind is ast.Mult else ():
        if times.__class__ is int and isinstance(items, _SEQUENCES):
            made += min(len(items) * max(times, 0), MAX_ITEMS)  # more is refused
    return made


def make_size(numbers: Any = ()) -> torch.Size:
    """Return what ``torch.Size`` makes of numbers.

    Raises:
        LimitError: If they are more than any tensor has axes.
    """
    if isinstance(numbers, list | tuple | range) and len(numbers) > MAX_IN_A_SIZE:
        raise LimitError(f"a size of {len(numbers):,} numbers; {MAX_IN_A_SIZE} are allowed")
    return torch.Size(numbers)


def _check_size(kind: type[ast.operator], left: Any, right: Any) -> None:
    sizes = [len(side) for side in (left, right) if isinstance(side, tuple)]
    times = [side for side in (left, right) if isinstance(side, int)] if kind is ast.Mult else []
    if sum(sizes) * max([1, *times]) > MAX_IN_A_SIZE:
        raise LimitError(f"a size of more than {MAX_IN_A_SIZE} numbers")


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
    """Return how many bits a result has at least that has so many at most."""
    if kind is ast.Pow and right > 0:
        return (left.bit_length() - 1) * right + 1
    return most - 1 if kind is ast.Mult else most


def _too_long(kind: type[ast.operator], left: int, right: int) -> bool:
    return bool(BINARY[kind](left, right).bit_length() > MAX_BITS)


def check_result(value: Any) -> Any:
    """Return a value that a function gave, unless it is a whole number beyond the bound."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise LimitError(f"a whole number of more than {MAX_BITS} bits")
    return value


def item_count(*values: Any) -> int:
    """Return how many items plain values have in all, those within them included; see `nesting`."""
    return nesting(*values)[0]


def nesting(*values: Any) -> tuple[int, int, int]:
    """Return how many items plain values have in all, how deep those lie that have some, and others beside.

    A list of a list of a list, each the same one a thousand times, is small in memory and endless to
    print or compare. Others are those that a dict, a set or a range in a list takes as long as.

    Raises:
        LimitError: If they have more than the bound, or a list is in itself.
    """
    total = 0
    level: list[Any] = []
    for value in values:
        if (
            value.__class__ in _PARTS and ITEMLESS_TYPES.issuperset(map(type, value))
        ) or value.__class__ in _ENDS:
            total += len(value)
        elif value.__class__ not in ITEMLESS_TYPES:
            level.append(value)
    if total > MAX_WEIGHT:
        raise LimitError(f"more than {MAX_WEIGHT:,} items in all")
    return _nesting_within(level, total) if level else (total, 0, 0)


def _nesting_within(level: Collection[Any], total: int) -> tuple[int, int, int]:
    """Return what `nesting` does of values that may have others within them; some items were counted."""
    others = 0
    for levels in range(MAX_LEVELS):
        kinds = Counter(map(type, level))  # of which there are few
        inner = set(filter(_has_items, kinds))
        if not inner:
            return total, max(levels - 1, 0), others
        if len(inner) < len(kinds):
            level = [value for value in level if value.__class__ in inner]
        others += _OTHER * sum(kinds[kind] for kind in inner.difference(_SEQUENCES)) if levels else 0
        mappings = [value for value in level if isinstance(value, dict)] if _mapped(inner) else []
        total += sum(map(len, level)) + sum(map(len, mappings))
        if total > MAX_WEIGHT:  # before any is gone through: the same dict may be there many times
            raise LimitError(f"more than {MAX_WEIGHT:,} items in all")
        if not inner.isdisjoint(_ENDS):
            level = [value for value in level if value.__class__ not in _ENDS]
        level = [*chain.from_iterable(level), *chain.from_iterable(map(dict.values, mappings))]
    raise LimitError(f"lists in lists, more than {MAX_LEVELS:,} deep")


@lru_cache(1_000)
def _has_items(kind: type) -> bool:
    return issubclass(kind, TYPES_WITH_ITEMS)


def _mapped(kinds: Iterable[type]) -> bool:
    return any(issubclass(kind, dict) for kind in kinds)


def to_list(tensor: Tensor) -> Any:
    """Return a tensor's cells as nested lists."""
    items = extent(tuple(tensor.shape))
    if items > MAX_ITEMS:
        raise LimitError(f"a list of {items:,} numbers; {MAX_ITEMS:,} are allowed")
    return tensor.tolist()


def to_dtype(tensor: Tensor, *kinds: Any, dtype: torch.dtype | None = None) -> Tensor:
    """Return a tensor in another type; all tensors of the language live on the CPU.

    Args:
        tensor: The tensor.
        kinds: A type, a tensor that has it, or a device and a type.
        dtype: The type by its name.
    """
    for kind in (*kinds, dtype):
        if isinstance(kind, torch.dtype | Tensor):
            tensor = tensor.to(kind)
        elif kind is not None:
            cpu_device(kind)
    return tensor


def cpu_device(kind: Any) -> torch.device:
    """Return the CPU, which is the only device here.

    Raises:
        ValueError: If another is asked for.
    """
    if not isinstance(kind, str | torch.device) or str(kind) != "cpu":
        raise ValueError(f"there is only the CPU here, not {short_repr(kind)}")
    return torch.device("cpu")


def is_cuda_available() -> bool:
    """Say that there is no other device."""
    return False


def make_tensor(data: Any) -> Tensor:
    """Return what ``torch.Tensor`` makes of lists.

    Raises:
        TypeError: If it is given sizes, for which it would leave cells as memory held them.
    """
    if not isinstance(data, list | tuple):
        raise TypeError("torch.Tensor takes lists here: write torch.zeros(sizes), or torch.tensor(number)")
    return torch.tensor(data, dtype=torch.float32)


def round_number(number: Any, digits: int | None = None) -> Any:
    """Return what `round` gives."""
    if digits is not None and abs(digits) > MAX_BITS:
        raise LimitError(f"a number is rounded to at most {MAX_BITS} digits")
    return round(number) if digits is None else round(number, digits)


def sum_items(items: Any, start: Any = 0) -> Any:
    """Return what `sum` gives, of nothing its start; of lists in a time that grows with their items."""
    if isinstance(start, nn.Module):
        raise TypeError("a sum joins no layers: write nn.ModuleList(items)")
    if not isinstance(start, list | tuple):
        return sum(items, start)
    added, found = list(items), list(start)
    if not added:
        return start
    for item in added:
        if not isinstance(item, type(start)):
            raise TypeError(f"a {type(item).__name__} can't be added to a {type(start).__name__}")
        found += item
        if len(found) > MAX_ITEMS:
            raise LimitError(f"a sequence of more than {MAX_ITEMS:,} items")
    return found if isinstance(start, list) else tuple(found)


def prod(numbers: Any) -> Any:
    """Return what ``math.prod`` gives."""
    result: Any = 1
    for item in numbers:
        item = int(item) if item.__class__ is bool else item
        if item.__class__ in NUMBER_TYPES and result.__class__ in NUMBER_TYPES:
            result = check_result(result * item)  # neither is beyond the bound
        elif item.__class__ in NUMBER_TYPES or isinstance(item, Tensor):
            result = binary(ast.Mult, result, item)
        else:
            raise TypeError("math.prod multiplies numbers")
    return result


def manual_seed(seed: int) -> None:
    """Seed torch's generator, and no other device's."""
    torch.default_generator.manual_seed(int(seed))


def make_range(*bounds: int) -> range:
    """Return a range of a bounded length."""
    found = range(*bounds)
    if len(found) > MAX_ITEMS:
        raise LimitError(f"a range of {len(found):,} numbers; {MAX_ITEMS:,} are allowed")
    return found


def enumerate_items(items: Any, start: int = 0) -> list[tuple[int, Any]]:
    """Return what `enumerate` yields."""
    return list(enumerate(items, start))


def zip_items(*sequences: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    """Return what `zip` yields."""
    return list(zip(*sequences, strict=strict))
