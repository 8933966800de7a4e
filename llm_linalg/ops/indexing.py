"""Scattering: cells that move to the positions in an index tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import pointwise
from llm_linalg.ops.fallback import covered
from llm_linalg.ops.movement import Movement, number_cells
from llm_linalg.ops.movement_shapes import input_shape
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import AxesReads, IndexReads, InverseIndexReads, OpaqueReads, Reads


@dataclass(frozen=True, eq=False)
class ScatterAdd(Operation):
    """scatter_add: each cell of `src` is added to the cell of `input` that `index` names."""

    kind: str = "pointwise"

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return covered(self, arguments, ["input", "index", "src"])

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        own, index = call.tensor("input"), call.tensor("index")
        there = tuple(slice(size) for size in index.shape)  # src may be larger than what is taken of it
        goes = torch.zeros(call.tensor("src").shape, dtype=torch.int64)
        goes[there] = number_cells(own, 0).long().gather(call.dim(), index)
        same = AxesReads(pointwise([tuple(own.shape)]), 0)
        unknown = OpaqueReads(call.shape, tuple(index.shape))
        return same, unknown, InverseIndexReads(IndexReads(goes, tuple(own.shape)))


def _scattered_positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return a scatter of numbered cells; a plain number that it writes has no source."""
    own = tensors[call.place("input") or 0]
    place = call.place("src")
    source = 0 if place is None else tensors[place].to(own.dtype)
    return own.scatter(call["dim"], call.tensor("index"), source)


def _scatter_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a scatter; one with `reduce` computes cells, so it is no movement."""
    if arguments["reduce"] is not None:
        raise TypeError("a scatter that adds or multiplies is another call")
    return arguments


SCATTERS: tuple[Operation, ...] = (
    ScatterAdd(
        "scatter_add",
        "input, dim, index, src",
        rule=input_shape,
        gradient={"input": "{d}", "src": "{d}.gather({dim}, {index})"},
    ),
    Movement(
        "scatter",
        "input, dim, index, src=None, *, value=None, reduce=None",
        data=("input", "src"),
        rule=input_shape,
        canonical_arguments=_scatter_arguments,
        positions=_scattered_positions,
    ),
)
