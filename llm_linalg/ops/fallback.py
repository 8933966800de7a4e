"""Operations without an entry in the table: measured by autograd where possible, else opaque."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.arguments import Function, tensors_in
from llm_linalg.ops.operation import Call, Operation, Price, broadcast_price
from llm_linalg.ops.reads import OpaqueReads, Reads
from llm_linalg.ops.vjp import autograd_jvp, autograd_vjp, has_double_backward, has_gradient

_TOLD = """
    dim ndim size shape numel nelement stride is_contiguous storage_offset element_size __len__ dtype device
    requires_grad is_leaf is_floating_point is_complex item __bool__ __int__ __float__ __index__
    layout itemsize nbytes is_sparse is_meta is_cpu is_cuda is_quantized is_nested is_signed is_conj is_neg
"""
TENSOR_QUERIES = frozenset(_TOLD.split())
"""Attributes and methods that return facts about a tensor, or its only cell."""
_BESIDE = """
    tolist requires_grad retain_grad equal backward format is_same_size result_type can_cast ndimension
    is_inference grad type
"""
_NO_TENSOR = frozenset(_BESIDE.split())


MOST_PASSES = 1_000  # of autograd, to know what a cell feeds
FEW_CELLS = 10_000  # of which one more pass takes no time
Graph = tuple[Tensor, Tensor]
"""An operand, and the result of a call of it, with autograd's graph between them."""


@dataclass(frozen=True, eq=False)
class AutogradReads(Reads):
    """By autograd: one backward pass from a one-hot cotangent.

    A partner that happens to be 0 would hide a dependence, so the passes run on generic values of
    the same shapes; on their negatives, for what is flat on one side; and on the program's own, for what
    they lead elsewhere.

    Args:
        graphs: The call on several values.
        shape: The operand's shape.
        output: The output's shape.
    """

    graphs: tuple[Graph, ...]
    shape: Shape
    output: Shape

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return self.output, self.shape

    def back(self, mask: Tensor) -> Tensor:
        reached = torch.zeros(self.shape, dtype=torch.bool)
        for leaf, out in self.graphs:
            cotangent = torch.where(mask, _generic(self.output, out.dtype), 0)
            (own,) = autograd_vjp([out], [leaf], [cotangent], keep=True)
            reached = reached if own is None else reached | (own != 0)
        return reached

    def forward(self, mask: Tensor) -> Tensor:
        reached = torch.zeros(self.output, dtype=torch.bool)
        for leaf, out in self.graphs:
            own = autograd_jvp(out, [leaf], [torch.where(mask, _generic(self.shape, leaf.dtype), 0)])
            reached = reached if own is None else reached | (own != 0)
        return reached


def _generic(shape: Shape, dtype: torch.dtype) -> Tensor:
    """Return values with no zeros and no symmetry, the same each time; complex ones lie in a quadrant."""
    generator = torch.Generator().manual_seed(0)
    own = torch.complex128 if dtype.is_complex else torch.float64
    return (
        torch.rand(shape, generator=generator, dtype=own).add(0.5 + 0.5j if own.is_complex else 0.5).to(dtype)
    )


@dataclass(frozen=True, eq=False)
class FallbackOperation(Operation):
    """A function without an entry: its reads are measured or unknown, never guessed.

    Attributes:
        leads: The parameter whose numbers say which cells are read; or empty.
    """

    leads: str = ""
    kind: str = "measured"

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        return Price(0, outputs=0) if self.name in _NO_TENSOR else broadcast_price(call, shape)

    def multiplications(self, call: Call) -> int | None:
        return None

    def evidence_of(self, reads: Callable[[], tuple[Reads, ...]]) -> str:
        measured = any(isinstance(relation, AutogradReads) for relation in reads())
        return "autograd" if measured else "opaque"

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        return tuple(self._relation(call, place) for place in range(len(call.tensors)))

    def _relation(self, call: Call, place: int) -> Reads:
        opaque = OpaqueReads(call.shape, call.shapes[place])
        if not has_gradient(call.tensors[place]) or not call.tensors[place].numel():
            return opaque
        led = {call.place(self.leads)}
        others = {*range(len(call.tensors))} - {place} | led
        ways = [led, others] if others - led else [led]  # a loss may ask whether its target is 1 or -1
        try:
            relation = _steady_reads(call, place, ways) or _steady_reads(call, place, ways[1:])
            moved = relation is not None and relation.back(torch.ones(call.shape, dtype=torch.bool)).any()
        except (RuntimeError, TypeError, NotImplementedError, ValueError, LookupError):
            return opaque  # LookupError: a gradient that torch has for the values that were there alone
        # A step function has slope 0 everywhere, which says nothing about its reads.
        if relation is None or not moved:
            return opaque
        leaf, result = relation.graphs[0]
        is_bounded = result.numel() <= MOST_PASSES or has_double_backward(result, leaf)
        return relation if is_bounded else opaque


def _steady_reads(call: Call, place: int, ways: Sequence[Collection[int | None]]) -> AutogradReads | None:
    """Return what an operand's cells are read for by autograd; None if other values lead to other cells.

    That is so of what picks cells by their values, such as a maximum. For each of the ways some operands keep
    their own values, and the others are generic, and then the negatives of these.
    """
    pairs = [
        [_graph(call, place, seed, sign, kept) for sign in (1, -1)] for kept in ways for seed in range(3)
    ]
    if not pairs:
        return None
    own = [_graph(call, place)] if all(bool(tensor.isfinite().all()) for tensor in call.tensors) else []
    whole, *parts = (
        AutogradReads(tuple(graphs), call.shapes[place], call.shape)
        for graphs in ([*chain(*pairs), *own], *pairs)
    )
    count = prod(call.shape)
    asked = 8 if count + sum(map(prod, call.shapes)) < FEW_CELLS else 2
    for cell in range(0, count, -(-count // asked)) if count else ():
        mask = (torch.arange(count) == cell).reshape(call.shape)
        cells = whole.back(mask)
        if any(not torch.equal(part.back(mask), cells) for part in parts):
            return None
    return whole


@lru_cache(1_000)
def fallback(
    name: str,
    signature: str = "*args, **kwargs",
    multiplications_for_call: Callable[[Call], int] | None = None,
) -> FallbackOperation:
    """Return the operation for a function without an entry, or for a call that its entry doesn't cover."""
    return FallbackOperation(name, signature, multiplications_for_call=multiplications_for_call)


def covered(operation: Operation, arguments: Mapping[str, Any], parameters: Collection[str]) -> Operation:
    """Return an operation if no parameters but some hold tensors; else what measures the call.

    In `x.sum(torch.tensor(0))` there is one that says along which axis: no rule knows such an operand.
    """
    others = [value for name, value in arguments.items() if name not in parameters]
    is_known = not any(True for _ in tensors_in(others))
    return operation if is_known else fallback(operation.name, operation.signature)


def _graph(call: Call, place: int, seed: int = 0, sign: int = 0, kept: Collection[int | None] = ()) -> Graph:
    """Return the graph of a call for an operand: on generic values but for those kept; else on its own."""
    given = enumerate(call.tensors)
    operands = [
        _probe(tensor, 10 * seed + at, sign) if sign and at not in kept else tensor.detach().clone()
        for at, tensor in given
    ]
    with torch.enable_grad():
        leaf = operands[place].requires_grad_(True)
        result = call.replay(operands)
    if tuple(result.shape) != call.shape:
        raise TypeError("the output of a replay is another")
    return leaf, result


def _probe(tensor: Tensor, seed: int, sign: int) -> Tensor:
    """Return generic values of a tensor's shape; integers and masks are kept."""
    if not has_gradient(tensor):
        return tensor.detach()
    generator = torch.Generator().manual_seed(seed + 1)
    own = torch.complex128 if tensor.is_complex() else torch.float64
    values = torch.randn(tensor.shape, generator=generator, dtype=own)
    return (sign * values).to(tensor.dtype)


@dataclass(frozen=True, eq=False)
class UntoldOperation(Operation):
    """An operation whose function is not in the trace: its values are there, and nothing is computed anew."""

    kind: str = "measured"
    evidence: str = "opaque"

    def multiplications(self, call: Call) -> int | None:
        return None


def untold(*_tensors: Tensor) -> Tensor:
    """Stand for a function that is not in the trace: raise `NotImplementedError`."""
    raise NotImplementedError("the trace does not hold this function")


def untold_(*tensors: Tensor) -> Tensor:
    """Stand for one that writes to its first operand, likewise."""
    return untold(*tensors)


def opaque_call(
    name: str, tensors: Sequence[Tensor], output: Tensor | None, position: int, function: Function = untold
) -> Call:
    """Return a call of a function that is not in the trace."""
    values = tuple(tensors)
    places = tuple(range(len(values)))
    operation = UntoldOperation(name, "*args")
    return Call(
        operation, function, values, {}, {"args": values}, values, {"args": places}, places, output, position
    )
