"""Contractions: sums of products along the axes that an axes spec lacks in its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

import torch
from torch import Tensor

from llm_linalg.axes import Axes, Clash, Labels, Shape, aligned
from llm_linalg.cells import Index
from llm_linalg.errors import ClashAxis
from llm_linalg.ops.base import Addend, Addends, Call, Operation
from llm_linalg.ops.registry import short_name
from llm_linalg.relations import AxesRelation, Relation

Spec = Callable[[Call], Axes]
Cotangents = Callable[[Call], Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Contraction(Operation):
    """A sum of products, with an addend (a bias) that may stand beside it.

    Attributes:
        spec: The axes spec of a call.
        addend: The parameter that is added, not multiplied.
        twins: The rule of the backward pass, for a call.
    """

    spec: Spec = field(kw_only=True)
    addend: str = ""
    twins: Cotangents | None = None
    kind: str = "contraction"

    def axes(self, call: Call) -> Axes:
        return self.spec(call)

    def cost(self, call: Call, shape: Shape) -> int:
        return prod(self.axes(call).sizes.values())

    def relations(self, call: Call) -> tuple[Relation, ...]:
        axes = self.axes(call)
        return tuple(AxesRelation(axes, operand) for operand in range(len(call.tensors)))

    def addends(self, call: Call, index: Index) -> Addends:
        axes = self.axes(call)
        beside = self.beside(call)
        factors = tuple(
            along(axes, operand, tensor, index)
            for operand, tensor in enumerate(call.tensors)
            if operand != beside
        )
        if beside is None:
            return Addends(factors)
        value = along(axes, beside, call.tensors[beside], index)[0].item()
        return Addends(factors, (Addend((value,), value),))

    def term_count(self, call: Call) -> int:
        return self.axes(call).terms + (self.beside(call) is not None)

    def beside(self, call: Call) -> int | None:
        return call.place(self.addend) if self.addend else None

    def cotangents(self, call: Call) -> Mapping[str, str]:
        return self.twins(call) if self.twins else self.gradient


def along(axes: Axes, operand: int, tensor: Tensor, index: Index) -> Tensor:
    """Return what an operand gives to each term of a cell: 1-D, over the reduced labels, row-major."""
    at = dict(zip(axes.output, index, strict=True))
    labels = axes.operands[operand]
    picks = [
        (at[label] if size > 1 else 0) if label in at else slice(None)
        for label, size in zip(labels, axes.shapes[operand], strict=True)
    ]
    values = wide(tensor.detach()[tuple(picks)])
    own = [label for label in labels if label not in at]
    for label in dict.fromkeys(own):
        while own.count(label) > 1:  # ``ii`` in an einsum: the diagonal, which torch puts last
            first = own.index(label)
            second = own.index(label, first + 1)
            values = values.diagonal(0, first, second)
            own = [x for place, x in enumerate(own) if place not in (first, second)] + [label]
    order = sorted(range(len(own)), key=lambda axis: axes.reduced.index(own[axis]))
    values = values.permute(order)
    for axis, label in enumerate(axes.reduced):
        if label not in own:
            values = values.unsqueeze(axis)
    return values.expand([axes.sizes[label] for label in axes.reduced]).reshape(-1)


def wide(values: Tensor) -> Tensor:
    """Return values in a type in which products are exact: float64, int64 or complex128."""
    if values.dtype.is_complex:
        return values.to(torch.complex128)
    return values.to(torch.float64 if values.dtype.is_floating_point else torch.int64)


_INNER = "the last axis of the first must be as long as the axis of the second that it is multiplied with"
_RANKS = {
    "mm": (2, 2),
    "spmm": (2, 2),
    "mv": (2, 1),
    "bmm": (3, 3),
    "dot": (1, 1),
    "outer": (1, 1),
    "ger": (1, 1),
}


def check_ranks(call: Call) -> None:
    """Raise `Clash` where the spelling asks for operands of certain ranks."""
    name = short_name(call.function)
    wanted = _RANKS.get(name)
    found = tuple(len(shape) for shape in call.shapes[:2])
    if wanted and found != wanted:
        raise Clash(
            f"{name} takes a {wanted[0]}-D and a {wanted[1]}-D tensor, not {found[0]}-D and {found[1]}-D"
        )


def matmul_axes(call: Call) -> Axes:
    """Return the spec of a product: dot, matrix-vector, vector-matrix, matrix-matrix, batched."""
    check_ranks(call)
    left, right = (len(shape) for shape in call.shapes)
    if not left or not right:
        raise Clash("a matrix product needs at least one axis on both sides; a 0-d tensor is a scalar")
    total = max(left, right) - 2
    rows: Labels = ("i",) if left > 1 else ()
    columns: Labels = ("j",) if right > 1 else ()
    first = (*aligned(max(left - 2, 0), total, "b"), *rows, "k")
    second = (*aligned(max(right - 2, 0), total, "b"), "k", *columns)
    batch = aligned(max(total, 0), max(total, 0), "b")
    strict = ["k", *batch] if short_name(call.function) == "bmm" else ["k"]
    return Axes.solve((*batch, *rows, *columns), (first, second), call.shapes, strict, _INNER)


def dot_axes(call: Call) -> Axes:
    """Return the spec of ``torch.dot``."""
    check_ranks(call)
    rule = "a dot product needs two vectors of the same length"
    return Axes.solve((), (("k",), ("k",)), call.shapes, "k", rule)


def outer_axes(call: Call) -> Axes:
    """Return the spec of ``torch.outer``."""
    check_ranks(call)
    return Axes.solve(("i", "j"), (("i",), ("j",)), call.shapes)


def linear_axes(call: Call) -> Axes:
    """Return the spec of ``F.linear``: y = x Wᵀ + b, the weight stored (out, in)."""
    shapes = call.shapes
    if not shapes[0] or not 1 <= len(shapes[1]) <= 2:
        raise Clash("a linear layer takes an input with at least one axis and a weight (out, in)")
    batch = tuple(f"b{axis}" for axis in range(len(shapes[0]) - 2))
    rows: Labels = ("i",) if len(shapes[0]) > 1 else ()
    out: Labels = ("j",) if len(shapes[1]) == 2 else ()
    operands: list[Labels] = [(*batch, *rows, "k"), (*out, "k")]
    if len(shapes) > 2:
        if len(shapes[2]) > len(out):
            raise Clash("the bias has one entry for each output feature")
        operands.append(out[-len(shapes[2]) :] if shapes[2] else ())
    rule = "the last axis of the input must be as long as the weight's in_features, its last axis"
    if len(shapes) > 2 and shapes[2] and shapes[2][0] not in (1, shapes[1][0]):
        why = "the bias has one entry for each output feature, a row of the weight"
        raise Clash(why, ClashAxis(1, 0, shapes[1][0]), ClashAxis(2, 0, shapes[2][0]))
    return Axes.solve((*batch, *rows, *out), operands, shapes, "k", rule)


def einsum_axes(call: Call) -> Axes:
    """Return the spec that an einsum equation writes out."""
    equation = str(call["equation"]).replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    specs = inputs.split(",")
    if len(specs) != len(call.tensors):
        raise Clash(f"the equation has {len(specs)} operands, the call {len(call.tensors)}")
    dots = max(
        (
            len(shape) - len(spec.replace("...", ""))
            for spec, shape in zip(specs, call.shapes, strict=True)
            if "..." in spec
        ),
        default=0,
    )
    operands = []
    for position, (spec, shape) in enumerate(zip(specs, call.shapes, strict=True)):
        labels = _einsum_labels(spec, len(shape) - len(spec.replace("...", "")), dots)
        if len(labels) != len(shape):
            raise Clash(
                f"operand {position + 1} has {len(shape)} axes, the equation gives it {len(labels)}: {spec}"
            )
        operands.append(labels)
    if arrow:
        result = _einsum_labels(output, dots, dots)
    else:
        every = [label for labels in operands for label in labels]
        once = sorted(label for label in set(every) if every.count(label) == 1 and not label.startswith("."))
        result = (*(f".{d}" for d in range(dots)), *once)
    missing = set(result) - {label for labels in operands for label in labels}
    if missing or len(set(result)) < len(result):
        raise Clash("each letter of the result stands there once, and in some operand")
    rule = "axes with the same letter must have the same size"
    return Axes.solve(result, operands, call.shapes, rule=rule)


def _einsum_labels(spec: str, own: int, total: int) -> Labels:
    before, dots, after = spec.partition("...")
    middle = tuple(f".{axis}" for axis in range(total - max(own, 0), total)) if dots else ()
    return (*before, *middle, *after)


def matmul_twins(call: Call) -> Mapping[str, str]:
    """Return the backward pass of a product, as it is written for its ranks."""
    left, right = (len(shape) for shape in call.shapes)
    match min(left, 3), min(right, 3):
        case 1, 1:
            return {"input": "{d} * {other}", "other": "{d} * {input}"}
        case 2, 1:
            return {"input": "torch.outer({d}, {other})", "other": "{input}.T @ {d}"}
        case 1, 2:
            return {"input": "{other} @ {d}", "other": "torch.outer({input}, {d})"}
        case 2, 2:
            return {"input": "{d} @ {other}.T", "other": "{input}.T @ {d}"}
        case _, 1:
            return {"input": "{d}.unsqueeze(-1) * {other}", "other": "{d}.unsqueeze(-1) * {input}"}
        case 1, _:
            return {
                "input": "({other} @ {d}.unsqueeze(-1)).squeeze(-1)",
                "other": "{input}.unsqueeze(-1) * {d}.unsqueeze(-2)",
            }
    return {"input": "{d} @ {other}.mT", "other": "{input}.mT @ {d}"}


def linear_twins(call: Call) -> Mapping[str, str]:
    """Return the backward pass of a linear layer: dx = dy W, dW = dyᵀ x, db = Σ rows of dy."""
    if len(call.shapes[1]) == 1:
        return {
            "input": "{d}.unsqueeze(-1) * {weight}",
            "weight": "{d}.unsqueeze(-1) * {input}",
            "bias": "{d}",
        }
    match len(call.shapes[0]):
        case 1:
            weight = "torch.outer({d}, {input})"
        case 2:
            weight = "{d}.T @ {input}"
        case _:
            weight = "{d}.flatten(0, -2).T @ {input}.flatten(0, -2)"
    return {"input": "{d} @ {weight}", "weight": weight, "bias": "{d}"}


def einsum_twins(call: Call) -> Mapping[str, str]:
    """Return the backward pass of an einsum: the same product with the result in an operand's place."""
    equation = str(call["equation"]).replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    specs = inputs.split(",")
    if not arrow or "." in equation or any(len(set(spec)) < len(spec) for spec in specs):
        return {}
    twins = {}
    for position, spec in enumerate(specs):
        others = [(output, "{d}"), *((s, f"{{operands_{p}}}") for p, s in enumerate(specs) if p != position)]
        if set(spec) - set("".join(s for s, _ in others)):
            return {}
        names = ", ".join(name for _, name in others)
        twins[f"operands_{position}"] = f"torch.einsum('{','.join(s for s, _ in others)}->{spec}', {names})"
    return twins


@dataclass(frozen=True, eq=False)
class Einsum(Contraction):
    """An einsum, whose operands may come as one list."""

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], swap: bool = False) -> dict[str, Any]:
        arguments = super().bind(args, kwargs, swap)
        operands = cast("tuple[object, ...]", arguments.pop("operands"))
        return arguments | {f"operands_{p}": value for p, value in enumerate(operands)}


CONTRACTIONS = (
    Contraction(
        "matmul",
        "input, other",
        spellings=(
            "torch.mm",
            "torch.spmm",
            "torch.mv",
            "torch.bmm",
            "torch.Tensor.mm",
            "torch.Tensor.mv",
            "torch.Tensor.bmm",
        ),
        reversed=("torch.Tensor.__rmatmul__",),
        spec=matmul_axes,
        twins=matmul_twins,
    ),
    Contraction(
        "dot", "input, tensor", spec=dot_axes, gradient={"input": "{d} * {tensor}", "tensor": "{d} * {input}"}
    ),
    Contraction(
        "outer",
        "input, vec2",
        spellings=("torch.ger", "torch.Tensor.ger"),
        spec=outer_axes,
        gradient={"input": "{d} @ {vec2}", "vec2": "{d}.T @ {input}"},
    ),
    Contraction("linear", "input, weight, bias=None", spec=linear_axes, twins=linear_twins, addend="bias"),
    Einsum("einsum", "equation, *operands", spec=einsum_axes, twins=einsum_twins),
)
