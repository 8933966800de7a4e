"""Whole numbers between bounds: what is known of those that a loop counts, and of the ranges up to them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from operator import lshift
from typing import Any

from llm_linalg.foresight.unknown import UNKNOWN, Unknown
from llm_linalg.language import plain

LARGEST = 2**64  # bounds beyond it are not kept
_MOST_BITS = 64

Bounds = tuple[int | None, int | None]  # the least and the most that a number may be, if that is known


class SomeRange(Unknown):
    """A range of which not all is known: it has at least the items of `sure`, in their order.

    Attributes:
        sure: What is known of the items that it surely has, which are its first.
        others: What is known of each that may follow.
    """

    __slots__ = ("others", "sure")

    def __init__(self, sure: Sequence[Any], others: Any) -> None:
        super().__init__(None)
        self.sure = sure
        self.others = others

    @property
    def identity(self) -> Any:
        """None: another one may know other items."""
        return None

    @property
    def longest(self) -> int | None:
        """How many items there are at most; None if that isn't known."""
        found = bounds(self.others)
        if found is None or found[0] is None or found[1] is None:
            return None
        return max(found[1] - found[0] + 1, 0)

    @property
    def length(self) -> str:
        """How many items there are, in words."""
        return "many" if self.longest is None else f"up to {self.longest:,}"


def bounds(value: Any) -> Bounds | None:
    """Return between what a whole number is; None if a value need not be one."""
    if type(value) is int:
        return value, value
    if isinstance(value, Unknown) and value.kind is int:
        return value.least, value.most
    return None


def between(least: int | None, most: int | None) -> Any:
    """Return a whole number of which no more is known than its bounds."""
    if least is not None and abs(least) > LARGEST:
        least = None
    if most is not None and abs(most) > LARGEST:
        most = None
    if least is None and most is None:
        return UNKNOWN[int]
    return least if least == most else Unknown(int, least, most)


def either(one: Any, other: Any) -> Any:
    """Return a whole number that is one or the other; the first itself, if that is all of it.

    A bound that the other passes is given up: so a number that grows turn by turn soon has the same bounds.
    """
    (least, most), (lower, upper) = bounds(one) or (None, None), bounds(other) or (None, None)
    below = least is not None and (lower is None or lower < least)
    above = most is not None and (upper is None or upper > most)
    if not below and not above and type(one) in (int, Unknown):
        return one
    return between(None if below else least, None if above else most)


def greatest(value: Any) -> Any:
    """Return a value, or the most that it may be, if it is a whole number; likewise each of a list."""
    if isinstance(value, list | tuple):
        return type(value)([_most(item) for item in value]) if type(value) in (list, tuple) else value
    return _most(value)


def _most(value: Any) -> Any:
    found = bounds(value) if isinstance(value, Unknown) else None
    return value if found is None or found[1] is None else found[1]


def spanning(one: Any, other: Any) -> Any:
    """Return a whole number that is one or the other; the first itself, if that is all of it."""
    (least, most), (lower, upper) = bounds(one) or (None, None), bounds(other) or (None, None)
    below = None if least is None or lower is None else min(least, lower)
    above = None if most is None or upper is None else max(most, upper)
    return one if (below, above) == (least, most) and type(one) in (int, Unknown) else between(below, above)


def all_of(values: Sequence[int]) -> Any:
    """Return a whole number that is one of several."""
    if isinstance(values, range):
        return between(min(values[0], values[-1]), max(values[0], values[-1]))
    return between(min(values), max(values))


def negative(value: Unknown) -> Any:
    """Return minus a number that is unknown."""
    if value.kind is not int:
        return value
    return between(None if value.most is None else -value.most, None if value.least is None else -value.least)


def arithmetic(operator: ast.operator, left: Any, right: Any) -> Any:
    """Return what is known of a sum of whole numbers, or its like."""
    one, other = bounds(left), bounds(right)
    rule = _RULES.get(type(operator))
    if rule is None or one is None or other is None:
        return UNKNOWN[int]
    return between(*rule(one, other))


def raised(operator: ast.operator, left: Any, right: Any) -> Any:
    """Return what is known of a power of whole numbers, or of one that is shifted; None if it may be none."""
    one, other = bounds(left), bounds(right)
    rule = _RAISING.get(type(operator))
    if rule is None or one is None or other is None:
        return None
    (least, most), (lower, upper) = one, other
    if least is None or lower is None or least < 0 or lower < 0:
        return None
    first = rule(least, min(lower, _MOST_BITS)) if least else 0
    if most is None or upper is None or upper > _MOST_BITS or most > LARGEST:
        return between(first, None)
    return between(first, max(rule(most, upper), 1))  # 0 ** 0 is 1


def compared(kind: ast.cmpop, left: Any, right: Any) -> bool | None:
    """Return ``left kind right`` of whole numbers, if their bounds tell it; else None."""
    one, other = bounds(left), bounds(right)
    if one is None or other is None:
        return None
    (least, most), (lower, upper) = one, other
    below = most is not None and lower is not None and most < lower
    above = least is not None and upper is not None and least > upper
    reaching = most is not None and lower is not None and most <= lower
    reached = least is not None and upper is not None and least >= upper
    sure, never = {
        ast.Lt: (below, reached),
        ast.LtE: (reaching, above),
        ast.Gt: (above, reaching),
        ast.GtE: (reached, below),
        ast.Eq: (False, below or above),
        ast.NotEq: (below or above, False),
    }.get(type(kind), (False, False))
    return True if sure else False if never else None


def some_range(arguments: Sequence[Any]) -> SomeRange | None:
    """Return what is known of ``range(…)`` with unknown numbers; None if nothing is.

    Raises:
        LimitError: If it surely has more items than a range may have.
    """
    if not 1 <= len(arguments) <= 3:
        return None
    start, stop = (0, arguments[0]) if len(arguments) == 1 else arguments[:2]
    step = arguments[2] if len(arguments) > 2 else 1
    first, end = bounds(start), bounds(stop)
    if type(step) is not int or step < 1 or first is None or end is None:
        return None
    (low, high), (least, most) = first, end
    others = between(low, None if most is None else most - 1)
    if high is None or least is None:
        return SomeRange((), others)
    sure = plain.bounded_range(high, least, step)
    return SomeRange(sure if low == high else [others] * len(sure), others)


def _sum(one: Bounds, other: Bounds) -> Bounds:
    (least, most), (lower, upper) = one, other
    return (
        None if least is None or lower is None else least + lower,
        None if most is None or upper is None else most + upper,
    )


def _difference(one: Bounds, other: Bounds) -> Bounds:
    lower, upper = other
    return _sum(one, (None if upper is None else -upper, None if lower is None else -lower))


def _product(one: Bounds, other: Bounds) -> Bounds:
    (least, most), (lower, upper) = one, other
    if least is None or lower is None or least < 0 or lower < 0:
        return None, None
    return least * lower, None if most is None or upper is None else most * upper


def _quotient(one: Bounds, other: Bounds) -> Bounds:
    least, most = one
    by = other[0]
    if by is None or by != other[1] or by < 1:
        return None, None
    return None if least is None else least // by, None if most is None else most // by


def _remainder(_: Bounds, other: Bounds) -> Bounds:
    by = other[1]
    return (0, by - 1) if by is not None and other[0] is not None and other[0] > 0 else (None, None)


_RULES: Mapping[type[ast.operator], Callable[[Bounds, Bounds], Bounds]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.FloorDiv: _quotient,
    ast.Mod: _remainder,
}

_RAISING: Mapping[type[ast.operator], Callable[[int, int], int]] = {ast.Pow: pow, ast.LShift: lshift}
