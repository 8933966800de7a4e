"""What is known of several values at once, one of which there will be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from operator import is_
from typing import Any

import torch
from torch import Tensor

from llm_linalg.foresight import back
from llm_linalg.foresight.nowhere import holds_truths, like, may_be_none, memory
from llm_linalg.foresight.unknown import ANY, EXACT, SOME_TENSOR, UNKNOWN, Unknown, few, kind_of
from llm_linalg.foresight.wholes import all_of, either, spanning
from llm_linalg.language.own import UNBOUND

_MOST = 1_000  # items that are looked at, to say what all of them have in common
_TENSORS_A_STEP = 3  # that are looked at in a step of a rehearsal, each another one
_VALUES_A_STEP = 12  # likewise, of other values
_SAME_A_STEP = 500  # values that are the same one, or whole numbers


def joined(one: Any, other: Any, numbers: Callable[[Any, Any], Any] = either) -> Any:
    """Return what is known of a value that is one or the other; the first itself, if that is all of it.

    Args:
        one: What is known of it, if it is the one.
        other: Likewise.
        numbers: Joins whole numbers; if not given, so that one that grows turn by turn soon stays as it is.
    """
    if one is other or other is UNBOUND:
        return one  # where a name is not bound, the run ends as soon as it is used
    if one.__class__ is other.__class__ is int:
        return numbers(one, other)
    if one is UNBOUND:
        return other
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        with torch._C.DisableTorchFunction():
            return _of_tensors(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        if not few(one) or not few(other):
            return ANY
        items = tuple(map(joined, one, other, repeat(numbers)))
        return one if all(map(is_, items, one)) else items
    kinds = {kind_of(one), kind_of(other)}
    if len(kinds) > 1 or kinds == {None}:
        return ANY
    if kinds == {int}:
        return numbers(one, other)
    if isinstance(one, Unknown) or isinstance(other, Tensor):
        return UNKNOWN.get(kinds.pop(), ANY)
    # 0.0 is not -0.0; long texts are compared as they are
    texts = isinstance(one, str) and isinstance(other, str)
    equal = not isinstance(other, Unknown) and (one == other if texts else repr(one) == repr(other))
    return one if equal else UNKNOWN.get(type(one), ANY)


def _of_tensors(one: Tensor, other: Tensor) -> Any:
    if may_be_none(one) != may_be_none(other):
        return ANY
    if one.shape != other.shape or one.dtype != other.dtype:
        return ANY if may_be_none(one) else SOME_TENSOR
    if holds_truths(one) and not holds_truths(other):
        return like(one)
    return back.either(one, other)


def identity(value: Any) -> Any:
    """Return what is equal for values of which the same is known; None for one that can be changed."""
    if isinstance(value, Tensor):
        with torch._C.DisableTorchFunction():
            sure = memory(value), holds_truths(value)
            return Tensor, tuple(value.shape), value.dtype, id(value._base), *sure
    if isinstance(value, Unknown):
        return value.identity
    if isinstance(value, float):
        return float, repr(value)  # 0.0 is not -0.0
    if isinstance(value, tuple):
        if not few(value):
            return None
        items = tuple(map(identity, value))
        return None if None in items else items
    return (type(value), value) if isinstance(value, EXACT) else None


def common(values: Sequence[Any]) -> Any:
    """Return what is known of each of the values; there is at least one."""
    if len(values) == 1:
        return values[0]
    if isinstance(values, range) or all(type(value) is int for value in values[:_MOST]):
        return all_of(values) if len(values) <= _MOST or isinstance(values, range) else UNKNOWN[int]
    if len(values) > _MOST:
        return values[0] if all(map(is_, values, repeat(values[0]))) else ANY
    found = values[0]
    if isinstance(found, tuple) and few(found) and _alike(values):
        items = tuple(map(common, zip(*values, strict=True)))
        return found if all(map(is_, items, found)) else items
    for value in dict(zip(map(id, values), values, strict=True)).values():
        found = joined(found, value, spanning)
    return found


def looking(values: Any) -> int:
    """Return how many steps of a rehearsal `common` takes as long as, of a list's or a dict's values."""
    if isinstance(values, range):
        return 0
    if len(values) > _MOST:
        return len(values) // _SAME_A_STEP
    items = list(values.values()) if isinstance(values, dict) else values
    kinds = set(map(type, items))
    if kinds == {int}:
        return len(items) // _SAME_A_STEP
    others = len(set(map(id, items)))
    return others // (_TENSORS_A_STEP if any(issubclass(kind, Tensor) for kind in kinds) else _VALUES_A_STEP)


def _alike(values: Sequence[Any]) -> bool:
    """Return whether all are tuples that are as long as the first, and have no others within them."""
    sizes = {len(value) if isinstance(value, tuple) else -1 for value in values}
    return sizes == {len(values[0])} and not any(isinstance(item, tuple) for item in chain(*values))
