"""The shapes and types of what torch calls give, and whether they hang on the values of operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Shape, extent, pointwise
from llm_linalg.foresight.nowhere import holds_truths
from llm_linalg.foresight.unknown import (
    SOME_TENSOR,
    Undecided,
    Unknown,
    different,
    is_some_tensor,
    nested,
    tensor_of_at_most,
)
from llm_linalg.ops import Call
from llm_linalg.ops.operation import Operation

_TRUTHS = """
    lt le gt ge eq ne logical_and logical_or logical_xor logical_not isnan isinf isfinite isclose any all bool
"""
_FLOATING = """
    div mean var std exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tanh sigmoid erf
    softmax log_softmax logsumexp norm normalize cross_entropy mse_loss pow
"""
HOLDS = frozenset(_TRUTHS.split())
_FLOATS = frozenset(_FLOATING.split())
_COUNTS = frozenset(["argmax", "argmin", "argsort", "one_hot", "randint", "randperm", "long", "multinomial"])
_TAKES = frozenset(["getitem", "setitem", "gather", "index_select", "scatter", "scatter_add", "masked_fill"])
_SHAPED_ALIKE = frozenset(["clone", "contiguous", "flip", "roll", "dropout"])
_LOSSES = frozenset(["mse_loss", "l1_loss", "binary_cross_entropy_with_logits", "kl_div"])
_KEEPING_KINDS = frozenset(["pointwise", "mask", "rowwise", "reduction"])
_LAID_OUT = frozenset(
    ["flatten", "view", "reshape", "squeeze", "unsqueeze", "t", "transpose", "permute", "detach", "select"]
)
_MOST_LISTED = 10_000  # lists
_SUMS = frozenset(["sum", "prod", "cumsum", "cumprod"])
_CASTS = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "int": torch.int32,
}


def plain_kind(call: Call) -> type | None:
    """Return the kind of the plain value that a call gives that makes no tensor; None if it isn't known."""
    if call.operation.name == "item":
        return number_kind(call)
    return bool if call.operation.name in ("equal", "allclose") else None


def shape_of(call: Call, known: Shape | None) -> Shape | None:
    """Return the shape of what a call gives, also where the run's rules name none, or more; None if open."""
    name, shapes = call.operation.name, call.shapes
    if name == "topk":
        axis = call.dim()
        return (*shapes[0][:axis], int(call["k"]), *shapes[0][axis + 1 :])
    if known is not None:
        return known
    if name == "getitem":
        return _picked(call)
    if name in _SHAPED_ALIKE:
        return shapes[0]
    if name == "multinomial":
        return (*shapes[0][:-1], int(call.kwargs.get("num_samples", [*call.args[1:2], 1][0])))
    if name in _LOSSES:
        given = call.arguments.get("reduction") or call.kwargs.get("reduction", "mean")
        return () if given in ("mean", "sum", "batchmean") else shapes[0] if shapes[0] == shapes[1] else None
    if name == "scaled_dot_product_attention" and len({shape[:-2] for shape in shapes[:3]}) == 1:
        return (*shapes[0][:-1], shapes[2][-1])
    if name == "vstack":
        rows = [(1, *shape) if len(shape) == 1 else shape or (1, 1) for shape in shapes]
        return (sum(shape[0] for shape in rows), *rows[0][1:])
    if name == "hstack":
        axis = 0 if len(shapes[0]) < 2 else 1
        parts = [shape or (1,) for shape in shapes]
        return (*parts[0][:axis], sum(shape[axis] for shape in parts), *parts[0][axis + 1 :])
    return None


def items_of(key: Any) -> tuple[Any, ...]:
    """Return the items of a key, which may be one alone."""
    return key if isinstance(key, tuple) else (key,)


def sliced(key: Any) -> bool:
    """Return whether a key has whole numbers, slices, None and ... alone: what it gives is a view."""
    return all(item is None or item is ... or isinstance(item, int | slice) for item in items_of(key))


def _taken(item: Any) -> Shape | None:
    """Return the shape of an item of a key that picks places one by one; None if that isn't known."""
    if isinstance(item, Tensor):
        return tuple(item.shape) or None
    whole = isinstance(item, list | range) and all(type(place) is int for place in item)
    return (len(item),) if whole else None


def _picked(call: Call) -> Shape | None:
    """Return the shape of ``x[key]``, with lists or tensors of whole numbers among the key's items."""
    items = items_of(call["key"])
    if any(isinstance(item, bool) for item in items):
        return None
    ones = [None if sliced((item,)) else _taken(item) for item in items]
    shapes = [shape for shape in ones if shape is not None]
    if not all(shape or sliced((item,)) for item, shape in zip(items, ones, strict=True)):
        return None
    rest = call.tensors[0][
        tuple(slice(None) if shape else item for item, shape in zip(items, ones, strict=True))
    ]
    taken = len([item for item in items if item is not None and item is not ...])
    axes: list[int] = []
    axis = 0
    for item, shape in zip(items, ones, strict=True):
        if shape:
            axes.append(axis)
        if item is ...:
            axis += len(call.shapes[0]) - taken
        elif not isinstance(item, int):
            axis += 1
    kept = [size for place, size in enumerate(rest.shape) if place not in axes]
    first = axes[0] if axes[-1] - axes[0] == len(axes) - 1 else 0
    return (*kept[:first], *pointwise(shapes).shape, *kept[first:])


def listed(shape: Shape, item: Unknown) -> Any:
    """Return what ``tolist`` gives of a shape: nested lists of what isn't known."""
    if not shape:
        return item
    if extent(shape[:-1]) > _MOST_LISTED:
        raise Undecided
    if len(shape) == 1:
        return [item] * shape[0]
    return [listed(shape[1:], item) for _ in range(shape[0])]


def number_kind(call: Call) -> type:
    """Return the kind of the numbers that a call's first operand holds."""
    kind = call.tensors[0].dtype
    return bool if kind is torch.bool else float if kind.is_floating_point else int


def by_values(call: Call) -> bool:
    """Return whether the shape that a call gives hangs on the values of its operands."""
    name, others = call.operation.name, call.tensors[1:]
    if name in ("getitem", "setitem"):
        keys = [call.tensors[place] for place in call.places.get("key", ())]
        return any(key.dtype is not torch.int64 for key in keys)
    if name == "one_hot":
        return int(call["num_classes"]) < 0
    if name in ("repeat_interleave", "narrow", "select"):
        return bool(others)
    return call.operation.kind == "creation" and bool(call.tensors) and not name.endswith("_like")


def picked_by_values(call: Call) -> Unknown | None:
    """Return what is known of what a call gives whose shape hangs on values; None if that is nothing."""
    if call.operation.name == "nonzero" and not call.kwargs.get("as_tuple"):
        return tensor_of_at_most(call.tensors[0].numel() * call.tensors[0].dim())
    if call.operation.name != "getitem" or not all(map(_picks_once, items_of(call["key"]))):
        return None
    return tensor_of_at_most(call.tensors[0].numel())


def _picks_once(item: Any) -> bool:
    """Return whether an item of a key picks no place twice, whatever it holds; if it is a tensor, a mask."""
    return sliced((item,)) or (isinstance(item, Tensor) and holds_truths(item))


def no_larger(operands: Sequence[Any], kept: bool) -> Unknown:
    """Return what is known of what a call gives, if it may have no more cells than its only tensor.

    Args:
        operands: What the call is given.
        kept: Whether it gives no more than it is given.
    """
    tensors = [item for item in operands if not isinstance(item, int | float | bool | str | type(None))]
    known = kept and len(tensors) == 1 and is_some_tensor(tensors[0])
    return tensors[0] if known else SOME_TENSOR


def keeps(operation: Operation) -> bool:
    """Return whether an operation gives no more cells than its only operand has."""
    if operation.name == "one_hot":  # a cell becomes a row
        return False
    return operation.kind in _KEEPING_KINDS or operation.name in _SHAPED_ALIKE | _LAID_OUT


def dtype_of(call: Call) -> torch.dtype:
    """Return the type of what a call gives.

    That it is `int64` is said of nothing that may hold truths: as a key those pick by their values. That it
    is `bool` is said also of what may hold whole numbers.
    """
    name = call.operation.name
    if isinstance(call.arguments.get("dtype"), torch.dtype):
        return call.arguments["dtype"]  # type: ignore[no-any-return]
    if name in HOLDS:
        return torch.bool
    if name in _COUNTS:
        return torch.int64
    if name in _CASTS:
        return _CASTS[name]
    if name == "type_as":
        return call.tensors[-1].dtype
    if name in _TAKES:
        return call.tensors[0].dtype
    if name == "embedding":
        return call.tensors[call.place("weight") or 0].dtype
    if not call.tensors:
        return _created(call)
    kind = call.tensors[0].dtype
    for tensor in call.tensors[1:]:
        kind = torch.promote_types(kind, tensor.dtype)
    if kind.is_floating_point:
        return kind
    if name in _FLOATS or any(isinstance(value, float) for value in call.arguments.values()):
        return torch.float32
    return torch.int64 if name in _SUMS else kind


def _rows(data: Any) -> Any:
    """Return what a tensor is made of, or of lists in a list each once: it has the same type."""
    return different(data) if nested(data) else data


def _created(call: Call) -> torch.dtype:
    """Return the type of a tensor that is made of plain values."""
    match call.operation.name:
        case "tensor":
            return torch.tensor(_rows(call["data"])).dtype
        case "full":
            return torch.tensor(call["fill_value"]).dtype
        case "arange":
            bounds = (*call["bounds"], *(call[name] or 0 for name in ("start", "end", "step")))
            whole = all(isinstance(bound, int) for bound in bounds)
            return torch.int64 if whole else torch.float32
    return torch.float32
