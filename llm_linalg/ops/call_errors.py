"""Why torch refused a call, explained in terms of the operation.

A shape rule sees shapes alone. Most functions here run only after torch has raised an error, so they may also
read values, such as those of an index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import prod

from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import turns, writes
from llm_linalg.ops.index_errors import INDEX_ERRORS, beyond, non_integer_index
from llm_linalg.ops.movement_shapes import reshape_shape
from llm_linalg.ops.operation import Call
from llm_linalg.ops.reduction import takes_singular_values
from llm_linalg.ops.windows import convolution_mismatch


def _looked_up(call: Call) -> ShapeMismatch | None:
    tokens, table = call.tensor("input"), call.place("weight") or 0
    rows = call.shapes[table][0]
    return non_integer_index(tokens, call.place("input") or 0, "tokens") or beyond(
        tokens, rows, f"the tokens of this table are 0 to {rows - 1}:", MismatchedAxis(table, 0, rows)
    )


def _hot(call: Call) -> ShapeMismatch | None:
    places, classes = call.tensor("input"), int(call["num_classes"])
    last = f"to {classes - 1}" if classes >= 0 else "and up"
    return non_integer_index(places, 0, "classes") or beyond(
        places, classes if classes >= 0 else None, f"there are the classes 0 {last}:", at=0
    )


def _dtype_mismatch(call: Call) -> ShapeMismatch | None:
    """Explain that the operands of a product have two dtypes, which torch converts only in a sum."""
    kinds = list(dict.fromkeys(str(tensor.dtype).removeprefix("torch.") for tensor in call.tensors))
    if len(kinds) < 2:
        return None
    return ShapeMismatch(f"a product has one dtype on all sides, not {' and '.join(kinds)}")


def _permuted(call: Call) -> ShapeMismatch | None:
    rank, given = len(call.shapes[0]), call["dims"]
    text = short_repr(given)
    rule = "permute names each of its"
    if len(given) != rank:
        return ShapeMismatch(f"{rule} {rank} axes once, and {text} are {len(given)}", at=0)
    counted = [axis % rank for axis in given if -rank <= axis < rank]
    twice = next((axis for axis in counted if counted.count(axis) > 1), None)
    if len(counted) < rank or twice is None:
        return None
    return ShapeMismatch(f"{rule} axes once, and axis {twice} stands in {text} twice", at=0)


def _attended(call: Call) -> ShapeMismatch | None:
    query, key, value = call.shapes[:3]
    if min(map(len, (query, key, value))) < 2:
        return ShapeMismatch("query, key and value have at least two axes: (positions, width)")
    pairs = [
        ((0, -1), (1, -1), "a query is as wide as a key: their dot product is the score"),
        ((1, -2), (2, -2), "there is one value for each key"),
    ]
    mask = 3
    if len(call.shapes) > mask and len(call.shapes[mask]) >= 2:
        pairs += [
            ((mask, -1), (1, -2), "the mask's last axis is the keys', or 1"),
            ((mask, -2), (0, -2), "the mask's last but one axis is the queries', or 1"),
        ]
    for one, other, rule in pairs:
        ends = [
            MismatchedAxis(p, axis % len(call.shapes[p]), call.shapes[p][axis]) for p, axis in (one, other)
        ]
        if ends[0].size != ends[1].size and not (one[0] == mask and ends[0].size == 1):
            return ShapeMismatch(rule, *ends)
    return None


def _entropy(call: Call) -> ShapeMismatch | None:
    logits, target = call.shapes[:2]
    tensor = call.tensors[1]
    if tensor.dtype.is_floating_point and logits != target:
        return ShapeMismatch(
            "targets that are shares have the logits' shape; else they are whole numbers", at=1
        )
    if tensor.dtype.is_floating_point or not logits:
        return None
    if len(logits) > 1 and target[:1] and logits[0] != target[0]:
        rule = "there is one target for each row of logits"
        return ShapeMismatch(rule, MismatchedAxis(0, 0, logits[0]), MismatchedAxis(1, 0, target[0]))
    classes = min(1, len(logits) - 1)
    if (*logits[:classes], *logits[classes + 1 :]) != target:
        return ShapeMismatch(
            f"of logits with {len(logits)} axes, axis {classes} counts the classes, so that {target} doesn't "
            "match: take both as rows, logits.view(-1, classes) and targets.view(-1)",
            MismatchedAxis(0, classes, logits[classes]),
        )
    counted = tensor[tensor != call.arguments.get("ignore_index", -100)]
    count = logits[classes]
    axis = MismatchedAxis(0, classes, count)
    return beyond(counted, count, f"there are the classes 0 to {count - 1}:", axis)


def _split(call: Call) -> ShapeMismatch | None:
    sizes, axis = call["split_size"], call.dim()
    if not isinstance(sizes, list | tuple) or not all(isinstance(size, int) for size in sizes):
        return None
    whole = call.shapes[0][axis]
    if sum(sizes) == whole:
        return None
    parts = " + ".join(map(str, sizes))
    return ShapeMismatch(
        f"the parts make up the whole axis, and {parts} = {sum(sizes)}", MismatchedAxis(0, axis, whole)
    )


def _view_mismatch(call: Call) -> ShapeMismatch | None:
    """Explain which axes a view can't merge: by torch's rule, one stride must lead through both.

    Counted in cells from the right, a place between two axes with strides that don't lead on must be one
    between two of the new axes as well.
    """
    tensor, shape = call.tensors[0], reshape_shape(call)
    places = {prod(shape[axis:]) for axis in range(len(shape) + 1)}
    axes = [axis for axis, size in enumerate(tensor.shape) if size != 1]
    for first, second in reversed(list(pairwise(axes))):
        size, stride, inner = tensor.shape[second], tensor.stride(first), tensor.stride(second)
        if stride != size * inner and prod(tensor.shape[second:]) not in places:
            ends = [MismatchedAxis(0, axis, tensor.shape[axis]) for axis in (first, second)]
            return ShapeMismatch(
                f"to join them, a step along axis {first} must be {size} × {inner} = {size * inner} cells "
                f"in memory, not {stride}",
                *ends,
            )
    return None


CALL_ERRORS: Mapping[str, Callable[[Call], ShapeMismatch | None]] = {
    "embedding": _looked_up,
    "one_hot": _hot,
    "permute": _permuted,
    "matmul": _dtype_mismatch,
    "linear": _dtype_mismatch,
    "einsum": _dtype_mismatch,
    "dot": _dtype_mismatch,
    "scaled_dot_product_attention": _attended,
    "cross_entropy": _entropy,
    "nll_loss": _entropy,
    **{f"conv{axes}d": convolution_mismatch for axes in (1, 2, 3)},
    "split": _split,
    **INDEX_ERRORS,
    "view": _view_mismatch,
}


def unequal_values(call: Call) -> ShapeMismatch | None:
    """Explain that an attention has more or fewer values than keys; None for all other calls.

    torch's fused kernel does not check this: it reads beyond the end of a tensor, and may crash the process.
    """
    if call.operation.name != "scaled_dot_product_attention" or min(map(len, call.shapes[:3])) < 2:
        return None
    return _attended(call) if call.shapes[1][-2] != call.shapes[2][-2] else None


_ITERATIVE = """
    eig eigvals eigh eigvalsh svd svdvals lstsq pinv matrix_rank cond matrix_exp
"""
_OF_FINITE_NUMBERS = frozenset(_ITERATIVE.split())
_MOST_LISTED = 100  # axes, or shifts: torch goes a level deeper for each
_MOST_POWER = 2**31


def is_unsafe(call: Call) -> bool:
    """Return whether torch may crash, or go on without an end, at a call with anybody's arguments."""
    name = call.operation.name
    lists = [call.arguments.get(parameter) for parameter in ("dim", "shifts")]
    if any(isinstance(given, list | tuple) and len(given) > _MOST_LISTED for given in lists):
        return True
    if name == "matrix_power":
        return abs(int(call["n"])) > _MOST_POWER
    if name in _OF_FINITE_NUMBERS or takes_singular_values(call):
        is_empty = name == "lstsq" and any(0 in shape[-2:] for shape in call.shapes)
        return is_empty or not all(bool(tensor.isfinite().all()) for tensor in call.tensors)
    return unequal_values(call) is not None


def _larger_than_target(call: Call) -> ShapeMismatch | None:
    """Explain that what is written in place has more cells than what it is written into."""
    is_fixed = writes(call.function) and not turns(call.function)
    shape = call.operation.infer(call) if is_fixed else None
    place = call.order.index(0) if shape is not None else 0
    if shape is None or shape == call.shapes[place]:
        return None
    return ShapeMismatch(f"it is written into, so it keeps its shape, and the result has {shape}", at=place)


def refusal_reason(call: Call) -> ShapeMismatch | None:
    """Return why torch refused a call, if the operation has a rule that says."""
    why = CALL_ERRORS.get(call.operation.name)
    try:
        with untraced():
            return (why(call) if why else None) or _larger_than_target(call)
    except (ShapeMismatch, TypeError, ValueError, IndexError, KeyError, RuntimeError, StopIteration):
        return None  # another call than the one that it knows: torch says why
