"""How long calls of torch take, in steps: by what they make, and by what they go to one by one."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from llm_linalg.axes import extent
from llm_linalg.language import costs
from llm_linalg.ops.call import Call
from llm_linalg.ops.creation import inner_lists
from llm_linalg.ops.fallback import FallbackOperation, stacks
from llm_linalg.ops.randomness import drops

_WIDENING = frozenset(["movement", "pointwise"])  # of whole numbers they make more bytes, or read more
_MOVING = frozenset(["movement", "creation"])
_DRAWN = frozenset(["rand_like", "randn_like", "randint_like"])  # as a tensor lies in memory


def taking(call: Call, cells: int, work: int) -> int:
    """Return how long so many cells and multiplications of a call take, in steps."""
    operation = call.operation
    if operation.kind == "contraction" or operation.name == "scaled_dot_product_attention":
        effort = cells * costs.A_PRODUCTS_CELL // costs.CELLS_AN_EFFORT
        if call.tensors[0].is_floating_point():
            effort += work // costs.WORK_AN_EFFORT
        else:
            effort += work * costs.WHOLE_NUMBERS // costs.WORK_AN_EFFORT
            effort += sum(map(prod, call.shapes)) * costs.A_WHOLE_NUMBER // costs.CELLS_AN_EFFORT
    else:
        read = max(map(prod, call.shapes)) if operation.name in costs.READING else 0
        rounded = operation.name == "div" and call.arguments.get("rounding_mode") is not None
        times = costs.SLOW.get("floor_divide" if rounded else operation.name, 1)
        if _wide(call):
            times *= costs.DOUBLE
        elif call.tensors and call.tensors[0].element_size() == 2:
            times *= costs.HALF_SOFTMAX if "softmax" in operation.name else costs.HALF
        moves = operation.kind in _MOVING and operation.name not in _DRAWN
        if any(_scattered(tensor, cells) for tensor in call.tensors[: costs.FEW]) or _alternates(call):
            times *= costs.MOVED if moves else costs.SCATTERED
        effort = max(cells, work, read) * times // costs.CELLS_AN_EFFORT
    if max(map(len, call.shapes), default=0) >= costs.MANY_AXES:
        effort *= costs.BY_MANY
    return effort + _apart(call, cells) // 1_000


def going_back(call: Call, cells: int, work: int) -> int:
    """Return how long it takes for a gradient to go back through so many of a call, beside its own cells."""
    effort = costs.EFFORT_OF_A_WAY_BACK.get(call.operation.name, 0)
    return effort if max(cells, work) < costs.IN_NO_TIME else effort + taking(call, cells, work)


def _scattered(tensor: Tensor, cells: int) -> bool:
    """Whether a tensor's cells don't lie as those lie that are made of it, so many."""
    if not tensor.is_contiguous():
        return True
    short = tensor.dim() > costs.FEW or (tensor.dim() > 2 and tensor.shape[-1] <= costs.FEW)
    return short and 1 < tensor.numel() < cells  # it is repeated along some axes


def _alternates(call: Call) -> bool:
    """Whether a call reduces several of many axes."""
    axes = call.arguments.get("dim")
    several = isinstance(axes, list | tuple) and len(axes) > 1
    return several and call.operation.kind == "reduction" and len(call.shapes[0]) > costs.FEW


def _wide(call: Call) -> bool:
    """Whether a call makes or moves numbers of 64 bits, or computes with fractions of so many."""
    made, filled = call.arguments.get("dtype"), call.arguments.get("fill_value")
    if made is torch.float64 or made is torch.int64 or (made is None and filled.__class__ is int):
        return True
    if not call.tensors:
        return False
    given = call.tensors[0].dtype
    return given is torch.float64 or (not given.is_floating_point and call.operation.kind in _WIDENING)


def _apart(call: Call, cells: int) -> int:
    """Return what a call takes for each row, matrix or list that it goes to one by one, in effort × 1,000."""
    name = call.operation.name
    if name == "tensor":
        return costs.AN_INNER_LIST * inner_lists(call["data"])
    if not call.shapes or not call.shapes[0]:
        return 0
    shape = call.shapes[0]
    half = call.tensors[0].element_size() == 2
    if name == "scaled_dot_product_attention":
        queries = prod(shape[:-1])
        scores = queries * call.shapes[1][-2] if drops(call.args, call.kwargs) else 0
        each = costs.HALF_ATTENTIONS if half else costs.ATTENTIONS
        return stacks(call) * each + queries * costs.A_QUERY + scores * costs.DROPPED
    if name == "index_select" and not call.tensors[0].is_contiguous():
        return costs.A_PICKED_ROW * extent(call.shapes[-1])
    if call.operation.kind == "contraction":
        matrices = cells if name == "einsum" else prod(shape[:-2])  # each cell of it may be one
        return matrices * (costs.HALF_MATRICES if half else costs.MATRICES)
    if name in costs.TRIANGLES:
        return prod(shape[:-2]) * costs.A_TRIANGLE
    if name in costs.LINES:
        return _lines(call) * costs.LINES[name]
    return prod(shape[:-1]) * costs.ROWS.get(name, 0) * (costs.HALF if half else 1)


def _lines(call: Call) -> int:
    """Return how many lines there are along the axes that a call goes along; all in one if it names none."""
    shape = call.shapes[0]
    if isinstance(call.operation, FallbackOperation):  # nobody knows which those are
        return extent(shape) // max(min(shape), 1)
    given = call.arguments.get("dim")
    if given is None:
        return 1
    axes = given if isinstance(given, list | tuple) else (given,)
    along = {int(axis) % len(shape) for axis in axes if -len(shape) <= axis < len(shape)}
    return extent([size for axis, size in enumerate(shape) if axis not in along])
