"""Price a call before it runs, from its shapes and plain arguments alone.

A torch call can't be interrupted, so one that would take too long must not start. The unit is a
multiplication in a matrix product; one thread does about 6·10⁹ of these in a second. A cell that is made
costs `ELEMENT` of them.
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
from llm_linalg.ops.fallback import FallbackOperation, fallback, stacks
from llm_linalg.ops.number_arguments import FRACTIONS, plain_number, takes_number
from llm_linalg.ops.operation import Call, Work, operand_cells
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
    """

    outputs: int = 0
    elements: int = 0
    multiplications: int = 0


# torch rejects wrong arguments of these at once, but on the meta device would import a compiler first.
_REFUSED_AT_ONCE = frozenset(["embedding", "layer_norm", "rms_norm", "normalize"])

_BOUNDED_BY_ENTRY = frozenset(["matrix", "opaque", "measured", "contraction"])
_FEW = 100

FREE = Price()


def price_of(call: Call) -> Price | None:
    """Return the price of a call, by our shape rules or else by the same call on meta tensors.

    None means that torch rejects the call before it allocates anything, and explains why.

    Raises:
        ShapeMismatch: If torch would run the call although its operands don't fit.
        LimitError: If an argument exceeds what any call may have.
    """
    if call.operation.name == "grad":  # charged with the backward pass that computed it
        return FREE
    why = unsafe_reason(call) or _unbounded(call)
    if why is not None:
        raise why
    _hold_sizes(call)
    try:
        plain = _with_numbers(call)
        shape = _shape(plain)
        price = _price(plain.operation.output_count(plain), plain.operation.work(plain, shape), shape)
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
        price = _price(1, Work(prod(shape)), shape)
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


def _price(outputs: int, work: Work, shape: Shape | None) -> Price:
    cells = max(work.cells, extent(shape)) if shape and 0 in shape else work.cells
    return Price(outputs, cells, work.products + ELEMENT * cells)


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
