"""Elementwise operations: a cell of the result is made from the same cell of each operand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Axes, pointwise
from llm_linalg.cells import Index
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.terms import CellTerm, CellTerms, Number
from llm_linalg.relations import AxesReads, IndexReads, Reads

RULE = "elementwise shapes must match from the right, or be 1 where they don't"


@dataclass(frozen=True, eq=False)
class Pointwise(Operation):
    """A function of one cell of each operand, broadcast.

    Attributes:
        product: The cell is the product of its operands.
        signs: The cell is the sum of its operands with these signs; empty when it is no sum.
        flat_at: The infinity at which the function of one operand does not move any more.
    """

    product: bool = False
    signs: tuple[int, ...] = ()
    flat_at: float | None = None
    kind: str = "pointwise"
    first_free_number: int = 0

    def depends_on_shapes_only(self, call: Call) -> bool:
        return True

    def axes(self, call: Call) -> Axes:
        return pointwise(call.shapes, RULE)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        axes = self.axes(call)
        return tuple(AxesReads(axes, operand) for operand in range(len(call.tensors)))

    def unmoved_outputs(self, call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
        if self.flat_at is not None:
            return call.tensors[place] == self.flat_at
        if not self.signs:
            return None
        others = [tensor for other, tensor in enumerate(call.tensors) if other != place]
        infinite = [torch.isinf(tensor).expand(call.shape) for tensor in others]
        return torch.stack(infinite).any(0) if infinite else None  # ±inf absorbs what is added

    def values(self, call: Call, index: Index) -> dict[str, Any]:
        """Return the arguments of one cell: numbers in the place of tensors."""
        axes = self.axes(call)
        values: dict[str, Any] = dict(call.arguments)
        for name in call.arguments:
            place = call.place(name)
            if place is not None:
                (cell,) = AxesReads(axes, place).reads(index)
                values[name] = call.tensors[place][cell].item()
        return values

    def terms(self, call: Call, index: Index) -> CellTerms:
        values = self.values(call, index)
        first: Number = values["input"]
        second: Number = values.get("other", first)
        if self.product:
            return CellTerms(tail=(CellTerm((first, second), first * second),))
        if self.signs:
            step = values.get("alpha", 1) * self.signs[1]
            other = CellTerm((second,), second) if step == 1 else CellTerm((step, second), step * second)
            return CellTerms(tail=(CellTerm((first,), first), other))
        factors = tuple(value for value in values.values() if _is_number(value))
        return CellTerms(tail=(CellTerm(factors, call.result[index].item()),))


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

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        nothing = torch.zeros(call.shape, dtype=torch.int32)
        lenders = (IndexReads(nothing, shape) for shape in call.shapes[1:])
        return (AxesReads(self.axes(call), 0), *lenders)

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

    def unmoved_outputs(self, call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
        above = call.place("input")
        made = None if above is None or place == above else fixed[above]
        if above is None or made is None:
            return None
        return (made & (call.tensors[above] == 0)).expand(call.shape)  # a 0 that a mask made stays 0


@dataclass(frozen=True, eq=False)
class Gelu(Pointwise):
    """gelu; its approximation by tanh has another slope, which autograd is asked for."""

    def cotangents(self, call: Call) -> Mapping[str, str]:
        return self.gradient if call["approximate"] == "none" else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int | complex) and not isinstance(value, Tensor)
