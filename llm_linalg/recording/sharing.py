"""Whether autograd sees a write: not under `torch.no_grad()`, nor by way of a tensor that was detached."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record_node import RecordNode


def is_seen(writer: RecordNode) -> bool:
    """Return whether autograd has seen a write."""
    return not writer.no_grad and not sharing_of(writer).detached


class Sharing(NamedTuple):
    """Whether a tensor shares memory, and no gradient, with one that it was detached from.

    Attributes:
        detached: Whether it does.
        mixed: Whether numbers that have a gradient were written there since.
    """

    detached: bool
    mixed: bool = False


def lies_in(node: RecordNode) -> RecordNode | None:
    """Return that in whose memory a node may lie, as a part or a later state of it; None if it is new."""
    if not node.operands:
        return None
    if node.written_place is not None:
        return node.operands[node.written_place].node
    return node.operands[0].node if node.kind == "movement" or node.op == "detach" else None


_KNOWN: WeakKeyDictionary[RecordNode, Sharing] = WeakKeyDictionary()


def sharing_of(node: RecordNode) -> Sharing:
    """Return what a tensor shares, by way of those that it is a part or a later state of."""
    chain = []
    while node not in _KNOWN:
        whole = lies_in(node)
        if whole is None or node.op == "detach":
            _KNOWN[node] = Sharing(node.op == "detach")
            break
        chain.append(node)
        node = whole
    shared = _KNOWN[node]
    for own in reversed(chain):
        given = sum(has_gradient(operand.value) for operand in own.operands)
        shared = Sharing(shared.detached, shared.mixed or (shared.detached and own.is_write and given > 1))
        _KNOWN[own] = shared
    return shared
