"""Operations without an entry in the table: measured by autograd where possible, else opaque."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, extent, pointwise
from llm_linalg.ops.autograd_reads import AutogradProbe, AutogradReads
from llm_linalg.ops.operation import Call, Operation, Work, output_cells
from llm_linalg.ops.reads import OpaqueReads, Reads

_TOLD = """
    dim ndim size shape numel nelement stride is_contiguous storage_offset element_size __len__ dtype device
    requires_grad is_leaf is_floating_point is_complex item __bool__ __int__ __float__ __index__
    layout itemsize nbytes is_sparse is_meta is_cpu is_cuda is_quantized is_nested is_signed is_conj is_neg
"""
TENSOR_QUERIES = frozenset(_TOLD.split())
"""Attributes and methods that return facts about a tensor, or its only cell."""
# They return no tensor.
_NO_TENSOR = frozenset(
    [
        *(name.strip("_") for name in TENSOR_QUERIES),
        *("tolist", "requires_grad_", "retain_grad", "equal", "backward", "format", "grad"),
        *("is_floating_point", "is_complex", "is_signed", "is_same_size", "result_type", "is_neg", "is_conj"),
        *("ndimension", "is_inference", "can_cast", "nbytes", "itemsize", "type"),
    ]
)
# Their intermediates are no larger than their operands broadcast against each other.
BOUNDED = frozenset(
    [
        *("kron", "scaled_dot_product_attention", "cross_entropy", "mse_loss", "cosine_similarity"),
        *("dropout", "trace", "allclose", "contains"),
        *("multinomial", "nonzero", "where"),  # torch.where with a condition alone is nonzero
        *("vjp", "pulled"),  # steps of a gradient program: they hold tensors of their own, none of them meta
    ]
)


@dataclass(frozen=True, eq=False)
class FallbackOperation(Operation):
    """A function without an entry: its reads are measured or unknown, never guessed."""

    kind: str = "measured"

    @property
    def has_bounded_cost(self) -> bool:
        """Whether its price is known without the output's shape."""
        return self.name in _NO_TENSOR or self.name in BOUNDED or self.price is not None

    def own_work(self, call: Call, shape: Shape | None) -> Work:
        """Return an upper bound: the size of the operands broadcast against each other."""
        if self.name in _NO_TENSOR:
            return Work(0)
        if self.name == "kron":
            return Work(prod(map(prod, call.shapes)))
        if self.name in ("nonzero", "where"):  # each place that is found is as many numbers as there are axes
            return Work(prod(call.shapes[0]) * max(len(call.shapes[0]), 1))
        if self.name == "multinomial":
            draws = int(call.kwargs.get("num_samples", [*call.args[1:2], 1][0]))
            return Work(max(prod(call.shapes[0]), prod(call.shapes[0][:-1]) * draws))
        if self.name == "scaled_dot_product_attention":
            return attention_work(call)
        return Work(broadcast_peak(call, shape))

    def depends_on_shapes_only(self, call: Call) -> bool:
        return self.name == "grad" or super().depends_on_shapes_only(call)

    def output_count(self, call: Call) -> int:
        if self.output_count_for_call:
            return self.output_count_for_call(call)
        return 0 if self.name in _NO_TENSOR else 1

    def multiplications(self, call: Call) -> int | None:
        return None

    def evidence_of(self, reads: Callable[[], tuple[Reads, ...]]) -> str:
        measured = any(isinstance(relation, AutogradReads) for relation in reads())
        return "autograd" if measured else "opaque"

    def cotangents(self, call: Call) -> Mapping[str, str]:
        """Return the VJP; `x.grad` has none, since it is not computed from the cells of `x`."""
        return {"args_0": ""} if self.name == "grad" else super().cotangents(call)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        return tuple(self._relation(call, place) for place in range(len(call.tensors)))

    def _relation(self, call: Call, place: int) -> Reads:
        opaque = OpaqueReads(call.shape, call.shapes[place])
        if not call.tensors[place].dtype.is_floating_point or not call.tensors[place].numel():
            return opaque
        probes = tuple(_autograd_probe(call, place, seed, sign) for seed in range(2) for sign in (1, -1))
        relation = AutogradReads(probes, call.shapes[place], call.shape)
        try:
            moved = relation.back(torch.ones(call.shape, dtype=torch.bool))
        except (RuntimeError, TypeError, NotImplementedError, ValueError, IndexError):
            return opaque
        # A step function has slope 0 everywhere, which says nothing about its reads.
        return relation if bool(moved.any()) else opaque


@lru_cache(1_000)
def fallback(name: str) -> FallbackOperation:
    """Return the operation for a function without an entry, or for a call that its entry doesn't cover."""
    return FallbackOperation(name, "*args, **kwargs")


def stacks(call: Call) -> int:
    """Return the number of matrices after broadcasting the batch axes, at most; 0 if these do not match."""
    try:
        return extent(pointwise([shape[:-2] for shape in call.shapes]).shape)
    except ShapeMismatch:
        return 0


def broadcast_peak(call: Call, shape: Shape | None = None) -> int:
    """Return an upper bound: the size of the operands broadcast against each other."""
    try:
        together = extent(pointwise(call.shapes).shape)  # torch may sum an empty axis, and fill the others
    except ShapeMismatch:
        together = 0
    return max(together, output_cells(call, shape))


def attention_peak(call: Call) -> int:
    """Return the size of an attention's largest tensor: the scores, the output, or a broadcast operand."""
    query, key, value = call.shapes[:3]
    scores = prod(query[-2:-1]) * key[-2]
    output = prod((*query[-2:-1], value[-1]))
    return max(
        prod(query[:-1]) * max(key[-2], value[-1]),
        stacks(call) * max(scores, output, *(prod(own[-2:]) for own in (query, key, value))),
        output_cells(call, None),
    )


def attention_work(call: Call) -> Work:
    """Return what an attention takes: as many multiplications for a score as the query is wide."""
    cells = attention_peak(call)
    return Work(cells, cells * call.shapes[0][-1])


def _autograd_probe(call: Call, place: int, seed: int, sign: int) -> AutogradProbe:
    probes = [_probe(tensor, 10 * seed + position, sign) for position, tensor in enumerate(call.tensors)]
    return AutogradProbe(_alone(call, probes, place), probes[place])


def _alone(call: Call, probes: list[Tensor], place: int) -> Callable[[Tensor], Tensor]:
    """Return the call as a function of one operand, with generic values for the others."""

    def function(tensor: Tensor) -> Tensor:
        operands = [tensor if position == place else probe for position, probe in enumerate(probes)]
        result = call.replay(operands)
        if not isinstance(result, Tensor) or tuple(result.shape) != call.shape:
            raise TypeError("the output of a replay is another")
        return result

    return function


def _probe(tensor: Tensor, seed: int, sign: int) -> Tensor:
    """Return generic values of a tensor's shape; integers and masks are kept."""
    if not tensor.dtype.is_floating_point:
        return tensor.detach()
    generator = torch.Generator().manual_seed(seed + 1)
    values = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    return (sign * values).to(tensor.dtype)
