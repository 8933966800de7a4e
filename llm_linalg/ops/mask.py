"""Masks: pointwise under a predicate. A masked cell reads nothing, and says which rule masked it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from llm_linalg.axes import Axes, ShapeMismatch, pointwise
from llm_linalg.cells import Index
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.relations import AxesReads, MaskedReads, Reads


@dataclass(frozen=True, eq=False)
class Mask(Operation):
    """An operation that passes some cells on and fixes the others."""

    kind: str = "mask"
    mask_parameters: tuple[str, ...] = ("mask", "condition")
    first_free_number: int = 0

    def depends_on_shapes_only(self, call: Call) -> bool:
        return True

    def axes(self, call: Call) -> Axes:
        return pointwise(
            call.shapes, "the mask must match the tensor from the right, or be 1 where it doesn't"
        )

    def masked_cells(self, call: Call) -> Tensor:
        """Return the cells (bool, the output's shape) that the mask fixes."""
        raise NotImplementedError

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        axes, hidden = self.axes(call), self.masked_cells(call)
        return tuple(MaskedReads(AxesReads(axes, p), hidden) for p in range(len(call.tensors)))

    def mask_rule(self, call: Call, index: Index) -> str | None:
        return self.rule_text(call, index) if bool(self.masked_cells(call)[index]) else None

    def pass_rule(self, call: Call, index: Index) -> str:
        """Return the predicate at a cell that passes, with its numbers; "" if it is a tensor that is seen."""
        return ""

    def rule_text(self, call: Call, index: Index) -> str:
        """Return the predicate at a cell, with its numbers."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Triangle(Mask):
    """triu and tril: a cell stays where ``j ≥ i + k``, or where ``j ≤ i + k``."""

    upper: bool = True

    def axes(self, call: Call) -> Axes:
        if len(call.shapes[0]) < 2:
            raise ShapeMismatch(f"{self.name} takes a matrix: a tensor with at least two axes")
        return super().axes(call)

    def masked_cells(self, call: Call) -> Tensor:
        shape = call.shapes[0]
        cells = torch.ones(shape[-2:], dtype=torch.bool)
        kept = cells.triu(call["diagonal"]) if self.upper else cells.tril(call["diagonal"])
        return (~kept).expand(shape)

    def mask_rule(self, call: Call, index: Index) -> str | None:
        return None if self._kept(call, index) else self.rule_text(call, index)

    def pass_rule(self, call: Call, index: Index) -> str:
        return self.rule_text(call, index) if self._kept(call, index) else ""

    def _kept(self, call: Call, index: Index) -> bool:
        i, j = index[-2:]
        return bool(j >= i + call["diagonal"] if self.upper else j <= i + call["diagonal"])

    def rule_text(self, call: Call, index: Index) -> str:
        sign, k = ("≥" if self.upper else "≤"), int(call["diagonal"])
        shift = f"- {-k}" if k < 0 else f"+ {k}"
        holds = "true" if self._kept(call, index) else "false"
        return f"j {sign} i {shift}: {index[-1]} {sign} {index[-2]} {shift} is {holds}"


@dataclass(frozen=True, eq=False)
class Fill(Mask):
    """masked_fill: where the mask is true, the value stands; the rest passes."""

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        axes, hidden, value = self.axes(call), self.masked_cells(call), call.place("value")
        return tuple(
            MaskedReads(AxesReads(axes, place), ~hidden if place == value else hidden)
            for place in range(len(call.tensors))
        )

    def masked_cells(self, call: Call) -> Tensor:
        return call.tensor("mask").expand(call.shape)

    def rule_text(self, call: Call, index: Index) -> str:
        return f"the mask is True at {index}: filled with {_plain(call['value'])}"


@dataclass(frozen=True, eq=False)
class Where(Mask):
    """where: a cell of ``input`` where the condition holds, else of ``other``."""

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        axes = self.axes(call)
        condition = call.tensor("condition").bool().expand(call.shape)
        hidden = {"condition": self.masked_cells(call), "input": ~condition, "other": condition}
        places = {call.place(name): name for name in hidden}
        return tuple(
            MaskedReads(AxesReads(axes, place), hidden[places[place]]) for place in range(len(call.tensors))
        )

    def masked_cells(self, call: Call) -> Tensor:
        condition = call.tensor("condition").bool().expand(call.shape)
        hidden = torch.zeros(call.shape, dtype=torch.bool)
        if call.place("input") is None:
            hidden = hidden | condition
        if call.place("other") is None:
            hidden = hidden | ~condition
        return hidden

    def rule_text(self, call: Call, index: Index) -> str:
        holds = bool(call.tensor("condition").bool().expand(call.shape)[index])
        value = call["input"] if holds else call["other"]
        return f"the condition is {holds} at {index}: {_plain(value)} stands here"


def _plain(value: object) -> str:
    if isinstance(value, Tensor):
        value = value.item()
    return f"{value:g}" if isinstance(value, float) else str(value)


MASKS: tuple[Operation, ...] = (
    Triangle(
        "triu",
        "input, diagonal=0, *, out=None",
        in_language="torch Tensor",
        gradient={"input": "torch.triu({d}, {diagonal})"},
        upper=True,
    ),
    Triangle(
        "tril",
        "input, diagonal=0, *, out=None",
        in_language="torch Tensor",
        gradient={"input": "torch.tril({d}, {diagonal})"},
        upper=False,
    ),
    Fill(
        "masked_fill",
        "input, mask, value",
        in_language="torch Tensor",
        gradient={"input": "{d}.masked_fill({mask}, 0)", "value": "torch.where({mask}, {d}, 0)"},
    ),
    Where(
        "where",
        "condition, input, other",
        in_language="torch Tensor",
        reflected=("torch.Tensor.where",),
        gradient={"input": "torch.where({condition}, {d}, 0)", "other": "torch.where({condition}, 0, {d})"},
    ),
)
