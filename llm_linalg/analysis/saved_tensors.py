"""What autograd keeps of an operation for the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from contextlib import suppress

import torch
from torch import Tensor

from llm_linalg.ops.batch_norms import STATISTICS
from llm_linalg.ops.reads import has_any, whole
from llm_linalg.ops.vjp import has_gradient, rerun
from llm_linalg.recording.aliasing import AliasUpdate, storage_id
from llm_linalg.recording.record_node import N
from llm_linalg.recording.sharing import is_hidden

ENDS = frozenset(["detach", "grad", *STATISTICS])
"""The operations that pass no gradient on."""


def learned_nodes(nodes: Sequence[N]) -> set[N]:
    """Return the nodes that a gradient flows through: to what requires one.

    Where nothing does, as in a plain run of a model whose parameters are frozen, it is as if all parameters
    did, or without any all that comes in.
    """
    inputs = [node for node in nodes if node.call is None and has_gradient(node.value)]
    learned = {node for node in nodes if node.requires_grad}
    learned = learned or {node for node in inputs if node.op == "parameter"} or set(inputs)
    for node in nodes:
        if has_gradient(node.value) and any(source in learned for source in _sources(node)):
            learned.add(node)
    return learned


def _sources(node: N) -> list[N]:
    """Return the operands by which a node may require a gradient; of a write under `no_grad` its target."""
    if is_hidden(node):
        return [] if node.written_place is None else [node.operands[node.written_place].node]
    if node.op in ENDS or node.kind == "creation":  # such as `rand_like`
        return []
    if not node.is_one_of_several or node.kind != "movement" or len(node.operands) == 1:
        return [operand.node for operand in node.operands]
    read = [own.back(whole(node.shape)) for own in node.operand_reads]  # as `broadcast_tensors` reads one
    return [operand.node for operand, mask in zip(node.operands, read, strict=True) if has_any(mask)]


def saved_tensors(node: N, learned: Set[N], outputs: Sequence[N] = ()) -> list[tuple[Tensor, N | None]]:
    """Return the tensors that autograd keeps of an operation, each with the node whose memory it is.

    That is an operand, or a result; None is what its call made beside its results, such as a mask.

    Args:
        node: The operation, which is run again.
        learned: The nodes that require a gradient.
        outputs: All results of its call, if it has several.
    """
    call = node.call
    if node not in learned or is_hidden(node) or call is None or isinstance(call.operation, AliasUpdate):
        return []
    given = [own.value.clone() if own.value.is_inference() else own.value.detach() for own in node.operands]
    leaves = [
        value.requires_grad_(own.node in learned and has_gradient(value))
        for value, own in zip(given, node.operands, strict=True)
    ]
    places = {storage_id(own.value): own.node for own in node.operands}
    saved: list[Tensor] = []
    results: list[Tensor] = []

    def replay(tensors: Sequence[Tensor]) -> Tensor:
        private = call.private(tensors)  # what autograd keeps of a copy it keeps of the operand
        places.update(
            {storage_id(own): operand.node for own, operand in zip(private, node.operands, strict=True)}
        )
        results.extend(call.run(private))
        return results[call.position]

    with (
        torch.enable_grad(),
        torch.autograd.graph.saved_tensors_hooks(_noted(saved), lambda tensor: tensor),
    ):
        made = None
        with suppress(RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            made = rerun(replay, leaves)
    if made is not None:
        places.update({storage_id(own): other for own, other in zip(results, outputs, strict=False)})
        places[storage_id(made)] = node
    return [(tensor, places.get(storage_id(tensor))) for tensor in saved]


def _noted(saved: list[Tensor]) -> Callable[[Tensor], Tensor]:
    def note(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    return note
