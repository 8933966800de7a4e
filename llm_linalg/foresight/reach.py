"""How much a call goes through of what it is given: in steps of a rehearsal, before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llm_linalg.foresight.unknown import (
    HASHED_A_STEP,
    ITEMS_A_STEP,
    LETTERS_A_STEP,
    LISTED_A_STEP,
    NESTED_A_STEP,
    nested,
)
from llm_linalg.language import plain, values
from llm_linalg.language.caller import Method

LISTING = (list, tuple, plain.numbered, plain.paired)
"""Builtins that make a list of the items of others."""
_LONG = (list, tuple, dict, str, range, values.Distinct)
_A_DICT = 8  # items that one in a list takes as long as, beside its own
_HASHING = (values.Distinct, values.mapping)


def ahead(function: Any, arguments: Sequence[Any]) -> int:
    """Return how many steps a call takes as long as, at least, as far as that is told at a glance."""
    long = [value for value in _given(function, arguments) if isinstance(value, _LONG) and len(value) > 0]
    items = sum(map(_items, long)) if long else 0
    return items // a_step(function, arguments) if items > ITEMS_A_STEP else 0


def a_step(function: Any, arguments: Sequence[Any]) -> int:
    """Return how many items a call goes through in the time of a step, if they are in what it is given."""
    given = _given(function, arguments)
    if isinstance(function, Method) and all(isinstance(value, str) for value in given):
        return LETTERS_A_STEP
    if function in _HASHING:
        return HASHED_A_STEP
    if not any(map(nested, given)):
        return LISTED_A_STEP if function in LISTING else ITEMS_A_STEP
    return ITEMS_A_STEP if function in LISTING else NESTED_A_STEP


def _given(function: Any, arguments: Sequence[Any]) -> Sequence[Any]:
    """Return what a call goes through, perhaps."""
    if isinstance(function, Method) and function.function not in values.AT_ONCE:
        return [function.owner, *arguments]
    return arguments


def _items(value: Any) -> int:
    """Return how many items a value has, those within it included, as the first and the last one tell."""
    if not nested(value):
        return len(value)
    return len(value) * (1 + min(_within(value[0]), _within(value[-1])))


def _within(item: Any) -> int:
    if isinstance(item, dict | values.Distinct):
        return _A_DICT + len(item)
    return len(item) if isinstance(item, _LONG) else 0
