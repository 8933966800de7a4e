"""Pointwise operations: a cell of the result is computed from the same cell of each operand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, pointwise
from llm_linalg.base.cells import Index
from llm_linalg.ops.fallback import covered
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import AxesReads, Reads, reads_nothing
from llm_linalg.ops.signature import parse_signature
from llm_linalg.ops.terms import Number, Term, Terms

_CONSTANT = re.compile(r"[\dπ]+/[\dπ]+|·i\b")
_NAMED = re.compile(r"\w+\(\{input\}\)")
_ASIDE = {"inplace", "dtype", "out"}  # arguments that no cell depends on
RULE = "from the last axis back, sizes must be equal, or one of them 1"


@dataclass(frozen=True, eq=False)
class Pointwise(Operation):
    """A function of one cell of each operand, broadcast.

    Attributes:
        product: The cell is the product of its operands.
        signs: The cell is the sum of its operands with these signs; empty if it is not a sum.
        flat_at: The infinity (its sign) at which a function of one operand is constant.
        casts: Only the cells of the first operand are read; another provides the dtype.
        phrase_for_call: The phrase of a call, where an argument makes it another; empty for the usual one.
        unmoved_by: Returns the output's cells that an operand can't change, given the cells that masks fixed.
    """

    product: bool = False
    signs: tuple[int, ...] = ()
    flat_at: float | None = None
    casts: bool = False
    phrase_for_call: Callable[[Call], str] | None = None
    unmoved_by: Callable[[Call, int, Sequence[Tensor | None]], Tensor | None] | None = None
    kind: str = "pointwise"
    first_free_number: int = 0

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return covered(self, arguments, parse_signature(self.signature).positional)

    def axes(self, call: Call) -> Axes:
        return pointwise(call.shapes[:1] if self.casts else call.shapes, RULE)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        if not self.casts:
            return super().operand_reads(call)
        return (
            AxesReads(self.axes(call), 0),
            *(reads_nothing(call.shape, shape) for shape in call.shapes[1:]),
        )

    def unmoved_outputs(self, call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
        if self.unmoved_by is not None:
            return self.unmoved_by(call, place, fixed)
        if self.flat_at is not None:
            return call.tensors[place] == self.flat_at
        if not self.signs:
            return None
        others = [tensor for other, tensor in enumerate(call.tensors) if other != place]
        infinite = [torch.isinf(tensor).expand(call.shape) for tensor in others]
        return torch.stack(infinite).any(0) if infinite else None  # ±inf absorbs what is added

    def phrase_for(self, call: Call) -> str:
        """Return the phrase of a call; one that is a name has the arguments that are not the usual ones."""
        own = self.phrase_for_call(call) if self.phrase_for_call else ""
        if own or not _NAMED.fullmatch(self.phrase):
            return own or self.phrase
        usual = parse_signature(self.signature).defaults
        more = [
            name
            for name, value in call.arguments.items()
            if name in usual and name not in _ASIDE and (call.places.get(name) or value != usual[name])
        ]
        return f"{self.phrase[:-1]}{''.join(f', {name}={{{name}}}' for name in more)})"

    def operator_for(self, call: Call) -> str:
        return self.operator if self.phrase_for(call) == self.phrase else ""

    def multiplications(self, call: Call) -> int:
        """Return the multiplications, divisions and squares of the phrase, and those that it doesn't show."""
        shown = re.findall("[·/²]", _CONSTANT.sub("", self.phrase_for(call)))
        return (len(shown) + self.multiplications_per_cell) * prod(call.shape)

    def values(self, call: Call, index: Index) -> dict[str, Any]:
        """Return the arguments for one cell, with its numbers in the place of the tensors."""
        if self.casts:
            return {"input": call.tensors[0][index].item()}
        axes = self.axes(call)
        values: dict[str, Any] = dict(call.arguments)
        for name in call.arguments:
            place = call.place(name)
            if place is not None:
                (cell,) = AxesReads(axes, place).reads(index)
                values[name] = call.tensors[place][cell].item()
        return values

    def terms(self, call: Call, index: Index) -> Terms:
        values = self.values(call, index)
        first: Number = values["input"]
        second: Number = values.get("other", first)
        if self.product:
            return Terms(tail=(Term((first, second), first * second),))
        if self.signs:
            step = values.get("alpha", 1) * self.signs[1]
            other = Term((second,), second) if step == 1 else Term((step, second), step * second)
            return Terms(tail=(Term((first,), first), other))
        factors = tuple(value for value in values.values() if _is_number(value))
        return Terms(tail=(Term(factors, call.result[index].item()),))


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int | complex) and not isinstance(value, Tensor)
