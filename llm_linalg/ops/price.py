"""Price a call before it runs, from its shapes and plain arguments alone.

A torch call can't be interrupted, so one that would take too long must not start. The unit is a
multiplication in a matrix product; one thread does about 6·10⁹ of these in a second. An element of a sum
costs `ELEMENT` of them, and an operation's entry says if its elements cost more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
import torch.utils._device  # torch.device("meta") loads it, and no program loads anything
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, extent
from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.call_errors import unsafe_reason
from llm_linalg.ops.creation import inner_lists
from llm_linalg.ops.fallback import FallbackOperation, fallback, stacks
from llm_linalg.ops.number_arguments import FRACTIONS, plain_number, takes_number
from llm_linalg.ops.operation import Call, Operation, operand_cells
from llm_linalg.ops.randomness import uses_dropout
from llm_linalg.ops.reduction import matrix_sides, takes_singular_values
from llm_linalg.ops.table import TABLE

MAX_AXES = 24
MAX_EMPTY = 100_000  # rows of a tensor without elements
MAX_SIZES = MAX_FACTORS = 100
ELEMENT = 48  # multiplications that take as long as one element of a sum
SMALL = 2**14  # elements whose copy takes no noticeable time


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a call.

    Attributes:
        outputs: The number of tensors that it returns.
        elements: The number of elements that it allocates at once, intermediates included.
        multiplications: The number of multiplications, or equivalent work.
        steps: The fixed cost of the call in interpreter steps.
        reads: The number of elements of its operands, as many as their gradients have.
        backward_steps: The fixed cost of a backward pass through it, likewise.
        products: The products of floats that it sums, which take longer where they are subnormal.
    """

    outputs: int
    elements: int
    multiplications: int
    steps: int
    reads: int
    backward_steps: int
    products: int = 0


_HALF, _HALF_SOFTMAX, _HALF_MATRIX = 2, 28, 46  # factors for 16-bit numbers
_WIDE, _SCATTERED, _MANY_AXES = 2, 3, 7  # factors for 64-bit numbers, strided reads, eight axes or more
_WHOLE_NUMBERS = 8  # the factor for a product of integers
_MATRIX, _TRIANGLE, _QUERY, _SCORE, _PICKED_ROW, _INNER_LIST = 2, 15, 11, 9, 17, 148  # elements, each
_ATTENTION, _HALF_ATTENTION = 68, 370
_TENSOR, _ANOTHER, _OPERAND, _UNLISTED, _FACTOR = 40, 16, 10, 80, 500  # steps
_BACKWARD, _FACTOR_BACKWARD = 16, 50  # steps
_SLOW_BACKWARD = {  # for calls whose gradient torch computes with many others
    "scaled_dot_product_attention": 95,
    "cosine_similarity": 80,
    "cumprod": 65,
    "einsum": 55,
    "pow": 50,
    "prod": 50,
    **dict.fromkeys(["clamp", "kron", "outer"], 42),
    **dict.fromkeys(["linear", "matmul", "maximum", "minimum", "normalize", "rms_norm", "std", "var"], 32),
}
_READING = frozenset(["equal", "scatter", "scatter_add"])  # they may read more elements than they return
_DRAWN = frozenset(["rand_like", "randn_like", "randint_like"])  # in the memory order of their operand
# torch rejects wrong arguments of these at once, but on the meta device would import a compiler first.
_REFUSED_AT_ONCE = frozenset(["embedding", "layer_norm", "rms_norm", "normalize"])

_BOUNDED_BY_ENTRY = frozenset(["matrix", "opaque", "measured", "contraction"])
_FEW = 100

_GRADIENT = Price(0, 0, 0, _TENSOR, 0, _BACKWARD)


def price_of(call: Call) -> Price | None:
    """Return the price of a call, by our shape rules or else by the same call on meta tensors.

    None means that torch rejects the call before it allocates anything, and explains why.

    Raises:
        ShapeMismatch: If torch would run the call although its operands don't fit.
        LimitError: If an argument exceeds what any call may have.
    """
    if call.operation.name == "grad":  # charged with the backward pass that computed it
        return _GRADIENT
    why = unsafe_reason(call) or _unbounded(call)
    if why is not None:
        raise why
    _hold_sizes(call)
    try:
        plain = _with_numbers(call)
        operation, shape = plain.operation, _shape(plain)
        price = _price(
            plain,
            operation.output_count(plain),
            shape,
            operation.peak(plain, shape),
            max(operation.cost(plain, shape), _singular(plain)),
            operation.items(plain, shape),
        )
    except ShapeMismatch:
        if _copied(call) > SMALL:
            raise  # torch would copy the operands for each matrix before it checks their sizes
        return None
    except (TypeError, ValueError, IndexError, OverflowError, KeyError, ZeroDivisionError):
        if (why := _unbounded(replace(call, operation=fallback(call.operation.name)))) is not None:
            raise why from None
        shape = None if call.operation.name in _REFUSED_AT_ONCE else on_meta(call)
        if shape is None:
            return None
        price = _price(call, 1, shape, prod(shape), prod(shape), 0)
    _hold_shape(call, shape)
    return price


def _numbers(value: Any) -> Iterator[float]:
    """Yield the plain numbers of some arguments, also within lists."""
    if isinstance(value, int | float):
        yield value
    for item in value if isinstance(value, list | tuple) else ():
        yield from _numbers(item)


def _unbounded(call: Call) -> ShapeMismatch | None:
    """Return why a call must not run whose arguments the entry doesn't describe: its work has no bound.

    Those of few cells and small numbers may: torch refuses them, or is done at once.
    """
    operation = call.operation
    entry = TABLE.find(operation.name) if isinstance(operation, FallbackOperation) else None
    if entry is None or entry is operation or entry.kind not in _BOUNDED_BY_ENTRY:
        return None
    numbers = _numbers([*call.args, *call.kwargs.values()])
    if operand_cells(call) <= _FEW and all(abs(number) <= _FEW for number in numbers):
        return None
    return ShapeMismatch(f"its arguments are written like this: {operation.name}({entry.signature})", at=0)


def _price(call: Call, outputs: int, shape: Shape | None, elements: int, work: int, items: int) -> Price:
    if shape and 0 in shape:
        elements = max(elements, extent(shape))
    operation = call.operation
    steps = _TENSOR + _ANOTHER * max(outputs - 1, 0) + _OPERAND * max(len(call.tensors) - 4, 0)
    steps += items if operation.kind == "creation" else items // 3
    if isinstance(operation, FallbackOperation):
        steps += _UNLISTED
    if operation.name == "einsum":
        steps += _FACTOR * max(len(call.tensors) - 4, 0)
    reads = operand_cells(call)
    products = work if _multiplies(call) and call.tensors[0].is_floating_point() else 0
    work = _work(call, elements, work)
    return Price(outputs, elements, work, steps, reads, _backward_steps(call), products)


def _multiplies(call: Call) -> bool:
    """Return whether a call sums products."""
    operation = call.operation
    attends = operation.name == "scaled_dot_product_attention"
    return operation.kind == "contraction" or operation.sums_products or attends


def _backward_steps(call: Call) -> int:
    """Return the fixed cost of a backward pass through a call, in interpreter steps."""
    name, operands = call.operation.name, len(call.tensors)
    if (name == "pow" and operands < 2) or (name == "matmul" and max(map(len, call.shapes)) < 3):
        return _BACKWARD
    return _SLOW_BACKWARD.get(name, _BACKWARD) + (
        _FACTOR_BACKWARD * max(operands - 2, 0) if name == "einsum" else 0
    )


def _work(call: Call, elements: int, multiplications: int) -> int:
    """Return the multiplications of a call, or the number that takes as long."""
    name, kind = call.operation.name, call.operation.kind
    if _multiplies(call):
        counted = 2 * elements
        if not call.tensors[0].is_floating_point():
            multiplications *= _WHOLE_NUMBERS
            counted += 11 * operand_cells(call)
    else:
        read = max(map(prod, call.shapes)) if name in _READING else 0
        rounded = name == "div" and call.arguments.get("rounding_mode") is not None
        entry = TABLE.operations["floor_divide"] if rounded else _entry(call)
        times = entry.slowness_for_call(call) if entry.slowness_for_call else entry.slowness
        if _wide(call):
            times *= _WIDE
        elif call.tensors and call.tensors[0].element_size() == 2:
            times *= _HALF_SOFTMAX if "softmax" in name else _HALF
        if any(_scattered(tensor, elements) for tensor in call.tensors[:4]) or _alternates(call):
            times *= 2 if kind in ("movement", "creation") and name not in _DRAWN else _SCATTERED
        counted, multiplications = times * max(elements, multiplications, read), 0
    if max(map(len, call.shapes), default=0) >= 8:
        counted *= _MANY_AXES
    return multiplications + ELEMENT * (counted + _one_by_one(call, elements))


def _entry(call: Call) -> Operation:
    """Return the entry with a call's speed, even if the call is an overload that it doesn't describe."""
    return TABLE.operations.get(call.operation.name, call.operation)


def _scattered(tensor: Tensor, elements: int) -> bool:
    """Return whether a tensor's elements are read in another order than the result's are written."""
    if not tensor.is_contiguous():
        return True
    short = tensor.dim() > 4 or (tensor.dim() > 2 and tensor.shape[-1] <= 4)
    return short and 1 < tensor.numel() < elements  # it is expanded along some axes


def _alternates(call: Call) -> bool:
    """Return whether a call reduces several axes of a tensor with many."""
    axes = call.arguments.get("dim")
    several = isinstance(axes, list | tuple) and len(axes) > 1
    return several and call.operation.kind == "reduction" and len(call.shapes[0]) > 4


def _wide(call: Call) -> bool:
    """Return whether a call creates or copies 64-bit numbers, or computes with 64-bit floats."""
    dtype, value = call.arguments.get("dtype"), call.arguments.get("fill_value")
    if dtype is torch.float64 or dtype is torch.int64 or (dtype is None and value.__class__ is int):
        return True
    if not call.tensors:
        return False
    own = call.tensors[0].dtype
    widens = call.operation.kind in ("movement", "pointwise")
    return own is torch.float64 or (not own.is_floating_point and widens)


def _one_by_one(call: Call, elements: int) -> int:
    """Return the overhead, in elements, of the rows, lines, matrices or lists that a call loops over."""
    name = call.operation.name
    if name == "tensor":
        return _INNER_LIST * inner_lists(call["data"])
    if not call.shapes or not call.shapes[0]:
        return 0
    shape = call.shapes[0]
    half = call.tensors[0].element_size() == 2
    if name == "scaled_dot_product_attention":
        queries = prod(shape[:-1])
        scores = queries * call.shapes[1][-2] if uses_dropout(call.args, call.kwargs) else 0
        return stacks(call) * (_HALF_ATTENTION if half else _ATTENTION) + queries * _QUERY + scores * _SCORE
    if name == "index_select" and not call.tensors[0].is_contiguous():
        return _PICKED_ROW * extent(call.shapes[-1])
    if call.operation.kind == "contraction":
        matrices = elements if name == "einsum" else prod(shape[:-2])  # each element of it may be one
        return matrices * (_HALF_MATRIX if half else _MATRIX)
    if name in ("tril", "triu"):
        return prod(shape[:-2]) * _TRIANGLE
    entry = _entry(call)
    if entry.line_cost:
        return _lines(call) * entry.line_cost
    return prod(shape[:-1]) * entry.row_cost * (_HALF if half else 1)


def _lines(call: Call) -> int:
    """Return the number of lines along the axes that a call reduces; 1 if it names no axis."""
    shape = call.shapes[0]
    if isinstance(call.operation, FallbackOperation):  # its axes are not known
        return extent(shape) // max(min(shape), 1)
    dim = call.arguments.get("dim")
    if dim is None:
        return 1
    axes = dim if isinstance(dim, list | tuple) else (dim,)
    along = {int(axis) % len(shape) for axis in axes if -len(shape) <= axis < len(shape)}
    return extent([size for axis, size in enumerate(shape) if axis not in along])


def _singular(call: Call) -> int:
    """Return the multiplications of a norm computed from a matrix's singular values; 0 for others."""
    if call.operation.name == "matrix_norm" or not takes_singular_values(call):
        return 0
    return 8 * extent(call.shapes[0]) * min(matrix_sides(call), default=0)


def _copied(call: Call) -> int:
    """Return the number of elements that torch copies to broadcast the operands of a batched product."""
    if call.operation.kind != "contraction" or min(map(len, call.shapes), default=0) < 3:
        return 0
    matrices = stacks(call)
    return sum(matrices * prod(own[-2:]) for own in call.shapes if prod(own[:-2]) < matrices)


# Shapes


def _shape(call: Call) -> Shape | None:
    """Return the output's shape, by rule or from the same call on meta tensors."""
    operation = call.operation
    if isinstance(operation, FallbackOperation) and not operation.has_bounded_cost:
        return on_meta(call)
    return operation.infer(call)


def on_meta(call: Call) -> Shape | None:
    """Return the output's shape from the same call on meta tensors; None if that fails.

    Clashing shapes must be caught before: torch's error for them on the meta device is raised in Python, and
    imports a compiler first.
    """
    try:
        with untraced(), torch.device("meta"):
            result: Any = call.replay([tensor.detach().to("meta") for tensor in call.tensors])
    except Exception:  # noqa: BLE001  torch raises many kinds here, and each means: not known beforehand
        return None
    return tuple(result.shape) if isinstance(result, Tensor) else None


def _hold_shape(call: Call, shape: Shape | None) -> None:
    if max([len(shape or ()), *[tensor.dim() for tensor in call.tensors]]) > MAX_AXES:
        raise LimitError(f"a tensor with more than {MAX_AXES} axes")
    if shape and 0 in shape and extent(shape) > MAX_EMPTY:
        name = call.operation.name
        raise LimitError(f"{name} would make a tensor without cells of more than {MAX_EMPTY:,} rows")


# Arguments

_FOR_EACH_AXIS = frozenset(
    ["dims", "shape", "size", "sizes", "repeats", "normalized_shape", "pad", "source", "destination"]
)


def _hold_sizes(call: Call) -> None:
    name = call.operation.name
    for parameter in _FOR_EACH_AXIS & call.arguments.keys():
        sizes = call.arguments[parameter]
        if isinstance(sizes, list | tuple) and len(sizes) > MAX_SIZES:
            raise LimitError(f"{name}: {len(sizes):,} sizes; {MAX_SIZES} are allowed")
    if name == "einsum" and len(call.tensors) > MAX_FACTORS:
        raise LimitError(f"einsum: {len(call.tensors):,} operands; {MAX_FACTORS} are allowed")


def _number_parameters(call: Call) -> list[str]:
    """Return the parameters that hold a tensor in this call but may hold a plain number."""
    return [
        name for name, places in call.places.items() if places and takes_number(call.operation.name, name)
    ]


def _with_numbers(call: Call) -> Call:
    """Return a call with one-element tensors replaced by their numbers where a number is allowed."""
    names = _number_parameters(call) if len(call.tensors) > 1 else []
    if not names:
        return call
    arguments, places = dict(call.arguments), dict(call.places)
    gone = set[int]()
    with untraced():
        for name in names:
            if all(call.tensors[place].numel() == 1 for place in places[name]):
                arguments[name] = plain_number(arguments[name], whole=name not in FRACTIONS)
                gone.update(places[name])
                places[name] = ()
    left = [place for place in range(len(call.tensors)) if place not in gone]
    moved = {place: now for now, place in enumerate(left)}
    return replace(
        call,
        arguments=arguments,
        tensors=tuple([call.tensors[place] for place in left]),
        places={name: tuple([moved[place] for place in own]) for name, own in places.items()},
        order=tuple([call.order[place] for place in left]),
    )
