"""Contractions: sums of products along the axes that are missing from the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from string import ascii_letters
from typing import Any, cast

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Shape
from llm_linalg.base.cells import Index
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.einsum_specs import (
    added_axes,
    einsum_axes,
    inner_axes,
    linear_axes,
    matmul_axes,
    tensordot_axes,
    vecdot_axes,
    vector_axes,
)
from llm_linalg.ops.operation import Call, Operation, Price, literal
from llm_linalg.ops.reads import AxesReads, Reads, reads_nothing
from llm_linalg.ops.terms import Term, Terms

Spec = Callable[[Call], Axes]


@dataclass(frozen=True, eq=False)
class Contraction(Operation):
    """A sum of products, to which a bias may be added."""

    spec: Spec = field(kw_only=True)  # the axes spec of a call
    bias_parameter: str = ""  # the parameter that is added, not multiplied
    scaled: Operation | None = None  # the same with factors before the product and what is added to it
    conjugated: str = ""  # the parameter of whose complex numbers the conjugates are multiplied
    kind: str = "contraction"

    def axes(self, call: Call) -> Axes:
        return self.spec(call)

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        plain = arguments.get("beta", 1) == arguments.get("alpha", 1) == 1
        return self if plain or self.scaled is None else self.scaled.overload_for(arguments)

    def multiplications(self, call: Call) -> int:
        axes = self.axes(call)
        factors = len(axes.operands) - (self.bias_position(call) is not None)
        return (factors - 1) * prod(axes.sizes.values())

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        """Return what a product takes; a batched one copies operands that are broadcast."""
        axes = self.axes(call)
        batch = {label for label in axes.output if label.startswith("b")}
        whole = [{*labels, *(batch if batch & {*labels} else ())} for labels in (axes.output, *axes.operands)]
        cells = [prod(axes.sizes[label] for label in labels) for labels in whole]
        return Price(max(*cells, *map(prod, call.shapes)), prod(axes.sizes.values()))

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        """Return the reads by the axes spec; a sum of no terms reads nothing but its bias."""
        reads, beside = super().operand_reads(call), self.bias_position(call)
        if self.axes(call).terms:
            return reads
        nothing = [reads_nothing(call.shape, shape) for shape in call.shapes]
        return tuple(own if place == beside else nothing[place] for place, own in enumerate(reads))

    def terms(self, call: Call, index: Index) -> Terms:
        axes = self.axes(call)
        beside = self.bias_position(call)
        factors = tuple(
            operand_factors(axes, operand, self.factor(call, operand), index)
            for operand in range(len(call.tensors))
            if operand != beside
        )
        if beside is None:
            return Terms(factors)
        (cell,) = AxesReads(axes, beside).reads(index)
        value = call.tensors[beside][cell].item()
        return Terms(factors, (Term((value,), value),))

    def factor(self, call: Call, place: int) -> Tensor:
        own = call.tensors[place]
        return own.conj() if own.is_complex() and place == call.place(self.conjugated) else own

    def term_count(self, call: Call) -> int:
        return self.axes(call).terms + (self.bias_position(call) is not None)

    def bias_position(self, call: Call) -> int | None:
        return call.place(self.bias_parameter)


def operand_factors(axes: Axes, operand: int, tensor: Tensor, index: Index) -> Tensor:
    """Return the factor of an operand in each term of a cell: 1-D, over the reduced labels, row-major."""
    at = dict(zip(axes.output, index, strict=True))
    labels = axes.operands[operand]
    picks = [
        (at[label] if size > 1 else 0) if label in at else slice(None)
        for label, size in zip(labels, axes.shapes[operand], strict=True)
    ]
    values = widen(tensor.detach()[tuple(picks)])
    own = [label for label in labels if label not in at]
    letters = dict(zip(axes.reduction_labels, ascii_letters, strict=False))
    kept = [label for label in axes.reduction_labels if label in own]
    # A letter that stands twice, as in ``ii``, is the diagonal.
    spec = ["".join(letters[label] for label in side) for side in (own, kept)]
    values = torch.einsum("->".join(spec), values)
    for axis, label in enumerate(axes.reduction_labels):
        if label not in own:
            values = values.unsqueeze(axis)
    return values.expand([axes.sizes[label] for label in axes.reduction_labels]).reshape(-1)


def widen(values: Tensor) -> Tensor:
    """Return values in a wide dtype: float64, int64 or complex128."""
    if values.dtype.is_complex:
        return values.to(torch.complex128)
    return values.to(torch.float64 if values.dtype.is_floating_point else torch.int64)


def matmul_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a matrix product, in the form that is usual for its ranks."""
    left, right = (len(shape) for shape in call.shapes)
    match left, right:
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


def linear_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a linear layer: dx = dy W, dW = dyᵀ x, db = Σ rows of dy."""
    if len(call.shapes[1]) == 1:
        return {}
    match len(call.shapes[0]):
        case 1:
            weight = "torch.outer({d}, {input})"
        case 2:
            weight = "{d}.T @ {input}"
        case _:
            weight = "{d}.flatten(0, -2).T @ {input}.flatten(0, -2)"
    return {"input": "{d} @ {weight}", "weight": weight, "bias": "{d}"}


def einsum_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of an einsum: an einsum with the cotangent in the place of an operand."""
    equation = str(call["equation"]).replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    specs = inputs.split(",")
    letters = inputs.replace(",", "") + output
    if (
        not arrow
        or not (letters.isalpha() or not letters)
        or any(len(set(spec)) < len(spec) for spec in specs)
    ):
        return {}
    cotangents = {}
    for position, spec in enumerate(specs):
        others = [(output, "{d}"), *((s, f"{{operands_{p}}}") for p, s in enumerate(specs) if p != position)]
        if set(spec) - set("".join(s for s, _ in others)):
            return {}
        names = ", ".join(name for _, name in others)
        cotangents[f"operands_{position}"] = (
            f"torch.einsum('{','.join(s for s, _ in others)}->{spec}', {names})"
        )
    return cotangents


def _einsum_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of an einsum with a name for each operand."""
    if not isinstance(arguments["equation"], str):
        raise TypeError("an einsum of operands and lists of axes is another call")
    operands = cast("tuple[object, ...]", arguments.pop("operands"))
    return arguments | {f"operands_{p}": value for p, value in enumerate(operands)}


def _added(name: str, first: str, second: str, product: str = "{} @ {}", **gradient: str) -> Contraction:
    signature = f"input, {first}, {second}, *, beta=1, alpha=1, out=None"

    def write_program(call: Call) -> str:
        lines, sides = [f"product = {product.format(first, second)}"], {"input": "beta", "product": "alpha"}
        if call["beta"] == 0:  # then `input` is not read: its NaN and infinities don't pass
            del sides["input"]
        for side, factor in sides.items():
            if call[factor] != 1:
                sides[side] = f"scaled_{side}"
                lines.append(f"scaled_{side} = {side} * {literal(call[factor])}")
            else:
                sides[side] = side
        return "\n".join([*lines, f"total = {' + '.join(sides.values())}"] if len(sides) > 1 else lines)

    return Contraction(
        name,
        signature,
        spec=added_axes,
        bias_parameter="input",
        gradient={"input": "{d}", **gradient},
        scaled=Composite(
            name,
            signature,
            write_program=write_program,
            covers=_numbers_scale,
            rule=lambda call: added_axes(call).shape,
            in_float32=True,
        ),
    )


def _numbers_scale(arguments: Mapping[str, Any]) -> bool:
    return all(isinstance(arguments[name], int | float) for name in ("beta", "alpha"))


CONTRACTIONS = (
    Contraction(
        "matmul",
        "input, other",
        operator="@",
        aliases=("mm", "mv", "bmm"),
        spellings=("torch.spmm", "torch.linalg.matmul"),
        reflected=("torch.Tensor.__rmatmul__",),
        spec=matmul_axes,
        vjp_for_call=matmul_vjp,
    ),
    Contraction(
        "dot",
        "input, tensor",
        symbol="·",
        spec=vector_axes,
        gradient={"input": "{d} * {tensor}", "tensor": "{d} * {input}"},
    ),
    Contraction(
        "outer",
        "input, vec2",
        symbol="⊗",
        spellings=("torch.ger", "torch.Tensor.ger"),
        spec=vector_axes,
        gradient={"input": "{d} @ {vec2}", "vec2": "{d}.T @ {input}"},
    ),
    Contraction(
        "linear",
        "input, weight, bias=None",
        symbol="@",
        spec=linear_axes,
        vjp_for_call=linear_vjp,
        bias_parameter="bias",
    ),
    Contraction(
        "einsum",
        "equation, *operands",
        spec=einsum_axes,
        canonical_arguments=_einsum_arguments,
        vjp_for_call=einsum_vjp,
    ),
    _added("addmm", "mat1", "mat2", mat1="{d} @ {mat2}.T", mat2="{mat1}.T @ {d}"),
    _added("addmv", "mat", "vec", mat="torch.outer({d}, {vec})", vec="{mat}.T @ {d}"),
    _added("addr", "vec1", "vec2", "torch.outer({}, {})", vec1="{d} @ {vec2}", vec2="{d}.T @ {vec1}"),
    _added("baddbmm", "batch1", "batch2", batch1="{d} @ {batch2}.mT", batch2="{batch1}.mT @ {d}"),
    _added(
        "addbmm",
        "batch1",
        "batch2",
        "({} @ {}).sum(0)",
        batch1="{d} @ {batch2}.mT",
        batch2="{batch1}.mT @ {d}",
    ),
    Contraction("inner", "input, other, *, out=None", spec=inner_axes),
    Contraction(
        "vdot",
        "input, other, *, out=None",
        spec=vector_axes,
        conjugated="input",
        gradient={"input": "{d} * {other}", "other": "{d} * {input}"},
    ),
    Contraction(
        "vecdot",
        "input, other, *, dim=-1, out=None",
        spellings=("torch.linalg.vecdot",),
        spec=vecdot_axes,
        conjugated="input",
    ),
    Contraction(
        "tensordot", "a, b, dims=2, out=None", spellings=("torch.functional.tensordot",), spec=tensordot_axes
    ),
)
