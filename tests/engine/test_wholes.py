"""What is known of whole numbers between bounds holds for each number between them."""

from __future__ import annotations

import ast
import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError
from llm_linalg.foresight.several import common, joined
from llm_linalg.foresight.unknown import UNKNOWN, Unknown
from llm_linalg.foresight.wholes import (
    all_of,
    arithmetic,
    between,
    bounds,
    compared,
    negative,
    raised,
    some_range,
)

NUMBERS = st.integers(-12, 12)
OPERATORS = {
    ast.Add(): operator.add,
    ast.Sub(): operator.sub,
    ast.Mult(): operator.mul,
    ast.FloorDiv(): operator.floordiv,
    ast.Mod(): operator.mod,
}

COMPARISONS = {
    ast.Lt(): operator.lt,
    ast.LtE(): operator.le,
    ast.Gt(): operator.gt,
    ast.GtE(): operator.ge,
    ast.Eq(): operator.eq,
    ast.NotEq(): operator.ne,
}


@st.composite
def known(draw: st.DrawFn) -> tuple[Any, int]:
    """Draws what is known of a number, and the number."""
    number = draw(NUMBERS)
    least = draw(st.none() | st.integers(-20, number))
    most = draw(st.none() | st.integers(number, 20))
    return between(least, most), number


def possible(number: int, value: Any) -> bool:
    """Returns whether a number may be one of which so much is known."""
    found = bounds(value)
    assert found is not None
    least, most = found
    return (least is None or least <= number) and (most is None or number <= most)


@given(known(), known(), st.sampled_from(list(OPERATORS)))
def test_a_sum_is_what_is_known_of_it(one: tuple[Any, int], other: tuple[Any, int], kind: Any) -> None:
    (left, first), (right, second) = one, other
    try:
        result = OPERATORS[kind](first, second)
    except ZeroDivisionError:
        return
    assert possible(result, arithmetic(kind, left, right))
    if isinstance(left, Unknown):
        assert possible(-first, negative(left))


@given(known(), known(), st.sampled_from([(ast.Pow(), operator.pow), (ast.LShift(), operator.lshift)]))
def test_a_power_is_what_is_known_of_it(one: tuple[Any, int], other: tuple[Any, int], kind: Any) -> None:
    (left, first), (right, second) = one, other
    found = raised(kind[0], left, right)
    if found is not None:
        assert possible(kind[1](first, second), found)
        return
    for known_of in (left, right):
        least, _ = bounds(known_of) or (None, None)
        if least is None or least < 0:
            return
    pytest.fail("both are known not to be negative")


def test_a_power_beyond_the_largest_has_no_upper_bound() -> None:
    assert bounds(raised(ast.Pow(), 2, between(0, 29))) == (1, 2**29)
    assert bounds(raised(ast.Pow(), between(2, 3), between(10, 10**9))) == (2**10, None)
    assert bounds(raised(ast.LShift(), 1, between(3, None))) == (8, None)
    assert raised(ast.Add(), 1, between(3, 4)) is None
    assert raised(ast.Pow(), 2, UNKNOWN[float]) is None


@given(known(), known(), st.sampled_from(list(COMPARISONS)))
def test_a_comparison_is_what_is_known_of_it(one: tuple[Any, int], other: tuple[Any, int], kind: Any) -> None:
    (left, first), (right, second) = one, other
    assert compared(kind, left, right) in (COMPARISONS[kind](first, second), None)


@given(NUMBERS, NUMBERS, st.sampled_from(list(COMPARISONS)))
def test_numbers_that_are_known_are_compared(one: int, other: int, kind: Any) -> None:
    found = compared(kind, one, other)
    assert found == COMPARISONS[kind](one, other) or (one == other and found is None)


def test_bounds_that_do_not_meet_tell_which_is_larger() -> None:
    assert compared(ast.LtE(), between(0, 4), between(4, None)) is True
    assert compared(ast.Lt(), between(0, 4), between(4, None)) is None
    assert compared(ast.Gt(), between(None, 4), 4) is False
    assert compared(ast.Eq(), between(0, 4), between(5, 9)) is False
    assert compared(ast.NotEq(), between(0, 4), between(5, 9)) is True
    assert compared(ast.Lt(), UNKNOWN[float], 3) is None


@given(st.lists(known(), min_size=2, max_size=8))
def test_one_of_several_is_what_is_known_of_all(numbers: list[tuple[Any, int]]) -> None:
    values = [value for value, _ in numbers]
    found = common(values)
    assert all(possible(number, found) for _, number in numbers)
    assert all(possible(number, joined(values[0], values[1])) for _, number in numbers[:2])


@given(st.lists(NUMBERS, min_size=2))
def test_the_bounds_of_numbers_are_the_least_and_the_most(numbers: list[int]) -> None:
    assert bounds(all_of(numbers)) == (min(numbers), max(numbers))


@given(NUMBERS, NUMBERS, st.integers(1, 3) | st.integers(-3, -1))
def test_the_bounds_of_a_range_are_its_ends(start: int, stop: int, step: int) -> None:
    numbers = range(start, stop, step)
    if numbers:
        assert bounds(all_of(numbers)) == (min(numbers), max(numbers))


@pytest.mark.parametrize("value", [1, -1, 0])
def test_a_number_that_grows_or_shrinks_turn_by_turn_soon_has_the_same_bounds(value: int) -> None:
    known: Any = 7
    for _ in range(2):
        known = joined(known, arithmetic(ast.Add(), known, value))
    assert joined(known, arithmetic(ast.Add(), known, value)) is known
    assert bounds(known) == (7 if value >= 0 else None, 7 if value <= 0 else None)


@given(st.lists(known(), min_size=1, max_size=2), st.integers(1, 3))
def test_a_range_has_at_least_the_items_that_it_surely_has(numbers: list[tuple[Any, int]], step: int) -> None:
    values, exact = [value for value, _ in numbers], [number for _, number in numbers]
    steps = [step] if len(numbers) > 1 else []
    found = some_range([*values, *steps])
    items = range(*exact, *steps)
    assert found is not None
    assert len(found.sure) <= len(items)
    assert all(possible(item, value) for item, value in zip(items, found.sure, strict=False))
    assert all(possible(item, found.others) for item in items[len(found.sure) :])


def test_of_a_range_between_close_bounds_much_is_known() -> None:
    found = some_range([2, between(7, 9)])
    assert found is not None
    assert list(found.sure) == [2, 3, 4, 5, 6]
    assert found.length == "up to 7"
    from_some = some_range([between(0, 3), 10])
    assert from_some is not None
    assert len(from_some.sure) == 7
    assert bounds(from_some.sure[0]) == (0, 9)


@pytest.mark.parametrize(
    "arguments", [[], [1.5], [UNKNOWN[float]], [0, UNKNOWN[int], -1], [0, 5, UNKNOWN[int]]]
)
def test_of_some_ranges_nothing_is_known(arguments: list[Any]) -> None:
    assert some_range(arguments) is None


def test_numbers_beyond_all_use_have_no_bounds() -> None:
    assert bounds(between(10**30, 10**40)) == (None, None)


@pytest.mark.parametrize("size", [10**6, 10**9, 10**15])
def test_a_range_that_surely_is_too_long_is_refused_before_its_items_are_listed(size: int) -> None:
    for numbers in ([between(0, 3), size], [between(size, None)], [0, between(size, size + 3)]):
        with pytest.raises(LimitError, match="a range of"):
            some_range(numbers)
