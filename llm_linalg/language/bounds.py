"""What a call may ask for in its arguments, whatever its shapes; and what is made of little."""

from __future__ import annotations

import ast
from math import prod
from typing import Any

import torch

from llm_linalg.axes import extent
from llm_linalg.errors import LimitError
from llm_linalg.language.costs import REPEATED_AN_ITEM
from llm_linalg.language.values import Distinct
from llm_linalg.ops.call import Call
from llm_linalg.ops.unlisted import stacks

MOST_SIZES = MOST_FACTORS = 100
A_SINGULAR_VALUE = 8  # multiplications for each cell and each of the shorter axis
_REPEATED: frozenset[Any] = frozenset([list, tuple, str])
_FOR_EACH_AXIS = frozenset(
    ["dims", "shape", "size", "sizes", "repeats", "normalized_shape", "pad", "source", "destination"]
)  # parameters


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

    So it is with what is made of sets, beside their own items.
    """
    made = 3 * sum(len(side) for side in (left, right) if isinstance(side, Distinct))
    for items, times in ((left, right), (right, left)) if kind is ast.Mult else ():
        if times.__class__ is int and items.__class__ in _REPEATED:
            made += len(items) * max(times, 0) // REPEATED_AN_ITEM
    return made
