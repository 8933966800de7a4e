"""Whether autograd sees a write: not under `torch.no_grad()`, nor by way of a tensor that was detached."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from torch import Tensor

from llm_linalg.ops.in_place import SET_DATA
from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record_node import RecordNode

_DATA = Tensor.data.__get__  # type: ignore[attr-defined]


def is_hidden(node: RecordNode) -> bool:
    """Return whether autograd passes a call by: one under `torch.no_grad()`, or `x.data = y`."""
    return node.no_grad or node.op == SET_DATA


def is_seen(writer: RecordNode) -> bool:
    """Return whether autograd has seen a write."""
    return not is_hidden(writer) and not sharing_of(writer).detached


def is_counted(writer: RecordNode, node: RecordNode) -> bool:
    """Return whether torch counts a write as one of what another node shows, too.

    A tensor that was detached has the counter of the other, `x.data` one of its own, and `x.data = y` keeps
    that of `x`.
    """
    return writer.op != SET_DATA and sharing_of(writer).counter is sharing_of(node).counter


class Sharing(NamedTuple):
    """What a tensor shares with those that it is a part or a later state of.

    Attributes:
        counter: The first node whose writes torch counts as its own.
        detached: Whether it shares memory, and no gradient, with one that it was detached from.
        mixed: Whether numbers that have a gradient were written there since.
    """

    counter: RecordNode
    detached: bool = False
    mixed: bool = False


def lies_in(node: RecordNode) -> RecordNode | None:
    """Return that of which a node may be a part or a later state; None if it is new."""
    if not node.operands:
        return None
    if node.written_place is not None:
        return node.operands[node.written_place].node
    return node.operands[0].node if node.kind == "movement" else None


_KNOWN: WeakKeyDictionary[RecordNode, Sharing] = WeakKeyDictionary()


def sharing_of(node: RecordNode) -> Sharing:
    """Return what a tensor shares, by way of those that it is a part or a later state of."""
    chain = [node]
    while chain[-1] not in _KNOWN and (whole := lies_in(chain[-1])) is not None:
        chain.append(whole)
    shared = _KNOWN.setdefault(chain[-1], Sharing(chain[-1]))
    for own in reversed(chain[:-1]):
        shared = _KNOWN[own] = _shared_by(own, shared)
    return shared


def _shared_by(node: RecordNode, whole: Sharing) -> Sharing:
    """Return what a node shares that is a part or a later state of something."""
    if node.op == SET_DATA:
        return Sharing(whole.counter)
    if node.op == "detach":
        has_own = node.call is not None and node.call.function == _DATA
        return Sharing(node if has_own else whole.counter, detached=True)
    given = sum(has_gradient(operand.value) for operand in node.operands)
    mixed = whole.mixed or (whole.detached and node.is_write and given > 1)
    return whole._replace(mixed=mixed)
