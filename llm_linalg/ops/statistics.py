"""Statistics of a line or of a whole tensor: medians, quantiles, counts, and what is found in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call, Operation, Work, operand_cells, output_cells
from llm_linalg.ops.reduction import Reduction, variance_arguments
from llm_linalg.ops.rowwise import Cumulative, Rowwise


@dataclass(frozen=True, eq=False)
class Survey(Operation):
    """A function whose cells may each be computed from the whole of its operands."""

    kind: str = "opaque"
    evidence: str = "opaque"

    def multiplications(self, call: Call) -> int | None:
        return None

    def own_work(self, call: Call, shape: Shape | None) -> Work:
        return Work(output_cells(call, shape), operand_cells(call))


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


def _covariance_work(call: Call) -> Work:
    cells, rows = operand_cells(call), call.shapes[0][0] if len(call.shapes[0]) > 1 else 1
    return Work(2 * cells + rows * rows, rows * cells)


_AXIS = "input, dim=None, keepdim=False"
_SPREAD = "input, dim=None, unbiased=None, keepdim=False, *, correction=None"
_QUANTILE = "input, q, dim=None, keepdim=False, *, interpolation='linear', out=None"


def _line(name: str, signature: str, phrase: str, **more: Any) -> Reduction:
    """Return the entry of a reduction whose slope autograd gives."""
    facts = {"autograd": True, **more}
    return Reduction(name, signature, phrase=phrase, **facts)


def _survey(name: str, signature: str, **more: Any) -> Survey:
    facts = {"autograd": True, **more}
    return Survey(name, signature, **facts)


STATISTICS: tuple[Operation, ...] = (
    _line("nansum", f"{_AXIS}, *, dtype=None, out=None", "sum of {cells}, nan as 0"),
    _line("nanmean", f"{_AXIS}, *, dtype=None, out=None", "mean of {cells} but nan"),
    _line("count_nonzero", "input, dim=None", "how many of {cells} are not 0", autograd=False),
    _line("median", _AXIS, "median of {cells}"),
    _line("nanmedian", _AXIS, "median of {cells} but nan"),
    _line("mode", "input, dim=-1, keepdim=False", "most frequent of {cells}"),
    _line("kthvalue", "input, k, dim=-1, keepdim=False, *, out=None", "k-th smallest of {cells}"),
    _line("aminmax", "input, *, dim=None, keepdim=False, out=None", "least and most of {cells}"),
    _line("var_mean", _SPREAD, "variance and mean of {cells}", canonical_arguments=variance_arguments),
    _line("std_mean", _SPREAD, "√variance and mean of {cells}", canonical_arguments=variance_arguments),
    *(
        Reduction(
            name,
            _QUANTILE,
            autograd=True,
            phrase=f"quantile of {{cells}}{rest}",
            several=Survey(name, _QUANTILE, autograd=True, price=_quantiles_peak),
        )
        for name, rest in (("quantile", ""), ("nanquantile", " but nan"))
    ),
    *(
        Cumulative(f"cum{name}", "input, dim, *, out=None", autograd=True, phrase=f"{name}({{cells}})")
        for name in ("max", "min")
    ),
    Cumulative("logcumsumexp", "input, dim, *, out=None", autograd=True, phrase="ln Σ exp of {cells}"),
    Rowwise("msort", "input, *, out=None", sorts=True, canonical_arguments=_first_axis, autograd=True),
    _survey(
        "unique",
        "input, sorted=True, return_inverse=False, return_counts=False, dim=None",
        price=_unique_peak,
        autograd=False,
    ),
    _survey(
        "unique_consecutive",
        "input, return_inverse=False, return_counts=False, dim=None",
        price=_unique_peak,
        autograd=False,
    ),
    _survey(
        "bincount",
        "input, weights=None, minlength=0",
        price=_count_peak,
        autograd=False,
        gradient={"weights": ""},
    ),
    _survey(
        "histc",
        "input, bins=100, min=0, max=0, *, out=None",
        price=_bins_peak,
        autograd=False,
        gradient={"input": ""},
    ),
    _survey(
        "histogram",
        "input, bins=100, *, range=None, weight=None, density=False, out=None",
        price=_bins_peak,
        autograd=False,
        gradient={"input": "", "weight": ""},
    ),
    _survey("argwhere", "input", price=_places_peak, autograd=False),
    _survey("isin", "elements, test_elements, *, assume_unique=False, invert=False", autograd=False),
    _survey(
        "searchsorted",
        "sorted_sequence, input, *, out_int32=False, right=False, side=None, out=None, sorter=None",
        autograd=False,
    ),
    _survey("bucketize", "input, boundaries, *, out_int32=False, right=False, out=None", autograd=False),
    _survey("cov", "input, *, correction=1, fweights=None, aweights=None", price=_covariance_work),
    _survey("corrcoef", "input", price=_covariance_work),
)
