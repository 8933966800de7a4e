"""Entries without a rule for what a cell reads: autograd measures it. They name the parameters.

These are functions of several steps that torch makes one call of: distances, differences, sums along a curve,
spectra.
"""

from __future__ import annotations

from itertools import zip_longest
from math import prod

from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.ops.operation import Call, Operation, Price, operand_cells


def _strips(call: Call) -> Price:
    """Return what an area under a curve takes: the curve is broadcast against the steps along its axis."""
    if len(call.shapes) < 2 or len(call.shapes[1]) == 1:  # the steps are laid along the axis
        return Price(operand_cells(call))
    sides = zip_longest(*map(reversed, call.shapes), fillvalue=1)
    return Price(operand_cells(call) + prod(map(max, sides)))


def _powers(call: Call) -> Price:
    """Return what a Vandermonde matrix takes: so many powers of each number."""
    count = call["N"]
    return Price(prod(call.shapes[0]) * (call.shapes[0][-1] if count is None else int(count)))


def _spectrum(call: Call) -> Price:
    """Return what a Fourier transform takes: it may be cut, or filled up, to other sizes."""
    shape, dim = list(call.shapes[0]), call["dim"]
    given = call.arguments.get("n", call.arguments.get("s"))
    sizes = [] if given is None else [given] if isinstance(given, int) else given
    dims = range(-len(sizes), 0) if dim is None else [dim] if isinstance(dim, int) else dim
    for axis, size in zip(dims, sizes, strict=False):
        shape[axis] = max(int(size), shape[axis] if size == -1 else 1)
    return Price(2 * prod(shape) + operand_cells(call))


MEASURED: tuple[Operation, ...] = (
    FallbackOperation("diff", "input, n=1, dim=-1, prepend=None, append=None, *, out=None"),
    FallbackOperation("gradient", "input, *, spacing=1, dim=None, edge_order=1"),
    *(
        FallbackOperation(name, "y, x=None, *, dx=None, dim=-1", price_for_call=_strips)
        for name in ("trapezoid", "trapz", "cumulative_trapezoid")
    ),
    FallbackOperation(
        "grid_sample",
        "input, grid, mode='bilinear', padding_mode='zeros', align_corners=None",
        leads="grid",
    ),
    FallbackOperation("cdist", "x1, x2, p=2.0, compute_mode=None"),
    FallbackOperation("pairwise_distance", "x1, x2, p=2.0, eps=1e-06, keepdim=False"),
    FallbackOperation("dist", "input, other, p=2"),
    FallbackOperation("cross", "input, other, dim=None, *, out=None", spellings=("torch.linalg.cross",)),
    FallbackOperation(
        "vander",
        "input, N=None, increasing=False",
        spellings=("torch.linalg.vander",),
        price_for_call=_powers,
    ),
    FallbackOperation("softmin", "input, dim=None, _stacklevel=3, dtype=None"),
    FallbackOperation("index_fill", "input, dim, index, value"),
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
            price_for_call=_spectrum,
        )
        for kinds, axes, sizes in (
            ("fft ifft rfft irfft hfft ihfft", "", "n=None, dim=-1"),
            ("fft ifft rfft irfft", "2", "s=None, dim=(-2, -1)"),
            ("fft ifft rfft irfft", "n", "s=None, dim=None"),
        )
        for kind in kinds.split()
    ),
    FallbackOperation("cov", "input, *, correction=1, fweights=None, aweights=None"),
    FallbackOperation("corrcoef", "input"),
    # Autograd says which cell of a window won, not which were in it; and torch's own slope of a scatter is
    # that of the cells which were replaced.
    *(
        Operation(
            f"fractional_max_pool{axes}d",
            "input, kernel_size, output_size=None, output_ratio=None, return_indices=False, "
            "_random_samples=None",
            evidence="opaque",
        )
        for axes in (2, 3)
    ),
    Operation("as_strided_scatter", "input, src, size, stride, storage_offset=None", evidence="opaque"),
)
