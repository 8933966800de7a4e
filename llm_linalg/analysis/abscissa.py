"""The graph of a function: over which vector a node's values are drawn as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from llm_linalg.analysis.value_traits import is_numeric
from llm_linalg.recording.record_node import N, Operand, RecordNode

FEWEST = 3  # points of a curve
MOST = 1024
LONGEST_WAY = 32  # operations between a vector and the one that it is a function of


def abscissa(node: RecordNode) -> Operand[Any] | None:
    """Return the sorted vector of which a vector is a function, entry by entry.

    It is found by what cells read: entry i of the result goes back to entry i of that vector, and to
    nothing else that changes with i.

    Returns:
        The nearest one on all ways back that is sorted and has a name; None if there is none, or if one on
        the way has kept no numbers.
    """
    if len(node.shape) != 1 or not FEWEST <= node.shape[0] <= MOST or not is_numeric(node.value):
        return None
    vectors: dict[int, Operand[Any]] = {}
    ways: list[tuple[RecordNode, int]] = [(node, 0)]
    seen = {(id(node), 0)}
    while ways:
        if len(seen) > LONGEST_WAY:
            return None
        here, axis = ways.pop()
        for position, operand in enumerate(here.operands):
            along = _axis_along(here, axis, position)
            if along is None:
                return None
            if along < 0:
                continue
            if operand.value.is_meta:
                return None  # its numbers are not kept: nobody knows whether it is the nearest
            named = operand.node.bound_name is not None or not operand.node.operands
            if named and is_sorted(operand.value):
                vectors[id(operand.node)] = operand
            elif not operand.node.operands:
                return None
            elif (id(operand.node), along) not in seen:
                seen.add((id(operand.node), along))
                ways.append((operand.node, along))
    return next(iter(vectors.values())) if len(vectors) == 1 else None


def is_sorted(value: torch.Tensor) -> bool:
    """Return whether a tensor is a vector that only rises, or only falls."""
    if value.dim() != 1 or value.shape[0] < FEWEST or not is_numeric(value):
        return False
    numbers = value.detach().double()
    steps = numbers[1:] - numbers[:-1]
    return bool(numbers.isfinite().all() and ((steps > 0).all() or (steps < 0).all()))


def turns(node: N, level: Sequence[N]) -> tuple[N, ...]:
    """Return the numbers to which a loop binds the name of a node, turn by turn; () for fewer than three.

    They are those among the operations of `level`, which stand in the order in which they ran.
    """
    if node.bound_name is None or node.shape or not is_numeric(node.value):
        return ()
    same = tuple(
        other
        for other in level
        if (other.bound_name, other.line, other.shape) == (node.bound_name, node.line, ())
        and not other.dropped
    )
    return same if len(same) >= FEWEST else ()


def numbers_by_turn(made: Sequence[N], stop: int) -> list[float]:
    """Return the numbers of a loop's turns before one, also of those that are not kept.

    `made` are the nodes of `turns`, and `stop` is the place of that turn's node; their number for all turns.
    """
    numbers: list[float] = []
    for node in made[:stop]:
        numbers += [*node.missed, float(node.value.item())]
    return [*numbers, *made[stop].missed] if stop < len(made) else numbers


def is_series(node: RecordNode) -> bool:
    """Return whether a vector is made of single numbers, as a loop collects them."""
    numbers = node.op == "stack" and len(node.shape) == 1 and FEWEST <= node.shape[0] <= MOST
    return numbers and is_numeric(node.value)


def _axis_along(node: RecordNode, axis: int, position: int) -> int | None:
    """Return the axis of an operand along which a node's cells read their own place alone.

    −1 stands for an operand of which all read the same; None if there is no such axis.
    """
    size, shape = node.shape[axis], tuple(node.operands[position].value.shape)
    reads = node.operand_reads[position]
    known = node.evidence == "rule"  # the same at all places, of which three are enough to tell
    places = sorted({0, size // 2, size - 1}) if known else range(size)
    cells = []
    for place in places:
        index = tuple(place if k == axis else 0 for k in range(len(node.shape)))
        one = reads.reads(index)
        if len(one) > MOST:
            return None
        cells.append(set(one))
    if all(one == cells[0] for one in cells):
        return -1
    for k, length in enumerate(shape):
        own = length == size and all(
            all(index[k] == place for index in one) for place, one in zip(places, cells, strict=True)
        )
        if own:
            return k
    return None
