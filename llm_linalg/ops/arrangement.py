"""Movements that arrange cells anew: join tensors, part them, turn them, pick some, put some in.

Like all movements they are run on numbered cells to find where each cell came from. An entry here bounds its
result before it is made where it may be larger than its operands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, pointwise
from llm_linalg.ops.fallback import UntoldOperation, covered
from llm_linalg.ops.movement import CONJUGATE, Movement, number_cells, own_spread
from llm_linalg.ops.movement_gradients import index_copy_vjp, scatter_call_vjp
from llm_linalg.ops.movement_shapes import index_shape, input_shape
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import (
    AxesReads,
    IndexReads,
    InverseIndexReads,
    MaskedReads,
    OpaqueReads,
    Reads,
    whole,
)


def _block_shape(call: Call) -> Shape:
    """Return the shape of a block_diag: the rows and the columns of all blocks."""
    rows, columns = zip(*[(1, 1, *shape)[-2:] for shape in call.shapes], strict=True)
    return sum(rows), sum(columns)


def _every_choice(call: Call) -> Shape:
    return (prod(map(prod, call.shapes)), len(call.shapes)) if len(call.shapes) > 1 else call.shapes[0]


def _flat_diagonal(call: Call) -> Shape:
    return (prod(call.shapes[0]) + abs(int(call["offset"])),) * 2


def _parts_count(call: Call) -> int:
    """Return how many parts a tensor_split makes; those of a tensor are counted by what it holds."""
    given = call["indices_or_sections"]
    if isinstance(given, Tensor):
        return int(given) if given.dim() == 0 else given.numel() + 1
    return len(given) + 1 if isinstance(given, list | tuple) else int(given)


@dataclass(frozen=True, eq=False)
class IndexedSum(Operation):
    """scatter_add and its like: each cell of a source goes into the cell of `input` that `index` names.

    With `include_self=False` the cell is replaced.

    Attributes:
        source: The parameter that is the source.
        by_slice: Whether `index` names slices along the axis, and not a place for each cell.
    """

    kind: str = "pointwise"
    source: str = field(kw_only=True)
    by_slice: bool = False

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return covered(self, arguments, ["input", "index", self.source])

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        own, index = call.tensor("input"), call.tensor("index")
        places = number_cells(own, 0).long()
        if self.by_slice:
            goes = places.index_select(call.dim(), index)
        else:
            there = tuple(slice(size) for size in index.shape)  # it may be larger than what is taken of it
            goes = torch.zeros(call.tensor(self.source).shape, dtype=torch.int64)
            goes[there] = places.gather(call.dim(), index)
        same = AxesReads(pointwise([tuple(own.shape)]), 0)
        unknown = OpaqueReads(call.shape, tuple(index.shape))
        added = InverseIndexReads(IndexReads(goes, tuple(own.shape)))
        if call.arguments.get("include_self", True):
            return same, unknown, added
        return MaskedReads(same, added.forward(whole(tuple(goes.shape)))), unknown, added


def _added_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a sum by index; those of other reductions are left to autograd."""
    is_sum = call.arguments.get("reduce", "sum") == "sum" and call.arguments.get("include_self", True)
    fits = is_sum and call.tensor("src").shape == call.tensor("index").shape
    return {"input": "{d}", "src": "{d}.gather({dim}, {index})"} if fits else {}


def _scattered_positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return a scatter of numbered cells; a plain number that it writes has no source."""
    own, place = tensors[0], call.place("src")
    source = 0 if place is None else tensors[place].to(own.dtype)
    return own.scatter(call["dim"], call.tensor("index"), source)


def _beyond(arguments: Mapping[str, Any]) -> Operation | None:
    """Return what stands for a view of memory that its tensor does not show: nobody knows its cells."""
    own, size, steps = (arguments[name] for name in ("input", "size", "stride"))
    reach = sum([(count - 1) * step for count, step in zip(size, steps, strict=True)])
    is_whole = own.is_contiguous() and not own.storage_offset()
    shown = is_whole and reach + (arguments["storage_offset"] or 0) < own.numel()
    return None if shown else UntoldOperation("as_strided", _STRIDED)


_STRIDED = "input, size, stride, storage_offset=None"


def _scatter_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a scatter; one with `reduce` computes cells, so it is no movement."""
    if arguments["reduce"] is not None:
        raise TypeError("a scatter that adds or multiplies is another call")
    return arguments


_TENSORS = ("tensors",)
ARRANGEMENTS: tuple[Operation, ...] = (
    *(
        Movement(name, "input", phrase=CONJUGATE, views=True, spellings=(f"torch.Tensor.{name}",))
        for name in ("H", "mH")
    ),
    Movement("adjoint", "input", phrase=CONJUGATE, views=True, gradient={"input": "{d}.mH"}),
    Movement("ravel", "input"),
    *(
        Movement(name, "input, dim=None", spellings=(f"torch.fft.{name}",))
        for name in ("fftshift", "ifftshift")
    ),
    Movement("view_as", "input, other", lends="other", views=True),
    Movement("reshape_as", "input, other", lends="other"),
    Movement("narrow_copy", "input, dim, start, length"),
    *(Movement(name, "input", gradient={"input": f"torch.{name}({{d}})"}) for name in ("fliplr", "flipud")),
    Movement("rot90", "input, k=1, dims=(0, 1)"),
    *(
        Movement(name, "*tensors", data=_TENSORS, views=True)
        for name in ("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors")
    ),
    *(Movement(name, "tensors, *, out=None", data=_TENSORS) for name in ("column_stack", "dstack")),
    Movement("block_diag", "*tensors", data=_TENSORS, rule=_block_shape),
    Movement("meshgrid", "*tensors, indexing=None", data=_TENSORS, views=True),
    Movement("cartesian_prod", "*tensors", data=_TENSORS, rule=_every_choice),
    Movement(
        "tensor_split",
        "input, indices_or_sections, dim=0",
        views=True,
        output_count_for_call=_parts_count,
        depends_on_cells=True,
    ),
    *(
        Movement(name, "input, indices_or_sections", views=True, output_count_for_call=_parts_count)
        for name in ("hsplit", "vsplit", "dsplit")
    ),
    Movement("split_with_sizes", "input, split_sizes, dim=0", views=True),
    Movement("diagflat", "input, offset=0", rule=_flat_diagonal),
    Movement("take", "input, index", rule=index_shape, index_spread=own_spread),
    Movement("masked_select", "input, mask, *, out=None"),
    Movement("masked_scatter", "input, mask, source", data=("input", "source")),
    Movement(
        "diagonal_scatter", "input, src, offset=0, dim1=0, dim2=1", data=("input", "src"), rule=input_shape
    ),
    Movement("select_scatter", "input, src, dim, index", data=("input", "src"), rule=input_shape),
    Movement(
        "slice_scatter",
        "input, src, dim=0, start=None, end=None, step=1",
        data=("input", "src"),
        rule=input_shape,
    ),
    Movement(
        "index_copy",
        "input, dim, index, source",
        data=("input", "source"),
        rule=input_shape,
        vjp_for_call=index_copy_vjp,
    ),
    IndexedSum(
        "index_add",
        "input, dim, index, source, *, alpha=1, out=None",
        source="source",
        by_slice=True,
        rule=input_shape,
        gradient={"input": "{d}", "source": "{alpha}{d}.index_select({dim}, {index})"},
    ),
    IndexedSum(
        "scatter_add",
        "input, dim, index, src",
        source="src",
        rule=input_shape,
        vjp_for_call=_added_vjp,
    ),
    *(
        IndexedSum(
            name,
            f"input, dim, index, {source}, reduce, *, include_self=True{more}",
            source=source,
            by_slice=name == "index_reduce",
            rule=input_shape,
            vjp_for_call=_added_vjp,
        )
        for name, source, more in (("scatter_reduce", "src", ""), ("index_reduce", "source", ", out=None"))
    ),
    Movement(
        "scatter",
        "input, dim, index, src=None, *, value=None, reduce=None",
        data=("input", "src"),
        rule=input_shape,
        canonical_arguments=_scatter_arguments,
        positions=_scattered_positions,
        vjp_for_call=scatter_call_vjp,
    ),
    Movement("as_strided", _STRIDED, views=True, other_for=_beyond),
    Movement("pixel_shuffle", "input, upscale_factor"),
    Movement("pixel_unshuffle", "input, downscale_factor"),
    Movement("channel_shuffle", "input, groups"),
)
