"""Python's functions as the language has them: with limits, and lists instead of iterators."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arithmetic import MAX_BITS, MAX_ITEMS, NUMBER_TYPES, binary, check_result


def make_range(*bounds: int) -> range:
    """Do what `range` does, up to a length."""
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise LimitError(f"a range of {len(numbers):,} numbers; {MAX_ITEMS:,} are allowed")
    return numbers


def enumerate_items(items: Any, start: int = 0) -> list[tuple[int, Any]]:
    """Do what `enumerate` does, as a list: it can be gone through again."""
    return list(enumerate(items, start))


def zip_items(*sequences: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    """Do what `zip` does, as a list."""
    return list(zip(*sequences, strict=strict))


def round_number(number: Any, digits: int | None = None) -> Any:
    """Do what `round` does."""
    if digits is not None and abs(digits) > MAX_BITS:
        raise LimitError(f"a number is rounded to at most {MAX_BITS} digits")
    return round(number) if digits is None else round(number, digits)


def sum_items(items: Any, start: Any = 0) -> Any:
    """Do what `sum` does; of lists in linear time, where Python's own is quadratic."""
    if isinstance(start, nn.Module):
        raise TypeError("a sum joins no layers: write nn.ModuleList(items)")
    if not isinstance(start, list | tuple):
        return sum(items, start)
    parts, result = list(items), list(start)
    if not parts:
        return start
    for item in parts:
        if not isinstance(item, type(start)):
            raise TypeError(f"a {type(item).__name__} can't be added to a {type(start).__name__}")
        result += item
        if len(result) > MAX_ITEMS:
            raise LimitError(f"a sequence of more than {MAX_ITEMS:,} items")
    return result if isinstance(start, list) else tuple(result)


def prod(numbers: Any) -> Any:
    """Do what `math.prod` does."""
    result: Any = 1
    for item in numbers:
        item = int(item) if item.__class__ is bool else item
        if item.__class__ in NUMBER_TYPES and result.__class__ in NUMBER_TYPES:
            result = check_result(result * item)  # both are within the limit
        elif item.__class__ in NUMBER_TYPES or isinstance(item, Tensor):
            result = binary(ast.Mult, result, item)
        else:
            raise TypeError("math.prod multiplies numbers")
    return result


def sort_items(items: Iterable[Any], *, key: Any = None, reverse: bool = False) -> list[Any]:
    """Do what `sorted` does."""
    if key is not None:
        raise TypeError("sorted has no key= in this language: sort pairs, such as (len(w), w)")
    return sorted(items, reverse=reverse)


def reverse_items(items: Any) -> list[Any]:
    """Do what `reversed` does, as a list; of a tensor, its rows."""
    return list(items)[::-1] if isinstance(items, Tensor) else list(reversed(items))
