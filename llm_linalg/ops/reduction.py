"""Reductions: a cell of the result is computed from all cells along some axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Labels, Shape, align_right
from llm_linalg.base.cells import Index
from llm_linalg.ops.contraction import operand_factors
from llm_linalg.ops.fallback import covered, fallback
from llm_linalg.ops.operation import Call, Operation, Price, fill_template, output_cells
from llm_linalg.ops.signature import parse_signature
from llm_linalg.ops.terms import Terms


@dataclass(frozen=True, eq=False)
class Reduction(Operation):
    """A function of every cell along the reduced axes.

    Attributes:
        adds: The cell is the sum of the cells that it reads.
        averages: The sum is divided by their number.
        pair: The operation on two tensors that shares the torch function (max, min).
        several: The operation for a tensor of quantiles, which shares it likewise.
        multiplications_per_cell: Per cell that is read, not counting the division of an average.
    """

    adds: bool = False
    averages: bool = False
    pair: Operation | None = None
    several: Operation | None = None
    kind: str = "reduction"

    def axes(self, call: Call) -> Axes:
        return reduced_axes(call)

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        if self.several and isinstance(arguments.get("q"), Tensor):
            return self.several
        two = isinstance(arguments.get("dim"), Tensor) or arguments.get("other") is not None
        return self.pair if two and self.pair else covered(self, arguments, ["input"])

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        return Price(output_cells(call, shape), prod(call.shapes[0]))

    def multiplications(self, call: Call) -> int | None:
        if self.averages:
            return super().multiplications(call)
        return self.multiplications_per_cell * prod(call.shapes[0])

    def terms(self, call: Call, index: Index) -> Terms:
        if not self.adds:
            return super().terms(call, index)
        column = operand_factors(self.axes(call), 0, call.tensors[0], index)
        if call.arguments.get("dtype") is not None:  # it is cast before it is added up
            column = column.to(call.result.dtype)
        if self.averages:
            return Terms((column, torch.full_like(column, 1 / max(len(column), 1))))
        return Terms((column,))

    def phrase_for(self, call: Call) -> str:
        """Return the phrase of a call, with the arguments that are not the usual ones: `with p=1`."""
        usual, text = parse_signature(self.signature).defaults, super().phrase_for(call)
        more = [
            f"{name}={value}"
            for name, value in call.arguments.items()
            if name in usual and name not in _ASIDE and isinstance(value, int | float | str)
            if value != usual[name]
        ]
        return f"{text} with {', '.join(more)}" if text and more else text

    def vjp_explanation_for(self, call: Call) -> str:
        return _NAMED if self.pair and call["dim"] is not None else self.vjp_explanation

    def freedom(self, call: Call) -> int:
        """Return the divisor of a variance: the number of cells minus the correction."""
        cells = prod(call.shapes[0][dim] for dim in call.dims())
        correction = call.arguments.get("correction")
        if correction is None:
            correction = 0 if call.arguments.get("unbiased") is False else 1
        return max(cells - correction, 0)

    def program_for(self, call: Call) -> str:
        facts = {**call.arguments, "dims": call.dims(), "freedom": self.freedom(call)}
        square = "(center * center.conj()).real" if call.tensors[0].is_complex() else "center * center"
        return fill_template(self.program.replace("{square}", square), facts)

    def term_count(self, call: Call) -> int | None:
        return self.axes(call).terms if self.adds else None

    def cotangents(self, call: Call) -> Mapping[str, str]:
        """Return the VJP, with the reduced axes restored in the cotangent."""
        dims = call.dims()
        count = prod(call.shapes[0][dim] for dim in dims)
        shape = ", ".join(map(str, call.shapes[0]))
        places = {
            "shape": shape or "()",
            "count": str(count),
            "dims": str(dims),
            "freedom": str(self.freedom(call)),
            "back": "" if call.arguments.get("keepdim") else _back(dims, call),
        }
        return {name: _filled(text, places) for name, text in super().cotangents(call).items()}


def reduced_axes(call: Call) -> Axes:
    """Return the spec of a function of all cells along the axes that a call names, or of all cells."""
    shape = call.shapes[0]
    labels = align_right(len(shape), len(shape))
    dims = call.dims()
    output: Labels = tuple(
        f"1:{axis}" if axis in dims else label
        for axis, label in enumerate(labels)
        if axis not in dims or call.arguments.get("keepdim")
    )
    given = {label: 1 for label in output if label.startswith("1:")}
    return Axes.solve(output, (labels,), (shape,), given=given)


def _back(dims: tuple[int, ...], call: Call) -> str:
    if len(dims) == len(call.shapes[0]):
        return ""  # a 0-d cotangent broadcasts as it is
    return "".join(f".unsqueeze({dim})" for dim in dims)


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text


_ASIDE = {"dim", "keepdim", "dtype", "out", "other"}  # arguments that the cells show
_SPREAD = "{d}{back}.expand({shape})"
_SHARED = """\
best = {input} == {out}{back}
{d}{back} * best / best.sum({dims}, keepdim=True)"""
_ALONE = "best = {input} == {out}\ntorch.where(best, {d} / best.sum(), 0)"
_STD = """\
center = {input} - {input}.mean({dims}, keepdim=True)
{d}{back} * center / ({freedom} * {out}{back})"""
_TOWARDS = "{d}{back} * {input} / {out}{back}"
_MOST = "Only the cell that won moved the result: the gradient goes to it, shared where several did."
_NAMED = "Only the cell whose position stands beside moved the result: the gradient goes to it alone."
_EVERY = "Each cell of {target} went into the sum: the gradient goes back to every one of them"


def _variance_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a variance, whose second argument may also be `unbiased`."""
    if isinstance(arguments["dim"], bool):
        return arguments | {"dim": None, "unbiased": arguments["dim"]}
    return arguments


def _std_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of std; a root has no slope at 0."""
    return {"input": _STD} if bool((call.result > 0).all()) else {}


def _shared_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of an extremum that several cells may share; nan equals nothing."""
    return {} if bool(call.result.isnan().any()) else {"input": _SHARED}


def _extremum_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of max and min; along an axis it goes to the position of the extremum."""
    if call["dim"] is None:
        return _shared_vjp(call) and {"input": _ALONE}
    back = "" if call["keepdim"] else f".unsqueeze({call.dim()})"
    index = f"{{indices}}{back}"
    return {"input": f"torch.zeros_like({{input}}).scatter_add({call.dim()}, {index}, {{d}}{back})"}


def _norm_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of the 2-norm of all cells; other norms, and where it is 0, have no rule.

    How many cells are not 0 passes nothing on, not even a 0.
    """
    if _norm_order(call) == 0:
        return {"input": ""}
    plain = _norm_order(call) in ("fro", 2, None) and not takes_singular_values(call)
    return {"input": _TOWARDS} if plain and bool((call.result != 0).all()) else {}


def takes_singular_values(call: Call) -> bool:
    """Return whether a call is a norm that torch computes from the singular values of matrices."""
    name, order = call.operation.name, _norm_order(call)
    if name not in ("norm", "vector_norm", "matrix_norm") or len(call.shapes[0]) < 2:
        return False
    if not (isinstance(order, int | float) and abs(order) == 2):
        return bool(order == "nuc")
    if name == "matrix_norm":
        return True
    axes = call.arguments.get("dim")
    of_a_matrix = len(axes) == 2 if isinstance(axes, list | tuple) else axes is None
    return call.function is torch.linalg.norm and of_a_matrix


def _norm_order(call: Call) -> Any:
    return call.arguments.get("p", call.arguments.get("ord"))


def reductions(table: Mapping[str, Operation]) -> tuple[Operation, ...]:
    """Return the reductions; `table` holds the pointwise overloads of max and min."""
    axis = "input, dim=None, keepdim=False"
    spread = "input, dim=None, unbiased=None, keepdim=False, *, correction=None"
    quantile = "input, q, dim=None, keepdim=False, *, interpolation='linear', out=None"
    return (
        Reduction(
            "sum",
            f"{axis}, *, dtype=None",
            gradient={"input": _SPREAD},
            vjp_explanation=f"{_EVERY} as it is.",
            adds=True,
        ),
        Reduction(
            "mean",
            f"{axis}, *, dtype=None",
            gradient={"input": _SPREAD + " / {count}"},
            vjp_explanation=f"{_EVERY}, divided by their number.",
            adds=True,
            averages=True,
            multiplications_per_cell=1,
        ),
        Reduction("prod", f"{axis}, *, dtype=None", phrase="product of {cells}", multiplications_per_cell=1),
        Reduction(
            "var",
            spread,
            phrase="variance of {cells}",
            canonical_arguments=_variance_arguments,
            program="center = input - input.mean({dims}, keepdim=True)\nsquare = {square}\n"
            "total = square.sum({dims}, keepdim={keepdim})\nvar = total / {freedom}",
            in_float32=True,
        ),
        Reduction(
            "std",
            spread,
            phrase="√variance of {cells}",
            vjp_for_call=_std_vjp,
            canonical_arguments=_variance_arguments,
            multiplications_per_cell=1,
        ),
        *(
            Reduction(
                name,
                f"{axis}, other=None",
                phrase=f"{name}({{cells}})",
                later_phrase=f"position of {name}({{cells}})",
                pair=table[f"{name}imum"],
                vjp_for_call=_extremum_vjp,
                vjp_explanation=_MOST,
            )
            for name in ("max", "min")
        ),
        *(
            Reduction(
                f"a{name}",
                axis,
                phrase=f"{name}({{cells}})",
                vjp_for_call=_shared_vjp,
                vjp_explanation=_MOST,
            )
            for name in ("max", "min")
        ),
        Reduction("argmax", axis, phrase="position of max({cells})"),
        Reduction("argmin", axis, phrase="position of min({cells})"),
        Reduction("all", axis, phrase="all of {cells}"),
        Reduction("any", axis, phrase="any of {cells}"),
        Reduction(
            "logsumexp",
            axis,
            phrase="ln Σ exp of {cells}",
            gradient={"input": "{d}{back} * torch.exp({input} - {out}{back})"},
        ),
        Reduction(
            "norm",
            "input, p='fro', dim=None, keepdim=False, out=None, dtype=None",
            spellings=("torch.functional.norm",),
            phrase="norm of {cells}",
            vjp_for_call=_norm_vjp,
            multiplications_per_cell=1,
        ),
        *(
            Reduction(
                f"{kind}_norm",
                f"input, {order}, keepdim=False, *, dtype=None, out=None",
                spellings=spellings,
                phrase="norm of {cells}",
                vjp_for_call=_norm_vjp,
                multiplications_per_cell=1,
            )
            for kind, order, spellings in (
                ("vector", "ord=None, dim=None", ("torch.linalg.vector_norm", "torch.linalg.norm")),
                ("matrix", "ord='fro', dim=(-2, -1)", ("torch.linalg.matrix_norm",)),
            )
        ),
        Reduction("nansum", f"{axis}, *, dtype=None, out=None", phrase="sum of {cells}, nan as 0"),
        Reduction("nanmean", f"{axis}, *, dtype=None, out=None", phrase="mean of {cells} but nan"),
        Reduction("count_nonzero", "input, dim=None", phrase="how many of {cells} are not 0"),
        *(
            Reduction(name, signature, phrase=phrase, later_phrase=f"position of the {phrase}")
            for name, signature, phrase in (
                ("median", axis, "median of {cells}"),
                ("nanmedian", axis, "median of {cells} but nan"),
                ("mode", "input, dim=-1, keepdim=False", "most frequent of {cells}"),
                ("kthvalue", "input, k, dim=-1, keepdim=False, *, out=None", "k-th smallest of {cells}"),
            )
        ),
        Reduction(
            "aminmax",
            "input, *, dim=None, keepdim=False, out=None",
            phrase="min({cells})",
            later_phrase="max({cells})",
        ),
        *(
            Reduction(
                name,
                spread,
                phrase=phrase,
                later_phrase="mean of {cells}",
                canonical_arguments=_variance_arguments,
            )
            for name, phrase in (("var_mean", "variance of {cells}"), ("std_mean", "√variance of {cells}"))
        ),
        *(
            Reduction(name, quantile, phrase=f"quantile of {{cells}}{rest}", several=fallback(name, quantile))
            for name, rest in (("quantile", ""), ("nanquantile", " but nan"))
        ),
    )
