"""Elementwise operations: a cell of the result is made from the same cell of each operand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Axes, pointwise
from llm_linalg.cells import Index
from llm_linalg.ops.addends import Addend, Addends, Number
from llm_linalg.ops.base import Operation
from llm_linalg.ops.call import Call
from llm_linalg.relations import AxesRelation, IndexRelation, Relation

RULE = "elementwise shapes must match from the right, or be 1 where they don't"


@dataclass(frozen=True, eq=False)
class Pointwise(Operation):
    """A function of one cell of each operand, broadcast.

    Attributes:
        product: The cell is the product of its operands.
        signs: The cell is the sum of its operands with these signs; empty when it is no sum.
    """

    product: bool = False
    signs: tuple[int, ...] = ()
    kind: str = "pointwise"

    def axes(self, call: Call) -> Axes:
        return pointwise(call.shapes, RULE)

    def relations(self, call: Call) -> tuple[Relation, ...]:
        axes = self.axes(call)
        return tuple(AxesRelation(axes, operand) for operand in range(len(call.tensors)))

    def values(self, call: Call, index: Index) -> dict[str, Any]:
        """Return the arguments of one cell: numbers in the place of tensors."""
        axes = self.axes(call)
        values: dict[str, Any] = dict(call.arguments)
        for name in call.arguments:
            place = call.place(name)
            if place is not None:
                (cell,) = AxesRelation(axes, place).reads(index)
                values[name] = call.tensors[place][cell].item()
        return values

    def addends(self, call: Call, index: Index) -> Addends:
        values = self.values(call, index)
        first: Number = values["input"]
        second: Number = values.get("other", first)
        if self.product:
            return Addends(tail=(Addend((first, second), first * second),))
        if self.signs:
            step = values.get("alpha", 1) * self.signs[1]
            other = Addend((second,), second) if step == 1 else Addend((step, second), step * second)
            return Addends(tail=(Addend((first,), first), other))
        factors = tuple(value for value in values.values() if _is_number(value))
        return Addends(tail=(Addend(factors, call.result[index].item()),))


@dataclass(frozen=True, eq=False)
class Power(Pointwise):
    """A power; with a plain exponent its backward step is written as one writes it by hand."""

    def cotangents(self, call: Call) -> Mapping[str, str]:
        base, exponent = call["input"], call["exponent"]
        if call.place("input") is None:
            return {"exponent": "{d} * {out} * math.log({input})"} if base > 0 else {}
        if call.place("exponent") is not None:
            return self.gradient if bool((base > 0).all()) else {}
        if exponent == 0:
            return {"input": "torch.zeros_like({d})"}
        if exponent == 2:
            return {"input": "{d} * 2 * {input}"}
        return {"input": f"{{d}} * {exponent!r} * {{input}} ** {exponent - 1!r}"}


@dataclass(frozen=True, eq=False)
class Cast(Pointwise):
    """The same numbers in another type; a tensor that only lends its type is not read."""

    def axes(self, call: Call) -> Axes:
        return pointwise(call.shapes[:1])

    def relations(self, call: Call) -> tuple[Relation, ...]:
        nothing = torch.zeros(call.shape, dtype=torch.int32)
        lenders = (IndexRelation(nothing, shape) for shape in call.shapes[1:])
        return (AxesRelation(self.axes(call), 0), *lenders)

    def values(self, call: Call, index: Index) -> dict[str, Any]:
        return {"input": call.tensors[0][index].item()}

    def cotangents(self, call: Call) -> Mapping[str, str]:
        lenders = {name: "" for name, places in call.places.items() if places and places[0]}
        slope = "{d}.type_as({input})" if call.result.is_floating_point() else ""
        return {**lenders, "input": slope}


@dataclass(frozen=True, eq=False)
class Division(Pointwise):
    """A quotient; one that is rounded changes in steps, and has no slope."""

    def cotangents(self, call: Call) -> Mapping[str, str]:
        if call["rounding_mode"] is not None:
            return dict.fromkeys(self.gradient, "torch.zeros_like({d})")
        return self.gradient


@dataclass(frozen=True, eq=False)
class Gelu(Pointwise):
    """gelu; its approximation by tanh has another slope, which autograd is asked for."""

    def cotangents(self, call: Call) -> Mapping[str, str]:
        return self.gradient if call["approximate"] == "none" else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int | complex) and not isinstance(value, Tensor)


def _unary(name: str, phrase: str, gradient: str, **more: Any) -> Pointwise:
    twins = {"input": gradient} if gradient else {}
    return Pointwise(name, "input", phrase=phrase, gradient=twins, **more)


def _compare(name: str, sign: str) -> Pointwise:
    return Pointwise(name, "input, other", phrase=f"{{input}} {sign} {{other}}")


_GELU = (
    "0.5 * (1 + torch.erf({input} / 2**0.5)) + {input} * torch.exp(-({input} ** 2) / 2) / (2 * torch.pi)**0.5"
)
_SIGMOID = "torch.sigmoid({input})"

POINTWISE: tuple[Operation, ...] = (
    Pointwise(
        "add",
        "input, other, alpha=1",
        spellings=("torch.Tensor.__add__", "torch.Tensor.__radd__"),
        phrase="{input} + {other}",
        gradient={"input": "{d}", "other": "{alpha}{d}"},
        signs=(1, 1),
    ),
    Pointwise(
        "sub",
        "input, other, alpha=1",
        spellings=("torch.subtract", "torch.Tensor.subtract", "torch.Tensor.__sub__"),
        reversed=("torch.Tensor.__rsub__", "torch.rsub"),
        phrase="{input} - {other}",
        gradient={"input": "{d}", "other": "-{alpha}{d}"},
        signs=(1, -1),
    ),
    Pointwise(
        "mul",
        "input, other",
        spellings=(
            "torch.multiply",
            "torch.Tensor.multiply",
            "torch.Tensor.__mul__",
            "torch.Tensor.__rmul__",
        ),
        phrase="{input}·{other}",
        gradient={"input": "{d} * {other}", "other": "{d} * {input}"},
        product=True,
    ),
    Division(
        "div",
        "input, other, *, rounding_mode=None",
        spellings=(
            "torch.divide",
            "torch.true_divide",
            "torch.Tensor.divide",
            "torch.Tensor.__truediv__",
            "torch.Tensor.__itruediv__",
        ),
        reversed=("torch.Tensor.__rtruediv__", "torch.Tensor.__rdiv__"),
        phrase="{input} / {other}",
        gradient={"input": "{d} / {other}", "other": "-{d} * {input} / {other} ** 2"},
    ),
    Pointwise(
        "floor_divide",
        "input, other",
        spellings=("torch.Tensor.__floordiv__", "torch.Tensor.__ifloordiv__"),
        reversed=("torch.Tensor.__rfloordiv__",),
        phrase="⌊{input} / {other}⌋",
        gradient={"input": "", "other": ""},
    ),
    Pointwise(
        "remainder",
        "input, other",
        spellings=("torch.Tensor.__mod__", "torch.Tensor.__imod__"),
        phrase="{input} mod {other}",
    ),
    Power(
        "pow",
        "input, exponent",
        spellings=("torch.Tensor.__pow__",),
        reversed=("torch.Tensor.__rpow__",),
        phrase="{input}^{exponent}",
        gradient={
            "input": "{d} * {exponent} * {input} ** ({exponent} - 1)",
            "exponent": "{d} * {out} * torch.log({input})",
        },
    ),
    Pointwise(
        "maximum",
        "input, other",
        phrase="max({input}, {other})",
    ),
    Pointwise("minimum", "input, other", phrase="min({input}, {other})"),
    _unary("neg", "-{input}", "-{d}", spellings=("torch.negative", "torch.Tensor.__neg__")),
    _unary("abs", "|{input}|", "{d} * torch.sign({input})", spellings=("torch.absolute",)),
    _unary("sign", "sign({input})", "torch.zeros_like({d})"),
    _unary("exp", "exp({input})", "{d} * {out}"),
    _unary("log", "ln({input})", "{d} / {input}"),
    _unary("sqrt", "√{input}", "{d} / (2 * {out})"),
    _unary("rsqrt", "1/√{input}", "-0.5 * {d} * {out} ** 3"),
    _unary("square", "{input}²", "{d} * 2 * {input}"),
    _unary("reciprocal", "1 / {input}", "-{d} * {out} ** 2"),
    _unary("sin", "sin({input})", "{d} * torch.cos({input})"),
    _unary("cos", "cos({input})", "-{d} * torch.sin({input})"),
    _unary("erf", "erf({input})", "{d} * 2 / torch.pi**0.5 * torch.exp(-({input} ** 2))"),
    _unary("tanh", "tanh({input})", "{d} * (1 - {out} ** 2)"),
    _unary("sigmoid", "σ({input})", "{d} * {out} * (1 - {out})"),
    _unary("floor", "⌊{input}⌋", ""),
    _unary("ceil", "⌈{input}⌉", ""),
    _unary("round", "round({input})", ""),
    _unary("logical_not", "not {input}", "", spellings=("torch.bitwise_not", "torch.Tensor.__invert__")),
    _unary("isnan", "{input} is nan", ""),
    _unary("isinf", "{input} is ±inf", ""),
    _unary("isfinite", "{input} is finite", ""),
    Pointwise(
        "relu",
        "input, inplace=False",
        phrase="max(0, {input})",
        gradient={"input": "{d} * ({input} > 0)"},
    ),
    Gelu(
        "gelu",
        "input, approximate='none'",
        phrase="gelu({input})",
        gradient={"input": f"{{d}} * ({_GELU})"},
    ),
    Pointwise(
        "silu",
        "input, inplace=False",
        phrase="{input}·σ({input})",
        gradient={"input": f"{{d}} * {_SIGMOID} * (1 + {{input}} * (1 - {_SIGMOID}))"},
    ),
    Pointwise(
        "clamp",
        "input, min=None, max=None",
        spellings=("torch.clip", "torch.Tensor.clip"),
        phrase="clamp({input})",
    ),
    _compare("lt", "<"),
    _compare("le", "≤"),
    _compare("gt", ">"),
    _compare("ge", "≥"),
    _compare("eq", "="),
    _compare("ne", "≠"),
    Pointwise(
        "logical_and",
        "input, other",
        spellings=("torch.bitwise_and", "torch.Tensor.__and__"),
        phrase="{input} and {other}",
    ),
    Pointwise(
        "logical_or",
        "input, other",
        spellings=("torch.bitwise_or", "torch.Tensor.__or__"),
        phrase="{input} or {other}",
    ),
    *(
        Cast(name, "input, memory_format=None", phrase="{input}")
        for name in ("float", "double", "half", "bfloat16", "int", "long", "bool")
    ),
    Cast("to", "input, kind=None, more=None, *, dtype=None, device=None, copy=False", phrase="{input}"),
    Cast("type_as", "input, other", phrase="{input}"),
    *(
        _unary(name, f"{name}({{input}})", "")
        for name in ("log1p", "expm1", "log2", "log10", "exp2", "trunc")
    ),
    Pointwise("leaky_relu", "input, negative_slope=0.01, inplace=False", phrase="leaky_relu({input})"),
    Pointwise("elu", "input, alpha=1.0, inplace=False", phrase="elu({input})"),
    Pointwise("softplus", "input, beta=1, threshold=20", phrase="softplus({input})"),
    Pointwise("isclose", "input, other, rtol=1e-05, atol=1e-08, equal_nan=False", phrase="{input} ≈ {other}"),
)
