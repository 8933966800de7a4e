"""Arguments that are numbers, and may be tensors of one number: `x.sum(torch.tensor(0))`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import isfinite
from operator import index, is_
from types import NoneType
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import Function
from llm_linalg.ops.reduction import Reduction
from llm_linalg.ops.signature import parse_signature
from llm_linalg.ops.table import TABLE

_NUMBERS = """
    dim dim0 dim1 dim2 dims dimension diagonal offset chunks split_size decimals destination source start_dim
    end_dim normalized_shape length start end step steps k n m num_classes pad repeats shape size sizes shifts
    alpha p ord eps correction unbiased keepdim output_size axis keepdims
"""
_OF_NUMBERS = frozenset(_NUMBERS.split())
_FRACTIONS = frozenset(["alpha", "p", "ord", "eps"])
# Their rules know no operands but those with cells.
_PLAIN_KINDS = frozenset(["reduction", "rowwise", "pointwise"])
_PLAIN_BOUNDS = frozenset([int, NoneType])
ITEM_FUNCTIONS = frozenset([Tensor.__getitem__, Tensor.__setitem__])


def with_plain_slices(args: Sequence[Any]) -> Sequence[Any]:
    """Return the arguments of `x[…]` with numbers in place of tensors that bound a slice: `x[n : n + 3]`.

    Torch takes such a number at once, so what is written to the tensor later doesn't move the slice.
    """
    own, key, *others = args
    parts = key if key.__class__ is tuple else (key,)
    if not any(part.__class__ is slice and _has_tensor_bound(part) for part in parts):
        return args
    try:
        with untraced():
            plain = tuple([_plain_slice(part) if part.__class__ is slice else part for part in parts])
    except (TypeError, ValueError):  # torch will say that this is no whole number
        return args
    return own, plain if key.__class__ is tuple else plain[0], *others


def _has_tensor_bound(part: slice) -> bool:
    kinds = {part.start.__class__, part.stop.__class__, part.step.__class__}
    return not kinds <= _PLAIN_BOUNDS and any(issubclass(kind, Tensor) for kind in kinds)


def _plain_slice(part: slice) -> slice:
    bounds = part.start, part.stop, part.step
    return slice(*[index(bound) if isinstance(bound, Tensor) else bound for bound in bounds])


def _plain_number(name: str, value: Any) -> Any:
    """Return an argument of a parameter with a number in place of each tensor that holds one."""
    if isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value):
        return [_plain_number(name, item) for item in value]
    if not isinstance(value, Tensor) or value.numel() != 1:
        return value
    number = value.item()
    return int(number) if name not in _FRACTIONS and isfinite(number) else number


def with_plain_numbers(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]] | None:
    """Return the arguments of a call with numbers in place of tensors that only say which axis, or how many.

    Such a tensor is no operand: no cell of the result is computed from its cell. None if there is none.
    """
    entry = TABLE.entry(function)
    if entry is None or entry.swap or entry.operation.kind not in _PLAIN_KINDS:
        return None
    operation = entry.operation
    # `torch.max(x, y)` takes y for the other operand, however small it is.
    has_pair = isinstance(operation, Reduction) and operation.pair is not None
    names = () if has_pair else parse_signature(operation.signature).positional
    taken = _OF_NUMBERS - {"end"} if operation.name == "lerp" else _OF_NUMBERS  # its end has cells
    with untraced():
        pairs = zip_longest(names[: len(args)], args)
        plain = [_plain_number(name, value) if name in taken else value for name, value in pairs]
        named = {
            name: _plain_number(name, value) if name in taken else value for name, value in kwargs.items()
        }
    same = all(map(is_, plain, args)) and all(map(is_, named.values(), kwargs.values()))
    return None if same else (plain, named)
