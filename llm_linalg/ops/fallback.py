"""Operations without an entry in the table: measured by autograd where possible, else opaque."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.arguments import tensors_in
from llm_linalg.ops.autograd_reads import AutogradProbe, AutogradReads
from llm_linalg.ops.operation import Call, Operation, Work, broadcast_work
from llm_linalg.ops.reads import OpaqueReads, Reads

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


@dataclass(frozen=True, eq=False)
class FallbackOperation(Operation):
    """A function without an entry: its reads are measured or unknown, never guessed."""

    kind: str = "measured"

    def own_work(self, call: Call, shape: Shape | None) -> Work:
        return Work(0) if self.name in _NO_TENSOR else broadcast_work(call, shape)

    def output_count(self, call: Call) -> int:
        return 0 if self.name in _NO_TENSOR else super().output_count(call)

    def multiplications(self, call: Call) -> int | None:
        return None

    def evidence_of(self, reads: Callable[[], tuple[Reads, ...]]) -> str:
        measured = any(isinstance(relation, AutogradReads) for relation in reads())
        return "autograd" if measured else "opaque"

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
def fallback(name: str, signature: str = "*args, **kwargs") -> FallbackOperation:
    """Return the operation for a function without an entry, or for a call that its entry doesn't cover."""
    return FallbackOperation(name, signature)


def covered(operation: Operation, arguments: Mapping[str, Any], parameters: Collection[str]) -> Operation:
    """Return an operation if no parameters but some hold tensors; else what measures the call.

    In `x.sum(torch.tensor(0))` there is one that says along which axis: no rule knows such an operand.
    """
    others = [value for name, value in arguments.items() if name not in parameters]
    is_known = not any(True for _ in tensors_in(others))
    return operation if is_known else fallback(operation.name, operation.signature)


def _autograd_probe(call: Call, place: int, seed: int, sign: int) -> AutogradProbe:
    values = [_probe(tensor, 10 * seed + position, sign) for position, tensor in enumerate(call.tensors)]
    return AutogradProbe(call, values, place)


def _probe(tensor: Tensor, seed: int, sign: int) -> Tensor:
    """Return generic values of a tensor's shape; integers and masks are kept."""
    if not tensor.dtype.is_floating_point:
        return tensor.detach()
    generator = torch.Generator().manual_seed(seed + 1)
    values = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    return (sign * values).to(tensor.dtype)


@dataclass(frozen=True, eq=False)
class UntoldOperation(Operation):
    """An operation whose function is not in the trace: its values are there, and nothing is computed anew."""

    kind: str = "measured"
    evidence: str = "opaque"


def untold(*_tensors: Tensor) -> Tensor:
    """Stand for a function that is not in the trace.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError("the trace does not hold this function")
