"""Row-wise operations: each cell reads all of its row, and has a program of simpler steps.

The programs are Python, as a lesson's are; tests compare them with torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch, align_right, pointwise
from llm_linalg.base.cells import Index
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.base.short_repr import short_repr
from llm_linalg.ops.fallback import covered
from llm_linalg.ops.operation import Call, Operation, fill_template
from llm_linalg.ops.reads import PrefixReads, Reads
from llm_linalg.ops.terms import Term, Terms

RULE = "the weight and the bias have the shape of the axes that are normalised"

FAR = 5_000.0
"""How far below the largest of a row what gives 0 stands for −∞: masks have −1e4, −1e9, a dtype's lowest."""


@dataclass(frozen=True, eq=False)
class Rowwise(Operation):
    """A function of a row for each of its cells.

    Attributes:
        alongside: Parameters whose tensors are read at the cell's own position in the row (a weight, a bias).
        trailing: The parameter with the row's shape; without one, `dim` names the row's axis.
        normalises: The row sums to 1 (softmax): −inf becomes 0, as does what is so far below that a mask
            put it there, and a single live cell is always 1.
        selects: The result's row has another length than the operand's (topk).
        sorts: The result's row is the operand's in another order.
        is_norm: A row may have several axes, and without `dim` has all.
    """

    alongside: tuple[str, ...] = ()
    trailing: str = ""
    selects: bool = False
    sorts: bool = False
    normalises: bool = False
    is_norm: bool = False
    kind: str = "rowwise"

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return covered(self, arguments, ("input", *self.alongside))

    def dims(self, call: Call) -> tuple[int, ...]:
        """Return the axes that make a row."""
        rank = len(call.shapes[0])
        if not self.trailing:
            dim = call["dim"]
            if isinstance(dim, list | tuple) or (dim is None and self.is_norm):
                return call.dims()
            return (_legacy_dim(rank) if dim is None else call.dim(),) if rank else ()
        given = call[self.trailing]
        count = 1 if isinstance(given, int) else len(given)
        return tuple(range(rank - count, rank))

    def axes(self, call: Call) -> Axes:
        shape, dims = call.shapes[0], self.dims(call)
        if self.trailing:
            _check_row(shape, dims, call[self.trailing])
        labels = align_right(len(shape), len(shape))
        row = tuple(f"r{axis}" if axis in dims else label for axis, label in enumerate(labels))
        sizes = call.shape if self.selects and call.output is not None else shape
        given = {labels[axis]: sizes[axis] for axis in dims}
        operands = [row]
        places = {place: name for name in self.alongside if (place := call.place(name)) is not None}
        for place in sorted(places):
            operands.append(align_right(len(call.shapes[place]), len(shape)))
        return Axes.solve(labels, operands, call.shapes, labels, RULE, given)

    def label_axes(self, call: Call) -> Axes:
        axes = self.axes(call)
        if self.sorts:
            return axes
        return replace(axes, operands=(axes.output, *axes.operands[1:]))

    def unmoved_outputs(self, call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
        return self.ignored_cells(call, place)

    def ignored_cells(self, call: Call, place: int) -> Tensor | None:
        if not self.normalises:
            return None
        values, dims = call.tensors[place], self.dims(call)
        live = values != -torch.inf
        if dims and call.output is not None and values.numel():
            largest = values.amax(dims, keepdim=True)
            live &= (call.output != 0) | ~(values < largest.masked_fill(largest.isinf(), -torch.inf) - FAR)
        return ~live | (live.sum(dims, keepdim=True) < 2) if dims else torch.ones_like(live)

    def program_for(self, call: Call) -> str:
        eps = call.arguments.get("eps")
        if eps is None and call.tensors[0].dtype.is_floating_point:  # what rms_norm takes when none is given
            eps = torch.finfo(torch.promote_types(call.tensors[0].dtype, torch.float32)).eps
        facts = {**call.arguments, "dim": self.dims(call)[:1], "dims": self.dims(call), "eps": eps}
        lines = [fill_template(self.program, facts)]
        for name, sign in zip(self.alongside, "*+", strict=False):
            if self.program and call.place(name) is not None:
                lines.append(f"{'scaled' if sign == '*' else 'shifted'} = {_last(lines)} {sign} {name}")
        return "\n".join(lines)

    def phrase_for(self, call: Call) -> str:
        weight, bias = (
            name in self.alongside and call.place(name) is not None for name in ("weight", "bias")
        )
        text = f"({self.phrase})·{{weight}}" if weight else self.phrase
        return f"{text} + {{bias}}" if bias else text

    def cotangents(self, call: Call) -> Mapping[str, str]:
        dims = self.dims(call)
        return (
            {name: fill_template(text, {"dim": dims[0]}) for name, text in self.gradient.items()}
            if dims
            else {}
        )


def _check_row(shape: Shape, dims: tuple[int, ...], given: int | Sequence[int]) -> None:
    """Raise `ShapeMismatch` where the last axes are not those to be normalised."""
    if not isinstance(given, int | list | tuple):
        raise TypeError("the axes to be normalised have sizes in a list")
    row = (given,) if isinstance(given, int) else tuple(given)
    if len(row) > len(shape) or not row:
        raise ShapeMismatch(f"the last {len(row)} axes are normalised, and the input has {len(shape)}")
    for axis, size in zip(dims, row, strict=True):
        if shape[axis] != size:
            raise ShapeMismatch(
                f"the normalised axes must have the sizes {short_repr(row)}",
                MismatchedAxis(0, axis, shape[axis]),
            )


@dataclass(frozen=True, eq=False)
class Cumulative(Operation):
    """A cumulative function: each cell reads all cells up to it along an axis."""

    kind: str = "rowwise"

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return covered(self, arguments, ["input"])

    def infer(self, call: Call) -> Shape:
        return call.shapes[0]

    def label_axes(self, call: Call) -> Axes:
        return pointwise(call.shapes)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        return (PrefixReads(call.shapes[0], call.dim()),)

    def terms(self, call: Call, index: Index) -> Terms:
        if self.name != "cumsum" or not index:
            return super().terms(call, index)
        dim = call.dim()
        at = tuple(slice(None) if axis == dim else i for axis, i in enumerate(index))
        values = call.tensors[0].detach()[at][: index[dim] + 1].tolist()
        return Terms(tail=tuple(Term((value,), value) for value in values))


def _last(lines: list[str]) -> str:
    """Return the last name that a program assigns."""
    return lines[-1].splitlines()[-1].split(" = ")[0]


def _legacy_dim(rank: int) -> int:
    """Return the default axis of softmax, as in torch."""
    return 0 if rank in (0, 1, 3) else 1


_POWERS = """\
top = input.amax({dim}, keepdim=True)
below = input - top
power = torch.exp(below)
total = power.sum({dim}, keepdim=True)
"""
_LAYER_NORM = """\
mean = input.mean({dims}, keepdim=True)
center = input - mean
square = center * center
var = square.mean({dims}, keepdim=True)
raised = var + {eps}
deviation = torch.sqrt(raised)
layer_norm = center / deviation"""
_RMS_NORM = """\
square = input * input
mean = square.mean({dims}, keepdim=True)
raised = mean + {eps}
root = torch.sqrt(raised)
rms_norm = input / root"""
_ROW = "{out} * ({d} - ({d} * {out}).sum({dim}, keepdim=True))"
_RETURNED = "torch.zeros_like({input}).scatter_add({dim}, {indices}, {d})"
_PICKED = (
    "Its cells were picked out of {target}: each gradient goes back to where its cell was, the rest get 0."
)
_LOG_ROW = "{d} - torch.exp({out}) * {d}.sum({dim}, keepdim=True)"

ROWWISE: tuple[Operation, ...] = (
    Rowwise(
        "softmax",
        "input, dim=None, _stacklevel=3, dtype=None",
        normalises=True,
        in_float32=True,
        phrase="exp({input}) / ({powers})",
        program=_POWERS + "softmax = power / total",
        gradient={"input": _ROW},
        vjp_explanation="Weights that sum to 1 are made together, so what one gains the others lose: a "
        "gradient counts only as far as it differs from their weighted mean.",
    ),
    Rowwise(
        "log_softmax",
        "input, dim=None, _stacklevel=3, dtype=None",
        normalises=True,
        in_float32=True,
        phrase="{input} - ln({powers})",
        program=_POWERS + "log_softmax = below - torch.log(total)",
        gradient={"input": _LOG_ROW},
        vjp_explanation="To raise one log-probability lowers those made with it: from each gradient the "
        "probability times the sum of their gradients is taken off.",
    ),
    Rowwise(
        "layer_norm",
        "input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True",
        alongside=("weight", "bias"),
        trailing="normalized_shape",
        phrase="{center} / {deviation}",
        program=_LAYER_NORM,
        in_float32=True,
    ),
    Rowwise(
        "rms_norm",
        "input, normalized_shape, weight=None, eps=None",
        alongside=("weight",),
        trailing="normalized_shape",
        phrase="{input} / {root}",
        program=_RMS_NORM,
        in_float32=True,
    ),
    Rowwise(
        "normalize", "input, p=2.0, dim=1, eps=1e-12, out=None", is_norm=True, multiplications_per_cell=2
    ),
    Rowwise(
        "topk",
        "input, k, dim=-1, largest=True, sorted=True",
        sorts=True,
        selects=True,
        gradient={"input": _RETURNED},
        vjp_explanation=_PICKED,
    ),
    Rowwise(
        "sort",
        "input, dim=-1, descending=False, stable=False",
        sorts=True,
        gradient={"input": _RETURNED},
        vjp_explanation=_PICKED,
    ),
    Rowwise("argsort", "input, dim=-1, descending=False, stable=False", sorts=True),
    Cumulative(
        "cumsum", "input, dim, *, dtype=None", gradient={"input": "{d}.flip({dim}).cumsum({dim}).flip({dim})"}
    ),
    Cumulative(
        "cumprod", "input, dim, *, dtype=None", phrase="product of {cells}", multiplications_per_cell=1
    ),
    *(
        Cumulative(
            f"cum{name}",
            "input, dim, *, out=None",
            phrase=f"{name}({{cells}})",
            later_phrase=f"position of {name}({{cells}})",
        )
        for name in ("max", "min")
    ),
    Cumulative("logcumsumexp", "input, dim, *, out=None", phrase="ln Σ exp of {cells}"),
    Rowwise(
        "msort",
        "input, *, out=None",
        sorts=True,
        canonical_arguments=lambda arguments: arguments | {"dim": 0, "descending": False},
    ),
)
