"""Statistics of a line or of a whole tensor: medians, quantiles, counts, and what is found in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call, Operation, operand_cells
from llm_linalg.ops.reduction import Reduction, variance_arguments
from llm_linalg.ops.rowwise import Cumulative, Rowwise

_SORT = 40  # elements of a sum that sorting an element takes as long as


@dataclass(frozen=True, eq=False)
class Survey(Operation):
    """A function whose cells may each be computed from the whole of its operands."""

    kind: str = "opaque"
    evidence: str = "opaque"

    def multiplications(self, call: Call) -> int | None:
        return None

    def cost(self, call: Call, shape: Shape | None) -> int:
        if self.work_for_call:
            return self.work_for_call(call)
        return max(self.peak(call, shape), operand_cells(call))


def _first_axis(arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments | {"dim": 0, "descending": False}


def _quantiles_peak(call: Call) -> int:
    """Return the cells of several quantiles: so many times those that are left along the other axes."""
    shape, dim = call.shapes[0], call["dim"]
    lines = 1 if dim is None or not shape else prod(shape) // max(shape[int(dim)], 1)
    return prod(shape) + 4 * prod(call.tensor("q").shape) * max(lines, 1)


def _count_peak(call: Call) -> int:
    """Return the cells of a bincount, which has one for each number up to the largest."""
    numbers = call.tensor("input")
    if numbers.is_floating_point() or numbers.dim() != 1:
        raise ShapeMismatch("bincount counts whole numbers in a vector", at=0)
    with untraced():
        most = int(numbers.max()) + 1 if numbers.numel() else 0
    return max(most, int(call["minlength"]), prod(call.shapes[0]))


def _bins_peak(call: Call) -> int:
    bins = call["bins"]
    return operand_cells(call) + (prod(bins.shape) if isinstance(bins, Tensor) else 2 * max(int(bins), 0))


def _unique_peak(call: Call) -> int:
    return 3 * prod(call.shapes[0])


def _places_peak(call: Call) -> int:
    """Return the cells of a nonzero: as many numbers for each place as there are axes."""
    return prod(call.shapes[0]) * max(len(call.shapes[0]), 1)


def _covariance_peak(call: Call) -> int:
    rows = call.shapes[0][0] if len(call.shapes[0]) > 1 else 1
    return 2 * operand_cells(call) + rows * rows


def _covariance_work(call: Call) -> int:
    rows = call.shapes[0][0] if len(call.shapes[0]) > 1 else 1
    return 4 * operand_cells(call) + rows * operand_cells(call) // 8


def _bisections(call: Call) -> int:
    """Return the steps of the search for each value, in the sorted numbers that it is looked for in."""
    sorted_numbers = call.tensors[0] if "sorted_sequence" in call.arguments else call.tensors[-1]
    length = sorted_numbers.shape[-1] if sorted_numbers.dim() else 1
    return operand_cells(call) * (1 + length.bit_length() // 4)


def _looked_for(call: Call) -> int:
    """Return the work of isin: it compares with each of few, and sorts many."""
    return _SORT * operand_cells(call)


_AXIS = "input, dim=None, keepdim=False"
_SPREAD = "input, dim=None, unbiased=None, keepdim=False, *, correction=None"
_QUANTILE = "input, q, dim=None, keepdim=False, *, interpolation='linear', out=None"


def _line(name: str, signature: str, phrase: str, **more: Any) -> Reduction:
    """Return the entry of a reduction whose slope autograd gives."""
    facts = {"in_language": "torch Tensor", "autograd": True, **more}
    return Reduction(name, signature, phrase=phrase, **facts)


def _survey(name: str, signature: str, **more: Any) -> Survey:
    facts = {"in_language": "torch Tensor", "autograd": True, "slowness": 2, **more}
    return Survey(name, signature, **facts)


STATISTICS: tuple[Operation, ...] = (
    _line("nansum", f"{_AXIS}, *, dtype=None, out=None", "sum of {cells}, nan as 0", slowness=3),
    _line("nanmean", f"{_AXIS}, *, dtype=None, out=None", "mean of {cells} but nan", slowness=8, line_cost=8),
    _line("count_nonzero", "input, dim=None", "how many of {cells} are not 0", autograd=False, slowness=2),
    _line("median", _AXIS, "median of {cells}", slowness=10, line_cost=8),
    _line("nanmedian", _AXIS, "median of {cells} but nan", slowness=10, line_cost=8),
    _line("mode", "input, dim=-1, keepdim=False", "most frequent of {cells}", slowness=36, line_cost=8),
    _line(
        "kthvalue",
        "input, k, dim=-1, keepdim=False, *, out=None",
        "k-th smallest of {cells}",
        slowness=10,
        line_cost=8,
    ),
    _line(
        "aminmax",
        "input, *, dim=None, keepdim=False, out=None",
        "least and most of {cells}",
        slowness=2,
        line_cost=8,
    ),
    _line(
        "var_mean",
        _SPREAD,
        "variance and mean of {cells}",
        in_language="torch",
        canonical_arguments=variance_arguments,
        slowness=6,
        line_cost=40,
    ),
    _line(
        "std_mean",
        _SPREAD,
        "√variance and mean of {cells}",
        in_language="torch",
        canonical_arguments=variance_arguments,
        slowness=6,
        line_cost=40,
    ),
    *(
        Reduction(
            name,
            _QUANTILE,
            in_language="torch Tensor",
            autograd=True,
            phrase=f"quantile of {{cells}}{rest}",
            slowness=_SORT,
            line_cost=20,
            several=Survey(name, _QUANTILE, autograd=True, peak_for_call=_quantiles_peak, slowness=_SORT),
        )
        for name, rest in (("quantile", ""), ("nanquantile", " but nan"))
    ),
    *(
        Cumulative(
            f"cum{name}",
            "input, dim, *, out=None",
            autograd=True,
            in_language="torch Tensor",
            phrase=f"{name}({{cells}})",
            slowness=10,
        )
        for name in ("max", "min")
    ),
    Cumulative(
        "logcumsumexp",
        "input, dim, *, out=None",
        autograd=True,
        in_language="torch Tensor",
        phrase="ln Σ exp of {cells}",
        slowness=16,
    ),
    Rowwise(
        "msort",
        "input, *, out=None",
        in_language="torch Tensor",
        sorts=True,
        canonical_arguments=_first_axis,
        autograd=True,
        slowness=5,
        line_cost=4,
    ),
    _survey(
        "unique",
        "input, sorted=True, return_inverse=False, return_counts=False, dim=None",
        peak_for_call=_unique_peak,
        autograd=False,
        slowness=_SORT,
    ),
    _survey(
        "unique_consecutive",
        "input, return_inverse=False, return_counts=False, dim=None",
        peak_for_call=_unique_peak,
        autograd=False,
        slowness=8,
    ),
    _survey(
        "bincount",
        "input, weights=None, minlength=0",
        peak_for_call=_count_peak,
        autograd=False,
        gradient={"weights": ""},
    ),
    _survey(
        "histc",
        "input, bins=100, min=0, max=0, *, out=None",
        peak_for_call=_bins_peak,
        autograd=False,
        gradient={"input": ""},
        slowness=6,
    ),
    _survey(
        "histogram",
        "input, bins=100, *, range=None, weight=None, density=False, out=None",
        peak_for_call=_bins_peak,
        autograd=False,
        gradient={"input": "", "weight": ""},
        slowness=12,
    ),
    _survey("argwhere", "input", peak_for_call=_places_peak, autograd=False, slowness=3),
    _survey(
        "isin",
        "elements, test_elements, *, assume_unique=False, invert=False",
        in_language="torch",
        work_for_call=_looked_for,
        autograd=False,
    ),
    _survey(
        "searchsorted",
        "sorted_sequence, input, *, out_int32=False, right=False, side=None, out=None, sorter=None",
        in_language="torch",
        work_for_call=_bisections,
        autograd=False,
        slowness=6,
    ),
    _survey(
        "bucketize",
        "input, boundaries, *, out_int32=False, right=False, out=None",
        in_language="torch",
        work_for_call=_bisections,
        autograd=False,
        slowness=6,
    ),
    _survey(
        "cov",
        "input, *, correction=1, fweights=None, aweights=None",
        peak_for_call=_covariance_peak,
        work_for_call=_covariance_work,
    ),
    _survey("corrcoef", "input", peak_for_call=_covariance_peak, work_for_call=_covariance_work, slowness=3),
)
