"""Whether autograd sees a write: not under `torch.no_grad()`, nor by way of a tensor that was detached."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from llm_linalg.ops.in_place import SET_DATA
from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record_node import RecordNode


def is_hidden(node: RecordNode) -> bool:
    """Return whether autograd passes a call by: one under `torch.no_grad()`, or `x.data = y`."""
    return node.no_grad or node.op == SET_DATA


def is_seen(writer: RecordNode) -> bool:
    """Return whether autograd has seen a write."""
    return not is_hidden(writer) and not sharing_of(writer).detached


def is_apart(writer: RecordNode, node: RecordNode) -> bool:
    """Return whether a write is into what `x.data = y` has put into the same memory, under another name."""
    return sharing_of(writer).moved is not sharing_of(node).moved


class Sharing(NamedTuple):
    """Whether a tensor shares memory, and no gradient, with one that it was detached from.

    Attributes:
        detached: Whether it does.
        mixed: Whether numbers that have a gradient were written there since.
        moved: The `x.data = y` that has put it where it lies; None without one.
    """

    detached: bool
    mixed: bool = False
    moved: RecordNode | None = None


def lies_in(node: RecordNode) -> RecordNode | None:
    """Return that of which a node may be a part or a later state; None if it is new."""
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
        if whole is None or node.op in ("detach", SET_DATA):
            _KNOWN[node] = Sharing(node.op == "detach", moved=node if node.op == SET_DATA else None)
            break
        chain.append(node)
        node = whole
    shared = _KNOWN[node]
    for own in reversed(chain):
        given = sum(has_gradient(operand.value) for operand in own.operands)
        mixed = shared.mixed or (shared.detached and own.is_write and given > 1)
        shared = shared._replace(mixed=mixed)
        _KNOWN[own] = shared
    return shared
