"""Statistics of a line or of a whole tensor: medians, quantiles, counts, and what is found in it."""

from __future__ import annotations

from typing import Any

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.ops.fallback import FallbackOperation, fallback
from llm_linalg.ops.operation import NO_DERIVATIVE, Call, Operation
from llm_linalg.ops.reduction import Reduction, variance_arguments
from llm_linalg.ops.rowwise import Cumulative, Rowwise


def _first_axis(arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments | {"dim": 0, "descending": False}


def _counts(call: Call) -> Shape:
    """Return the shape of a bincount, which has a cell for each number up to the largest."""
    numbers = call.tensor("input")
    if numbers.is_floating_point() or numbers.dim() != 1:
        raise ShapeMismatch("bincount counts whole numbers in a vector", at=0)
    return (max(int(numbers.max()) + 1 if numbers.numel() else 0, int(call["minlength"])),)


_AXIS = "input, dim=None, keepdim=False"
_SPREAD = "input, dim=None, unbiased=None, keepdim=False, *, correction=None"
_QUANTILE = "input, q, dim=None, keepdim=False, *, interpolation='linear', out=None"


STATISTICS: tuple[Operation, ...] = (
    Reduction("nansum", f"{_AXIS}, *, dtype=None, out=None", phrase="sum of {cells}, nan as 0"),
    Reduction("nanmean", f"{_AXIS}, *, dtype=None, out=None", phrase="mean of {cells} but nan"),
    Reduction("count_nonzero", "input, dim=None", phrase="how many of {cells} are not 0"),
    Reduction("median", _AXIS, phrase="median of {cells}"),
    Reduction("nanmedian", _AXIS, phrase="median of {cells} but nan"),
    Reduction("mode", "input, dim=-1, keepdim=False", phrase="most frequent of {cells}"),
    Reduction("kthvalue", "input, k, dim=-1, keepdim=False, *, out=None", phrase="k-th smallest of {cells}"),
    Reduction("aminmax", "input, *, dim=None, keepdim=False, out=None", phrase="least and most of {cells}"),
    Reduction(
        "var_mean", _SPREAD, phrase="variance and mean of {cells}", canonical_arguments=variance_arguments
    ),
    Reduction(
        "std_mean", _SPREAD, phrase="√variance and mean of {cells}", canonical_arguments=variance_arguments
    ),
    *(
        Reduction(name, _QUANTILE, phrase=f"quantile of {{cells}}{rest}", several=fallback(name, _QUANTILE))
        for name, rest in (("quantile", ""), ("nanquantile", " but nan"))
    ),
    *(
        Cumulative(f"cum{name}", "input, dim, *, out=None", phrase=f"{name}({{cells}})")
        for name in ("max", "min")
    ),
    Cumulative("logcumsumexp", "input, dim, *, out=None", phrase="ln Σ exp of {cells}"),
    Rowwise("msort", "input, *, out=None", sorts=True, canonical_arguments=_first_axis),
    FallbackOperation("unique", "input, sorted=True, return_inverse=False, return_counts=False, dim=None"),
    FallbackOperation("unique_consecutive", "input, return_inverse=False, return_counts=False, dim=None"),
    FallbackOperation(
        "bincount",
        "input, weights=None, minlength=0",
        rule=_counts,
        gradient={"weights": NO_DERIVATIVE},
    ),
    FallbackOperation("histc", "input, bins=100, min=0, max=0, *, out=None", gradient={"input": ""}),
    FallbackOperation(
        "histogram",
        "input, bins=100, *, range=None, weight=None, density=False, out=None",
        gradient={"input": NO_DERIVATIVE, "weight": NO_DERIVATIVE},
    ),
    FallbackOperation("argwhere", "input"),
    FallbackOperation("isin", "elements, test_elements, *, assume_unique=False, invert=False"),
    FallbackOperation(
        "searchsorted",
        "sorted_sequence, input, *, out_int32=False, right=False, side=None, out=None, sorter=None",
    ),
    FallbackOperation("bucketize", "input, boundaries, *, out_int32=False, right=False, out=None"),
    FallbackOperation("cov", "input, *, correction=1, fweights=None, aweights=None"),
    FallbackOperation("corrcoef", "input"),
)
