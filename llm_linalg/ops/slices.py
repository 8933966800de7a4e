"""Keys that stand for plain numbers: slices whose bounds are tensors of one, `x[n : n + 3]`, and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced

_BOUNDS = {int, type(None)}
ITEM_FUNCTIONS = frozenset([Tensor.__getitem__, Tensor.__setitem__])


def with_plain_slices(args: Sequence[Any]) -> Sequence[Any]:
    """Return the arguments of `x[…]` with numbers in place of tensors that bound a slice: `x[n : n + 3]`.

    Torch takes such a number at once, so what is written to the tensor later doesn't move the slice. An
    array of NumPy with one axis is a list of its numbers.
    """
    own, key, *others = args
    parts = key if key.__class__ is tuple else (key,)
    if all(map(_is_plain, parts)):
        return args
    try:
        with untraced():
            plain = tuple([part if _is_plain(part) else _plain(part) for part in parts])
    except (TypeError, ValueError):  # torch will say that this is no whole number
        return args
    return own, plain if key.__class__ is tuple else plain[0], *others


def _is_plain(part: Any) -> bool:
    """Return whether a part of a key is as it is to be."""
    if part.__class__ is slice:
        return {part.start.__class__, part.stop.__class__, part.step.__class__} <= _BOUNDS
    return not (part.__class__.__module__ == "numpy" and getattr(part, "ndim", 0) == 1)


def _plain(part: Any) -> Any:
    if part.__class__ is not slice:
        return part.tolist()
    bounds = part.start, part.stop, part.step
    return slice(*[bound if bound is None else index(bound) for bound in bounds])
