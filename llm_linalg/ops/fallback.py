"""Operations without an entry in the table: measured by autograd where possible, else opaque."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import prod
from operator import mul

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch, extent, pointwise
from llm_linalg.ops.autograd_reads import AutogradProbe, AutogradReads
from llm_linalg.ops.operation import Call, Operation, output_cells
from llm_linalg.ops.reads import OpaqueReads, Reads

_TOLD = """
    dim ndim size shape numel nelement stride is_contiguous storage_offset element_size __len__ dtype device
    requires_grad is_leaf is_floating_point is_complex item __bool__ __int__ __float__ __index__
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
IN_LANGUAGE: tuple[tuple[str, str, str], ...] = (
    ("torch Tensor", "nonzero", "The shape of the result depends on the operand's values."),
    ("torch Tensor", "multinomial", "What a cell reads depends on random numbers."),
    ("torch Tensor", "trace", "Autograd measures that it reads the diagonal."),
    ("torch Tensor", "kron", "Autograd measures what it reads."),
    ("torch F", "cosine_similarity", "Autograd measures what it reads."),
    ("F", "dropout", "Autograd measures what it reads, with the same random numbers."),
    ("torch Tensor", "allclose equal numel", "They return a plain value, not a tensor."),
    (
        "torch Tensor",
        "is_floating_point is_complex is_signed is_same_size",
        "They return a plain value, not a tensor.",
    ),
    ("torch", "is_tensor", "It returns a plain value, not a tensor."),
    ("torch", "result_type promote_types can_cast", "They tell of dtypes, and return no tensor."),
    ("torch", "get_default_dtype", "It tells of torch's state, and returns no tensor."),
    ("Tensor", "dim size stride nelement is_contiguous", "They return a plain value, not a tensor."),
    ("Tensor", "item storage_offset element_size", "They return a plain value, not a tensor."),
    ("Tensor", "ndimension is_inference is_neg is_conj", "They return a plain value, not a tensor."),
    ("Tensor", "type is_nonzero", "The language has its own form of them."),
    ("Tensor", "requires_grad_ retain_grad", "They tell autograd what to keep, and change no cell."),
    (
        "attribute",
        "shape ndim dtype device is_leaf requires_grad is_cuda",
        "They are plain values, not tensors.",
    ),
    ("attribute", "nbytes itemsize layout is_sparse is_meta is_quantized is_cpu", "They are plain values."),
    ("attribute", "grad data grad_fn", "The gradient and the memory of a tensor are made by no operation."),
)
"""Names without an entry that programs may write: where, the names, and why they need no entry."""
_A_LIST = 20  # items take as long as one more list does
DRAWING = 16  # a cell that is drawn from takes as long as so many that are computed


@dataclass(frozen=True, eq=False)
class FallbackOperation(Operation):
    """A function without an entry: its reads are measured or unknown, never guessed."""

    kind: str = "measured"

    @property
    def has_bounded_cost(self) -> bool:
        """Whether `peak` holds without the output's shape."""
        return self.name in _NO_TENSOR or self.name in BOUNDED or self.peak_for_call is not None

    def peak(self, call: Call, shape: Shape | None) -> int:
        """Return an upper bound: the size of the operands broadcast against each other."""
        if self.peak_for_call:
            return self.peak_for_call(call)
        if self.name in _NO_TENSOR:
            return 0
        if self.name == "kron":
            return prod(map(prod, call.shapes))
        if self.name in ("nonzero", "where"):  # each place that is found is as many numbers as there are axes
            return prod(call.shapes[0]) * max(len(call.shapes[0]), 1)
        if self.name == "multinomial":
            draws = int(call.kwargs.get("num_samples", [*call.args[1:2], 1][0]))
            return DRAWING * max(prod(call.shapes[0]), prod(call.shapes[0][:-1]) * draws)
        if self.name == "scaled_dot_product_attention":
            return attention_peak(call)
        return broadcast_peak(call, shape)

    def depends_on_shapes_only(self, call: Call) -> bool:
        return self.name == "grad" or super().depends_on_shapes_only(call)

    def output_count(self, call: Call) -> int:
        if self.output_count_for_call:
            return self.output_count_for_call(call)
        return 0 if self.name in _NO_TENSOR else 1

    def items(self, call: Call, shape: Shape | None) -> int:
        if self.name != "tolist":
            return 0
        own = call.shapes[0]
        lists: int = sum(accumulate(own[:-1], mul))
        return extent(own) + _A_LIST * lists

    def cost(self, call: Call, shape: Shape | None) -> int:
        if self.work_for_call:
            return max(self.work_for_call(call), self.peak(call, shape))
        attention = self.name == "scaled_dot_product_attention"
        return attention_work(call) if attention else self.peak(call, shape)

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


# Of functions without an entry: what an entry says of its speed holds for all calls of its name.
_SLOWNESS = {
    "cosine_similarity": 2,
    **dict.fromkeys(["multinomial", "kron", "nonzero"], 3),
    "allclose": 5,
    "dropout": 10,
}
_LINE_COST = {"cosine_similarity": 63}


@lru_cache(1_000)
def fallback(name: str) -> FallbackOperation:
    """Return the operation for a function without an entry, or for a call that its entry doesn't cover."""
    return FallbackOperation(
        name, "*args, **kwargs", slowness=_SLOWNESS.get(name, 1), line_cost=_LINE_COST.get(name, 0)
    )


def names_in(place: str) -> tuple[str, ...]:
    """Return the names without an entry that programs may write at a place; see `IN_LANGUAGE`."""
    return tuple(
        name for places, names, _ in IN_LANGUAGE if place in places.split() for name in names.split()
    )


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


def attention_work(call: Call) -> int:
    """Return the multiplications of an attention: as many for a score as the query is wide."""
    return attention_peak(call) * call.shapes[0][-1]


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
