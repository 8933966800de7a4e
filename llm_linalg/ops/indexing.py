"""Scattering: cells that go where the cells of an index say."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from llm_linalg.axes import Shape, pointwise
from llm_linalg.by_mask import InverseIndexReads
from llm_linalg.ops.movement import Movement, numbered
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.relations import AxesReads, IndexReads, OpaqueReads, Reads


@dataclass(frozen=True, eq=False)
class ScatterAdd(Operation):
    """scatter_add: each cell of ``src`` is added to the cell of ``input`` that ``index`` names."""

    kind: str = "pointwise"

    def depends_on_shapes_only(self, call: Call) -> bool:
        return True

    def infer(self, call: Call) -> Shape:
        return tuple(call.tensor("input").shape)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        own, index = call.tensor("input"), call.tensor("index")
        there = tuple(slice(size) for size in index.shape)  # src may be larger than what is taken of it
        goes = torch.zeros(call.tensor("src").shape, dtype=torch.int64)
        goes[there] = numbered(own, 0).long().gather(call.dim(), index)
        same = AxesReads(pointwise([tuple(own.shape)]), 0)
        unknown = OpaqueReads(call.shape, tuple(index.shape))
        return same, unknown, InverseIndexReads(IndexReads(goes, tuple(own.shape)))


@dataclass(frozen=True, eq=False)
class Scatter(Movement):
    """scatter: the cells that ``index`` names are ``src``'s, or a number."""

    data: tuple[str, ...] = ("input", "src")

    def depends_on_shapes_only(self, call: Call) -> bool:
        return True

    def infer(self, call: Call) -> Shape:
        return tuple(call.tensor("input").shape)

    def _sources(self, call: Call, tensors: list[Tensor]) -> Tensor:
        own = tensors[call.place("input") or 0]
        place = call.place("src")
        filled = 0 if place is None else tensors[place].to(own.dtype)
        return own.scatter(call["dim"], call.tensor("index"), filled)


SCATTERS: tuple[Operation, ...] = (
    ScatterAdd(
        "scatter_add",
        "input, dim, index, src",
        in_language="torch Tensor",
        gradient={"input": "{d}", "src": "{d}.gather({dim}, {index})"},
    ),
    Scatter("scatter", "input, dim, index, src=None, *, value=None, reduce=None", in_language="torch Tensor"),
)
