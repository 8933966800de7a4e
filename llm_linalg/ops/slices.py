"""Slices whose bounds are tensors of one number: `x[n : n + 3]`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced

ITEM_FUNCTIONS = frozenset([Tensor.__getitem__, Tensor.__setitem__])


def with_plain_slices(args: Sequence[Any]) -> Sequence[Any]:
    """Return the arguments of `x[…]` with numbers in place of tensors that bound a slice: `x[n : n + 3]`.

    Torch takes such a number at once, so what is written to the tensor later doesn't move the slice.
    """
    own, key, *others = args
    parts = key if key.__class__ is tuple else (key,)
    bounds = [bound for part in parts if part.__class__ is slice for bound in _bounds(part)]
    if not any(isinstance(bound, Tensor) for bound in bounds):
        return args
    try:
        with untraced():
            plain = tuple([_plain_slice(part) if part.__class__ is slice else part for part in parts])
    except (TypeError, ValueError):  # torch will say that this is no whole number
        return args
    return own, plain if key.__class__ is tuple else plain[0], *others


def _bounds(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step


def _plain_slice(part: slice) -> slice:
    return slice(*[index(bound) if isinstance(bound, Tensor) else bound for bound in _bounds(part)])
