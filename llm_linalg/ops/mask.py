"""Masks: pointwise operations under a predicate. A masked cell reads nothing and names its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import ge, le

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, ShapeMismatch, pointwise
from llm_linalg.base.cells import Index
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import AxesReads, MaskedReads, Reads
from llm_linalg.ops.searches import PLACES

MASK_PARAMETERS = ("mask", "condition")
"""The parameters that only decide which cells pass."""


@dataclass(frozen=True, eq=False)
class Mask(Operation):
    """An operation that passes some cells and sets the others to a constant.

    Attributes:
        mask_of: Returns the masked cells (bool, the output's shape) of a call.
        predicate: The predicate at a cell, with its numbers.
        parameter_masks: For some parameters, the cells (bool) that don't read them.
        passes: Whether a cell passes, if that can be computed without the whole mask.
        fill: Returns the number that masked cells become, if it is one number.
        matrix: The operand must have at least two axes.
    """

    mask_of: Callable[[Call], Tensor] = field(kw_only=True)
    predicate: Callable[[Call, Index], str] = field(kw_only=True)
    parameter_masks: Callable[[Call], Mapping[str, Tensor]] | None = None
    passes: Callable[[Call, Index], bool] | None = None
    fill: Callable[[Call], object] | None = None
    matrix: bool = False
    kind: str = "mask"
    first_free_number: int = 0

    def axes(self, call: Call) -> Axes:
        if self.matrix and len(call.shapes[0]) < 2:
            raise ShapeMismatch(f"{self.name} takes a matrix: a tensor with at least two axes")
        return pointwise(
            call.shapes, "the mask must match the tensor from the right, or be 1 where it doesn't"
        )

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        axes, masked = self.axes(call), self.mask_of(call)
        own = self.parameter_masks(call) if self.parameter_masks else {}
        cells = {call.place(name): mask for name, mask in own.items()}
        return tuple(MaskedReads(AxesReads(axes, p), cells.get(p, masked)) for p in range(len(call.tensors)))

    def mask_rule(self, call: Call, index: Index) -> str | None:
        passes = self.passes(call, index) if self.passes else not self.mask_of(call)[index]
        return None if passes else self.predicate(call, index)

    def filled_with(self, call: Call) -> str:
        """Return the number that masked cells become, as text; "" if it is not one number for all."""
        return "" if self.fill is None else number_text(self.fill(call))

    def pass_rule(self, call: Call, index: Index) -> str:
        """Return the predicate at a cell that passes, with its numbers; "" if the mask is itself a tensor."""
        return self.predicate(call, index) if self.passes and self.passes(call, index) else ""


def _triangle(name: str, sign: str, holds: Callable[[int, int], bool]) -> Mask:
    """Return the entry of a triangle: cell (i, j) passes if this holds of j, and of i plus the diagonal."""

    def passes(call: Call, index: Index) -> bool:
        return bool(holds(index[-1], index[-2] + call["diagonal"]))

    def predicate(call: Call, index: Index) -> str:
        k = int(call["diagonal"])
        shift = f" {'-' if k < 0 else '+'} {abs(k)}" if k else ""
        truth = "true" if passes(call, index) else "false"
        return f"j {sign} i{shift}: {index[-1]} {sign} {index[-2]}{shift} is {truth}"

    def mask_of(call: Call) -> Tensor:
        ones = torch.ones(call.shapes[0][-2:], dtype=torch.bool)
        kept = ones.triu(call["diagonal"]) if name == "triu" else ones.tril(call["diagonal"])
        return (~kept).expand(call.shapes[0])

    return Mask(
        name,
        "input, diagonal=0, *, out=None",
        mask_of=mask_of,
        predicate=predicate,
        passes=passes,
        fill=lambda _: 0,
        matrix=True,
        gradient={"input": f"torch.{name}({{d}}, {{diagonal}})"},
    )


def _filled_cells(call: Call) -> Tensor:
    return call.tensor("mask").expand(call.shape)


def _fill_rule(call: Call, index: Index) -> str:
    return f"the mask is True at {index}: filled with {number_text(call['value'])}"


def _condition(call: Call) -> Tensor:
    return call.tensor("condition").bool().expand(call.shape)


def _chosen_numbers(call: Call) -> Tensor:
    """Return the cells of a where that take a plain number."""
    condition = _condition(call)
    masked = torch.zeros(call.shape, dtype=torch.bool)
    if call.place("input") is None:
        masked = masked | condition
    if call.place("other") is None:
        masked = masked | ~condition
    return masked


def _not_chosen(call: Call) -> Mapping[str, Tensor]:
    condition = _condition(call)
    return {"input": ~condition, "other": condition}


def _where_rule(call: Call, index: Index) -> str:
    holds = bool(_condition(call)[index])
    value = call["input"] if holds else call["other"]
    return f"the condition is {holds} at {index}: {number_text(value)} stands here"


def number_text(value: object) -> str:
    """Return a number that a program gives, or that of a tensor of one cell, as short text."""
    if isinstance(value, Tensor):
        value = value.item()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _dropped(call: Call) -> Tensor:
    return call.replay([torch.ones_like(call.tensors[0])]) == 0


MASKS: tuple[Operation, ...] = (
    _triangle("triu", "≥", ge),
    _triangle("tril", "≤", le),
    Mask(
        "masked_fill",
        "input, mask, value",
        mask_of=_filled_cells,
        predicate=_fill_rule,
        fill=lambda call: call["value"],
        parameter_masks=lambda call: {"value": ~_filled_cells(call)},
        gradient={"input": "{d}.masked_fill({mask}, 0)", "value": "torch.where({mask}, {d}, 0)"},
    ),
    Mask(
        "where",
        "condition, input=None, other=None",
        other_for=lambda arguments: PLACES if arguments["input"] is None else None,
        mask_of=_chosen_numbers,
        predicate=_where_rule,
        parameter_masks=_not_chosen,
        reflected=("torch.Tensor.where",),
        gradient={"input": "torch.where({condition}, {d}, 0)", "other": "torch.where({condition}, 0, {d})"},
    ),
    Mask(
        "dropout",
        "input, p=0.5, training=True, inplace=False",
        phrase="{input} / (1 - {p})",
        mask_of=_dropped,
        parameter_masks=lambda call: {"input": _dropped(call) & (call.result == 0)},  # inf · 0 is no number
        predicate=lambda call, _: f"dropped, as each cell with probability {number_text(call['p'])}",
        fill=lambda _: 0,
        multiplications_per_cell=1,
        first_free_number=100,
    ),
)
