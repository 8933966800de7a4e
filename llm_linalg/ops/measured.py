"""Entries without a rule for what a cell reads: autograd measures it. They say what a call costs.

These are functions of several steps that torch makes one call of: distances, differences, sums along a curve,
what is added at places.
"""

from __future__ import annotations

from itertools import zip_longest
from math import prod
from typing import Any

from llm_linalg.base.axes import Shape, ShapeMismatch, extent, pointwise
from llm_linalg.ops.fallback import FallbackOperation, broadcast_peak
from llm_linalg.ops.operation import Call, Operation, Work, operand_cells


def _together(call: Call) -> int:
    return broadcast_peak(call)


def _twice(call: Call) -> int:
    return 2 * broadcast_peak(call)


def _strips(call: Call) -> int:
    """Return the cells of areas under a curve: torch broadcasts the curve against the steps along its axis.

    Along that axis there is one cell fewer, so shapes may go together whose own broadcast would fail.
    """
    if len(call.shapes) < 2 or len(call.shapes[1]) == 1:  # the steps are laid along the axis
        return max(operand_cells(call), extent(call.shapes[0]))  # the area of no strips is 0
    along = zip_longest(*map(reversed, call.shapes), fillvalue=1)
    return operand_cells(call) + extent([max(sizes) for sizes in along])


def _differences(call: Call) -> Work:
    """Return what a repeated difference takes: all cells, as often as it is taken, at most once a cell."""
    cells = operand_cells(call)
    return Work(cells, cells * min(max(int(call["n"]), 0), max(map(prod, call.shapes), default=1)))


def _rows(shape: Shape) -> Shape:
    if len(shape) < 2:
        raise ShapeMismatch("distances are between the rows of matrices")
    return shape


def _distances(call: Call) -> Work:
    """Return what a table of distances takes: a cell for each row of the one and of the other."""
    first, second = (_rows(shape) for shape in call.shapes[:2])
    batch = prod(pointwise([first[:-2], second[:-2]]).shape)
    cells = batch * first[-2] * second[-2]
    return Work(cells + batch * (prod(first[-2:]) + prod(second[-2:])), cells * first[-1])


def _own_distances(call: Call) -> Work:
    rows, width, *_ = _rows(call.shapes[0])
    return Work(rows * rows + operand_cells(call), rows * rows * width)


def _powers_of(call: Call) -> int:
    """Return the cells of a Vandermonde matrix: so many powers of each number."""
    powers = call["N"]
    return prod(call.shapes[0]) * max(call.shapes[0][-1] if powers is None else int(powers), 1)


def _bilinear(call: Call) -> int:
    first, weight = call.shapes[0], call.shapes[2]
    return prod(first[:-1]) * prod(weight) + operand_cells(call)


def _placed(call: Call) -> int:
    return 2 * operand_cells(call)


def _put_peak(call: Call) -> int:
    """Return the cells of an index_put: its own, and those at all the places named, broadcast."""
    if not isinstance(call["indices"], list | tuple):
        raise ShapeMismatch("places are in a tuple, one tensor for each axis")
    places = [call.shapes[place] for place in call.places["indices"]]
    return operand_cells(call) + prod(pointwise(places).shape) * prod(call.shapes[0][len(places) :])


def _gradients(call: Call) -> int:
    return 3 * operand_cells(call) * max(len(call.shapes[0]), 1)


def _count_of_axes(call: Call) -> int:
    axes = call["dim"]
    return len(axes) if isinstance(axes, list | tuple) else 1 if axes is not None else len(call.shapes[0])


def _measured(name: str, signature: str, **more: Any) -> FallbackOperation:
    facts = {"price": _together, "autograd": True, **more}
    return FallbackOperation(name, signature, **facts)


MEASURED: tuple[Operation, ...] = (
    _measured("diff", "input, n=1, dim=-1, prepend=None, append=None, *, out=None", price=_differences),
    _measured(
        "gradient",
        "input, *, spacing=1, dim=None, edge_order=1",
        price=_gradients,
        output_count_for_call=_count_of_axes,
    ),
    *(
        _measured(name, "y, x=None, *, dx=None, dim=-1", price=_strips)
        for name in ("trapezoid", "trapz", "cumulative_trapezoid")
    ),
    _measured("cdist", "x1, x2, p=2.0, compute_mode=None", price=_distances),
    _measured("pdist", "input, p=2", price=_own_distances),
    _measured("pairwise_distance", "x1, x2, p=2.0, eps=1e-06, keepdim=False", price=_twice),
    _measured("dist", "input, other, p=2", price=_twice),
    _measured("renorm", "input, p, dim, maxnorm, *, out=None", price=_placed),
    _measured(
        "cross", "input, other, dim=None, *, out=None", spellings=("torch.linalg.cross",), price=_twice
    ),
    _measured(
        "vander", "input, N=None, increasing=False", spellings=("torch.linalg.vander",), price=_powers_of
    ),
    _measured("bilinear", "input1, input2, weight, bias=None", price=_bilinear),
    _measured("prelu", "input, weight", price=operand_cells),
    _measured("glu", "input, dim=-1", price=operand_cells),
    _measured("softmin", "input, dim=None, _stacklevel=3, dtype=None", price=_placed),
    _measured("index_add", "input, dim, index, source, *, alpha=1, out=None", price=_placed),
    _measured("index_fill", "input, dim, index, value", price=_placed),
    _measured(
        "index_reduce", "input, dim, index, source, reduce, *, include_self=True, out=None", price=_placed
    ),
    _measured(
        "scatter_reduce", "input, dim, index, src, reduce, *, include_self=True, out=None", price=_placed
    ),
    _measured("index_put", "input, indices, values, accumulate=False", price=_put_peak),
    _measured("put", "input, index, source, accumulate=False", price=_placed),
    _measured("frexp", "input, *, out=None", price=_placed, output_count_for_call=lambda _: 2),
)
