"""Python's functions on plain values, with limits; those on iterators are in `iterators`."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arithmetic import MAX_BITS, MAX_ITEMS, NUMBER_TYPES, binary, check_result
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.arrays.array_cellwise import around
from llm_linalg.language.refusal import RefusalError


def make_range(*bounds: int) -> range:
    """Do what `range` does, up to a length."""
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise LimitError(f"a range of {len(numbers):,} numbers; {MAX_ITEMS:,} are allowed")
    return numbers


def round_number(number: Any, ndigits: int | None = None) -> Any:
    """Do what `round` does."""
    if ndigits is not None and abs(ndigits) > MAX_BITS:
        raise LimitError(f"a number is rounded to at most {MAX_BITS} digits")
    if isinstance(number, Array) and not number.tensor.dim():
        return round(number.item()) if ndigits is None else around(number, ndigits)
    return round(number) if ndigits is None else round(number, ndigits)


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
            raise RefusalError("math.prod multiplies numbers")
    return result


def power(base: Any, exp: Any, mod: Any = None) -> Any:
    """Do what `pow` does."""
    if mod is None:
        return binary(ast.Pow, base, exp)
    if not all(isinstance(number, int) for number in (base, exp, mod)):
        raise TypeError("pow() 3rd argument not allowed unless all arguments are integers")
    return pow(check_result(base), check_result(exp), check_result(mod))


def quotient_and_rest(left: Any, right: Any) -> tuple[Any, Any]:
    """Do what `divmod` does."""
    return binary(ast.FloorDiv, left, right), binary(ast.Mod, left, right)
