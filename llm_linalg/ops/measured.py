"""Entries without a rule for what a cell reads: autograd measures it. They name the parameters.

These are functions of several steps that torch makes one call of: distances, differences, sums along a curve,
what is added at places.
"""

from __future__ import annotations

from itertools import zip_longest
from math import prod

from llm_linalg.base.axes import pointwise
from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.ops.operation import Call, Operation, Work, operand_cells


def _every_pair(call: Call) -> Work:
    """Return what a bilinear layer takes, which may hold each pair of features times each of its weights."""
    return Work(prod(call.shapes[0][:-1]) * call.tensor("weight").numel() + operand_cells(call))


def _strips(call: Call) -> Work:
    """Return what an area under a curve takes: the curve is broadcast against the steps along its axis."""
    if len(call.shapes) < 2 or len(call.shapes[1]) == 1:  # the steps are laid along the axis
        return Work(operand_cells(call))
    sides = zip_longest(*map(reversed, call.shapes), fillvalue=1)
    return Work(operand_cells(call) + prod(map(max, sides)))


def _places(call: Call) -> Work:
    """Return what an index_put takes: its places, broadcast, each with what it leaves of the axes."""
    places = [call.shapes[place] for place in call.places["indices"]]
    return Work(operand_cells(call) + prod(pointwise(places).shape) * prod(call.shapes[0][len(places) :]))


def _powers(call: Call) -> Work:
    """Return what a Vandermonde matrix takes: so many powers of each number."""
    count = call["N"]
    return Work(prod(call.shapes[0]) * (call.shapes[0][-1] if count is None else int(count)))


def _columns(call: Call) -> Work:
    """Return what a transposed convolution takes: for each place of an item as many cells as a kernel has."""
    weight = call.tensor("weight").shape
    columns = prod(weight[1:]) * prod(call.shapes[0][2 - len(weight) :])
    return Work(operand_cells(call) + columns, prod(call.shapes[0]) * prod(weight[1:]))


def _spectrum(call: Call) -> Work:
    """Return what a Fourier transform takes: it may be cut, or filled up, to other sizes."""
    shape, dim = list(call.shapes[0]), call["dim"]
    given = call.arguments.get("n", call.arguments.get("s"))
    sizes = [] if given is None else [given] if isinstance(given, int) else given
    dims = range(-len(sizes), 0) if dim is None else [dim] if isinstance(dim, int) else dim
    for axis, size in zip(dims, sizes, strict=False):
        shape[axis] = max(int(size), shape[axis] if size == -1 else 1)
    return Work(2 * prod(shape) + operand_cells(call))


_SIDES = "input, size=None, scale_factor=None, mode='nearest', align_corners=None"
MEASURED: tuple[Operation, ...] = (
    FallbackOperation("diff", "input, n=1, dim=-1, prepend=None, append=None, *, out=None"),
    FallbackOperation("gradient", "input, *, spacing=1, dim=None, edge_order=1"),
    *(
        FallbackOperation(name, "y, x=None, *, dx=None, dim=-1", price=_strips)
        for name in ("trapezoid", "trapz", "cumulative_trapezoid")
    ),
    FallbackOperation("cdist", "x1, x2, p=2.0, compute_mode=None"),
    FallbackOperation("pdist", "input, p=2", price=lambda call: Work(call.shapes[0][0] ** 2)),
    FallbackOperation("pairwise_distance", "x1, x2, p=2.0, eps=1e-06, keepdim=False"),
    FallbackOperation("dist", "input, other, p=2"),
    FallbackOperation("renorm", "input, p, dim, maxnorm, *, out=None"),
    FallbackOperation("cross", "input, other, dim=None, *, out=None", spellings=("torch.linalg.cross",)),
    FallbackOperation(
        "vander", "input, N=None, increasing=False", spellings=("torch.linalg.vander",), price=_powers
    ),
    FallbackOperation("bilinear", "input1, input2, weight, bias=None", price=_every_pair),
    FallbackOperation("prelu", "input, weight"),
    FallbackOperation("glu", "input, dim=-1"),
    FallbackOperation("softmin", "input, dim=None, _stacklevel=3, dtype=None"),
    FallbackOperation("index_add", "input, dim, index, source, *, alpha=1, out=None"),
    FallbackOperation("index_fill", "input, dim, index, value"),
    FallbackOperation("index_reduce", "input, dim, index, source, reduce, *, include_self=True, out=None"),
    FallbackOperation("scatter_reduce", "input, dim, index, src, reduce, *, include_self=True, out=None"),
    FallbackOperation("index_put", "input, indices, values, accumulate=False", price=_places),
    FallbackOperation("put", "input, index, source, accumulate=False"),
    FallbackOperation("frexp", "input, *, out=None"),
    *(
        FallbackOperation(
            f"conv_transpose{axes}d",
            "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
            price=_columns,
        )
        for axes in (1, 2)
    ),
    FallbackOperation(
        "col2im",
        "input, output_size, kernel_size, dilation=1, padding=0, stride=1",
        spellings=("torch.nn.functional.fold",),
    ),
    *(
        FallbackOperation(
            f"{kind}{axes}",
            f"input, {sizes}, norm=None, *, out=None",
            spellings=(f"torch.fft.{kind}{axes}",),
            price=_spectrum,
        )
        for kinds, axes, sizes in (
            ("fft ifft rfft irfft hfft ihfft", "", "n=None, dim=-1"),
            ("fft ifft rfft irfft", "2", "s=None, dim=(-2, -1)"),
            ("fft ifft rfft irfft", "n", "s=None, dim=None"),
        )
        for kind in kinds.split()
    ),
    FallbackOperation("interpolate", f"{_SIDES}, recompute_scale_factor=None, antialias=False"),
)
