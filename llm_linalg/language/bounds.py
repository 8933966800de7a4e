"""What a call may ask for in its arguments, whatever its shapes; and what is made of little."""

from __future__ import annotations

import ast
from dataclasses import replace
from math import isfinite, prod
from typing import Any, get_args

import torch
from torch import Tensor, nn

from llm_linalg.axes import extent
from llm_linalg.errors import LimitError
from llm_linalg.language import layered
from llm_linalg.language.costs import A_JOINED_LAYER, AN_OPERATION, REPEATED_AN_ITEM
from llm_linalg.language.values import VIEWS, Distinct
from llm_linalg.ops.call import Call
from llm_linalg.ops.fallback import stacks

MOST_SIZES = MOST_FACTORS = 100
MOST_IN_A_SIZE = 50  # which no tensor has as many axes as
A_SINGULAR_VALUE = 8  # multiplications for each cell and each of the shorter axis
_REPEATED = (list, tuple, str)
_SLOW = (torch.Size, dict, *get_args(VIEWS))
_FOR_EACH_AXIS = frozenset(
    ["dims", "shape", "size", "sizes", "repeats", "normalized_shape", "pad", "source", "destination"]
)  # parameters


_NUMBERS = """
    dim dim0 dim1 dim2 dims dimension diagonal offset chunks split_size decimals destination source start_dim
    end_dim normalized_shape length start end step steps k n m num_classes pad repeats shape size sizes shifts
    p ord eps correction unbiased keepdim output_size
"""
_OF_NUMBERS = frozenset(_NUMBERS.split())  # parameters
_FRACTIONS = frozenset(["p", "ord", "eps"])


def as_numbers(call: Call) -> int:
    """Return how many tensors a call has where others have a number."""
    return sum(len(call.places[name]) for name in _numbers(call)) if len(call.tensors) > 1 else 0


def with_numbers(call: Call) -> Call:
    """Return a call with the numbers that tensors hold which stand where others have one."""
    if not as_numbers(call):
        return call
    arguments, places = dict(call.arguments), dict(call.places)
    gone = set[int]()
    with torch._C.DisableTorchFunction():  # to look at them is no part of the program
        for name in _numbers(call):
            if all(call.tensors[place].numel() == 1 for place in places[name]):
                arguments[name] = _plain(arguments[name], whole=name not in _FRACTIONS)
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


def _numbers(call: Call) -> list[str]:
    """Return the parameters of a call that have tensors, and numbers in others."""
    own = call.operation.name == "select"
    return [
        name
        for name, places in call.places.items()
        if places and (name in _OF_NUMBERS or (own and name == "index"))
    ]


def _plain(value: Any, whole: bool) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item, whole) for item in value]
    if not isinstance(value, Tensor):
        return value
    number = value.item()
    return int(number) if whole and isfinite(number) else number


def hold(call: Call) -> None:
    """Hold a call's sizes and operands against the bounds.

    Raises:
        LimitError: If it has more sizes than any tensor has axes, or operands than torch multiplies soon.
    """
    name = call.operation.name
    for parameter in _FOR_EACH_AXIS & call.arguments.keys():
        sizes = call.arguments[parameter]
        if isinstance(sizes, list | tuple) and len(sizes) > MOST_SIZES:
            raise LimitError(f"{name}: {len(sizes):,} sizes; {MOST_SIZES} are allowed")
    if name == "einsum" and len(call.tensors) > MOST_FACTORS:
        raise LimitError(f"einsum: {len(call.tensors):,} operands; {MOST_FACTORS} are allowed")


def singular(call: Call) -> int:
    """Return the multiplications of a norm that is told by a matrix's singular values; 0 of others."""
    if call.operation.name not in ("norm", "vector_norm") or len(call.shapes[0]) < 2:
        return 0
    kind = call.arguments.get("ord", call.arguments.get("p"))
    of_a_matrix = isinstance(kind, int | float) and abs(kind) == 2 and call.function is torch.linalg.norm
    if kind != "nuc" and not of_a_matrix:
        return 0
    return A_SINGULAR_VALUE * extent(call.shapes[0]) * min(call.shapes[0][-2:])


def copied(call: Call) -> int:
    """Return how many cells torch copies of a product's operands that are stacks of matrices, broadcast."""
    if call.operation.kind != "contraction" or min(map(len, call.shapes), default=0) < 3:
        return 0
    matrices = stacks(call)
    return sum(matrices * prod(own[-2:]) for own in call.shapes if prod(own[:-2]) < matrices)


def repeated(kind: type[ast.operator], left: Any, right: Any) -> int:
    """Return what a list or a text times a number makes, as the items that are gone through in that time.

    So it is with what is made of sets, beside their own items, and of layers.

    Raises:
        LimitError: If it would be a size of more numbers than any tensor has axes, or more layers than fit.
    """
    if isinstance(left, torch.Size) or isinstance(right, torch.Size):
        _bound_size(kind, left, right)
    if isinstance(left, nn.Module) or isinstance(right, nn.Module):
        return A_JOINED_LAYER * layered.joined(left, right)
    made = AN_OPERATION if isinstance(left, _SLOW) else 0
    made += 3 * sum(len(side) for side in (left, right) if isinstance(side, Distinct))
    for items, times in ((left, right), (right, left)) if kind is ast.Mult else ():
        if times.__class__ is int and isinstance(items, _REPEATED):
            made += len(items) * max(times, 0) // REPEATED_AN_ITEM
    return made


def size_of(numbers: Any = ()) -> torch.Size:
    """Return what ``torch.Size`` makes of numbers.

    Raises:
        LimitError: If they are more than any tensor has axes.
    """
    if isinstance(numbers, list | tuple | range) and len(numbers) > MOST_IN_A_SIZE:
        raise LimitError(f"a size of {len(numbers):,} numbers; {MOST_IN_A_SIZE} are allowed")
    return torch.Size(numbers)


def _bound_size(kind: type[ast.operator], left: Any, right: Any) -> None:
    sizes = [len(side) for side in (left, right) if isinstance(side, tuple)]
    times = [side for side in (left, right) if isinstance(side, int)] if kind is ast.Mult else []
    if sum(sizes) * max([1, *times]) > MOST_IN_A_SIZE:
        raise LimitError(f"a size of more than {MOST_IN_A_SIZE} numbers")
