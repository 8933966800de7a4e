"""Movements: operations that copy cells and compute none.

Their index maps are not written down. The same torch call is run on a tensor of flat indices, counted from 1,
and its output says where each cell came from; 0 marks a cell that the call filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.arguments import copy_laid_like
from llm_linalg.ops.movement_gradients import (
    cat_vjp,
    diag_vjp,
    getitem_vjp,
    joint_vjp_by,
    permute_vjp,
    reshape_vjp,
    scatter_vjp,
    setitem_vjp,
    stack_vjp,
    transpose_all_vjp,
    transpose_vjp,
)
from llm_linalg.ops.movement_shapes import (
    MASK_DTYPES,
    cat_shape,
    diag_embed_shape,
    diag_shape,
    expand_shape,
    index_select_shape,
    index_shape,
    picked_cells,
    repeat_interleave_shape,
    repeat_shape,
    reshape_shape,
    shape_by_torch,
    stack_shape,
    take_along_dim_shape,
)
from llm_linalg.ops.operation import Call, Operation, Price, operand_cells, operand_names
from llm_linalg.ops.reads import IndexReads, OpaqueReads, Reads, reads_nothing


def replay_positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return the result of the call on numbered cells: 0 where it filled in a value."""
    return call.replay(tensors)


CONJUGATE = "conjugate of {cells}"


@dataclass(frozen=True, eq=False)
class Movement(Operation):
    """An operation that copies cells and computes none.

    Attributes:
        data: The parameters whose cells are moved; the others (an index) say where to.
        lends: The parameter whose tensor gives only its shape.
        views: It gives a view: no cell is copied.
        positions: Runs the call on numbered cells; its result says where each cell came from, 0 for nowhere.
        reads_for_call: What the operands' cells go into, where numbered cells don't tell; None where they do.
        index_spread: The shape in which the cells of an index stand beside the cells that they look up, and
            repeat as in a broadcast; None where that can't be said.
        scatters_back: The VJP of any movement is its own, unless it has a simpler one.
    """

    data: tuple[str, ...] = ("input",)
    lends: str = ""
    views: bool = False
    positions: Callable[[Call, Sequence[Tensor]], Tensor] = replay_positions
    reads_for_call: Callable[[Call], tuple[Reads, ...] | None] | None = None
    index_spread: Callable[[Call, int], Shape | None] | None = None
    scatters_back: bool = True
    kind: str = "movement"
    evidence: str = "index"

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], swap: bool = False) -> dict[str, Any]:
        arguments = super().bind(args, kwargs, swap)
        if any(isinstance(size, torch.dtype) for size in arguments.get("shape", ())):
            raise TypeError("a view as another type moves bytes, not cells")
        return arguments

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        return Price(0) if self.views else super().own_price(call, shape)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        known = self.reads_for_call(call) if self.reads_for_call else None
        if known is not None:
            return known
        moved = {place for name in self.data for place in call.places.get(name, ())}
        tensors, starts, first = [], {}, 0
        for place, tensor in enumerate(call.tensors):
            if place not in moved:
                tensors.append(tensor)
                continue
            starts[place] = first
            tensors.append(number_cells(tensor, first))
            first += tensor.numel()
        source = self.positions(call, tensors).long()
        return tuple(
            IndexReads(source, shape, starts[place]) if place in moved else self._beside(call, place)
            for place, shape in enumerate(call.shapes)
        )

    def _beside(self, call: Call, place: int) -> Reads:
        """Return the reads of an operand that is not moved: an index, or one that provides a shape."""
        if place in call.places.get(self.lends, ()):
            return reads_nothing(call.shape, call.shapes[place])
        spread = self.index_spread(call, place) if self.index_spread else None
        if spread is None:
            return OpaqueReads(call.shape, call.shapes[place])
        numbers = torch.arange(1, prod(spread) + 1).reshape(spread).expand(call.shape)
        return IndexReads(numbers, call.shapes[place], 0)

    def phrase_for(self, call: Call) -> str:
        """Return the phrase of a movement that turns complex numbers over; others copy their cells."""
        return self.phrase if call.result.is_complex() else ""

    def cotangents(self, call: Call) -> Mapping[str, str]:
        lent = {self.lends: ""} if self.lends else {}  # a shape alone has no slope
        back = self._scatter_back(call) if self.scatters_back else {}
        return {**back, **super().cotangents(call), **lent}

    def _scatter_back(self, call: Call) -> Mapping[str, str]:
        """Return the generic VJP of a movement: each gradient is added where its cell came from."""
        moved = {place for name in self.data for place in call.places.get(name, ())}
        names = operand_names(call).items()
        return {name: scatter_vjp(call.shapes[place]) for place, name in names if place in moved}


def own_spread(call: Call, place: int) -> Shape | None:
    """Return the shape of an index whose cells stand where those do that they look up."""
    shape = call.shapes[place]
    return shape if len(shape) == len(call.shape) else (prod(shape),)  # of what was flattened


def _slice_spread(call: Call, place: int) -> Shape | None:
    """Return the shape of an index each of whose cells looks up a slice along an axis."""
    rank, dim = len(call.shape), call.dim()
    spread = (*(1,) * dim, prod(call.shapes[place]), *(1,) * (rank - dim - 1))
    return spread[:rank]  # a single number has no axis


def _key_spread(call: Call, place: int) -> Shape | None:
    """Return the shape of one tensor in a key of nothing else: those look up rows, one beside the other."""
    key = call["key"]
    tensors = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(one, Tensor) and one.dtype not in MASK_DTYPES for one in tensors):
        return None
    picked = max(one.dim() for one in tensors)  # so many leading axes of the result are the keys', broadcast
    own = call.shapes[place]
    return (*(1,) * (picked - len(own)), *own, *(1,) * (len(call.shape) - picked))


def number_cells(tensor: Tensor, first: int) -> Tensor:
    """Return 1, 2, 3 … with the shape and strides of a tensor, so that `view` accepts it likewise.

    They are doubles, for which all movements have a kernel, and which count as far as any tensor reaches.
    """
    count = tensor.numel()
    numbers = torch.arange(first + 1, first + count + 1, dtype=torch.float64).reshape(tensor.shape)
    if tensor.is_contiguous() or 0 in tensor.stride():  # the cells of an expanded tensor share memory
        return numbers
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=torch.float64).copy_(numbers)


def _padded_positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return a pad of numbered cells, with 0 as the fill value."""
    kept = {name: value for name, value in call.kwargs.items() if name != "value"}
    return replay_positions(replace(call, args=call.args[:3], kwargs=kept), tensors)


def _repeats_reads(call: Call) -> tuple[Reads, ...] | None:
    """Return the reads of a call with counts alone, which are not moved: they say how long the result is."""
    return None if call["repeats"] is not None else (OpaqueReads(call.shape, call.shapes[0]),)


def _split_count(call: Call) -> int:
    sizes, size = call["split_size"], _size_along(call)
    return len(sizes) if isinstance(sizes, list | tuple) else max(1, -(-size // max(1, int(sizes))))


def _chunk_count(call: Call) -> int:
    chunks, size = int(call["chunks"]), _size_along(call)
    if not size:
        return chunks  # an axis of none gives as many as are asked for
    return -(-size // -(-size // chunks))


def _size_along(call: Call) -> int:
    return call.shapes[0][call.dim()] if call.shapes[0] else 0


def _setitem_reads(call: Call) -> tuple[Reads, ...]:
    """Return the reads of the tensor after `x[key] = value`: of the tensor before, the value, and the key."""
    own, key, value = call.tensors[0], call["key"], call.place("value")
    cells = own.numel()
    sources = copy_laid_like(number_cells(own, 0), own)
    sources[key] = 0 if value is None else number_cells(call.tensors[value], cells)
    reads: list[Reads] = [OpaqueReads(call.shape, shape) for shape in call.shapes]
    reads[0] = IndexReads(sources.long(), call.shapes[0])
    if value is not None:
        reads[value] = IndexReads(sources.long(), call.shapes[value], cells)
    is_one = (value is None or call.tensors[value].numel() == 1) and 0 not in own.stride()
    if is_one and isinstance(key, Tensor) and key.dtype == torch.bool:
        # All get one number: whether a cell does is for its own cell of the mask to say, unless several
        # cells are one number in memory.
        marks = number_cells(key, 0).reshape([*key.shape, *[1] * (own.dim() - key.dim())])
        (place,) = call.places["key"]
        reads[place] = IndexReads(marks.long().expand(own.shape), call.shapes[place])
    return tuple(reads)


_CUT_UP = "The pieces were cut out of {target}: joined again, their gradients are its own."
_LIST = "tensors"
MOVEMENTS: tuple[Operation, ...] = (
    Movement("T", "input", views=True, spellings=("torch.Tensor.T",), vjp_for_call=transpose_all_vjp),
    Movement("mT", "input", views=True, spellings=("torch.Tensor.mT",), gradient={"input": "{d}.mT"}),
    Movement("t", "input", views=True, vjp_for_call=transpose_all_vjp),
    Movement(
        "transpose",
        "input, dim0, dim1",
        aliases=("swapaxes", "swapdims"),
        views=True,
        vjp_for_call=transpose_vjp,
    ),
    Movement("permute", "input, *dims", views=True, vjp_for_call=permute_vjp),
    Movement("movedim", "input, source, destination", aliases=("moveaxis",), views=True),
    Movement("reshape", "input, *shape", rule=reshape_shape, vjp_for_call=reshape_vjp),
    Movement(
        "view",
        "input, *shape",
        spellings=("torch.Tensor.resize_",),
        views=True,
        rule=reshape_shape,
        vjp_for_call=reshape_vjp,
    ),
    Movement("flatten", "input, start_dim=0, end_dim=-1", vjp_for_call=reshape_vjp),
    Movement("unflatten", "input, dim, sizes", vjp_for_call=reshape_vjp),
    Movement("squeeze", "input, *dim", views=True, vjp_for_call=reshape_vjp),
    Movement("unsqueeze", "input, dim", views=True, vjp_for_call=reshape_vjp),
    Movement("expand", "input, *size", rule=expand_shape, gradient={"input": "{d}"}),
    Movement("expand_as", "input, other", lends="other", gradient={"input": "{d}"}),
    Movement("broadcast_to", "input, *size", rule=expand_shape, gradient={"input": "{d}"}),
    Movement("repeat", "input, *repeats", rule=repeat_shape),
    Movement(
        "repeat_interleave",
        "input, repeats=None, dim=None, *, output_size=None",
        rule=repeat_interleave_shape,
        reads_for_call=_repeats_reads,
        depends_on_cells=True,
    ),
    Movement("tile", "input, *dims", rule=repeat_shape),
    Movement("roll", "input, shifts, dims=()"),
    Movement("flip", "input, *dims", gradient={"input": "{d}.flip({dims})"}),
    Movement("contiguous", "input, *, memory_format=None", gradient={"input": "{d}"}),
    Movement("clone", "input, *, memory_format=None", gradient={"input": "{d}"}),
    Movement("detach", "input", views=True, spellings=("torch.Tensor.data",), gradient={"input": ""}),
    Movement(
        "split",
        "input, split_size, dim=0",
        output_count_for_call=_split_count,
        views=True,
        spellings=("torch.functional.split",),
        joint_vjp=joint_vjp_by("cat"),
        vjp_explanation=_CUT_UP,
    ),
    Movement(
        "chunk",
        "input, chunks, dim=0",
        output_count_for_call=_chunk_count,
        views=True,
        joint_vjp=joint_vjp_by("cat"),
        vjp_explanation=_CUT_UP,
    ),
    Movement(
        "unbind",
        "input, dim=0",
        output_count_for_call=_size_along,
        views=True,
        joint_vjp=joint_vjp_by("stack"),
        vjp_explanation=_CUT_UP,
    ),
    Movement(
        "cat",
        "tensors, dim=0, *, out=None",
        aliases=("concat", "concatenate"),
        data=(_LIST,),
        rule=cat_shape,
        vjp_for_call=cat_vjp,
    ),
    Movement("stack", "tensors, dim=0, *, out=None", data=(_LIST,), rule=stack_shape, vjp_for_call=stack_vjp),
    Movement("diag", "input, diagonal=0", rule=diag_shape, vjp_for_call=diag_vjp),
    Movement("diag_embed", "input, offset=0, dim1=-2, dim2=-1", rule=diag_embed_shape),
    Movement("diagonal", "input, offset=0, dim1=0, dim2=1", views=True),
    Movement("narrow", "input, dim, start, length", views=True),
    Movement("select", "input, dim, index", views=True),
    Movement(
        "getitem",
        "input, key",
        spellings=("torch.Tensor.__getitem__",),
        vjp_for_call=getitem_vjp,
        index_spread=_key_spread,
        price_for_call=picked_cells,
        first_free_number=1,
    ),
    Movement(
        "setitem",
        "input, key, value",
        spellings=("torch.Tensor.__setitem__",),
        data=("input", "value"),
        scatters_back=False,
        vjp_for_call=setitem_vjp,
        reads_for_call=_setitem_reads,
        price_for_call=lambda call: Price(max(operand_cells(call), picked_cells(call).cells)),
        first_free_number=1,
    ),
    Movement("index_select", "input, dim, index", rule=index_select_shape, index_spread=_slice_spread),
    Movement(
        "gather",
        "input, dim, index, *, sparse_grad=False",
        rule=index_shape,
        index_spread=own_spread,
        gradient={"input": "torch.zeros_like({input}).scatter_add({dim}, {index}, {d})"},
    ),
    *(
        Movement(name, "tensors, *, out=None", aliases=aliases, data=(_LIST,))
        for name, aliases in (("vstack", ("row_stack",)), ("hstack", ()))
    ),
    Movement(
        "take_along_dim", "input, indices, dim=None", rule=take_along_dim_shape, index_spread=own_spread
    ),
    Movement(
        "pad", "input, pad, mode='constant', value=None", rule=shape_by_torch, positions=_padded_positions
    ),
    Movement("unfold", "input, dimension, size, step", views=True),
)
