"""Whether autograd sees a write: not under `torch.no_grad()`, nor by way of a tensor that was detached."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.in_place import SET_DATA, UNSEEN
from llm_linalg.recording.record_node import ALIAS, RecordNode

_DATA = Tensor.data.__get__  # type: ignore[attr-defined]


def is_hidden(node: RecordNode) -> bool:
    """Return whether autograd passes a call by: one under `torch.no_grad()`, or a write like `x.data = y`."""
    return node.no_grad or node.op in UNSEEN


def is_seen(writer: RecordNode, node: RecordNode) -> bool:
    """Return whether autograd takes a write for one of what a node shows, too."""
    return not is_hidden(writer) and sharing_of(writer).whole is sharing_of(node).whole


def is_counted(writer: RecordNode, node: RecordNode) -> bool:
    """Return whether torch counts a write as one of what a node shows, too.

    A tensor that was detached has the counter of the other, `x.data` one of its own, and `x.data = y` keeps
    that of `x`.
    """
    return writer.op != SET_DATA and sharing_of(writer).counter is sharing_of(node).counter


def is_part(node: RecordNode) -> bool:
    """Return whether autograd takes a tensor, in whatever state, for a part of another."""
    while node.written_place is not None:
        node = node.operands[node.written_place].node
    return node.op != "detach" and lies_in(node) is not None


class Sharing(NamedTuple):
    """What a tensor shares with those that it is a part or a later state of; it keeps none of them alive.

    Attributes:
        whole: The first of them, of which autograd takes it for a part.
        counter: The first whose writes torch counts as its own.
    """

    whole: ref[RecordNode]
    counter: ref[RecordNode]


def lies_in(node: RecordNode) -> RecordNode | None:
    """Return that of which a node is a part or a later state; None if it is new."""
    if not node.operands:
        return None
    if node.written_place is not None:
        return node.operands[node.written_place].node
    return node.operands[0].node if _is_view(node) else None


_KNOWN: WeakKeyDictionary[RecordNode, Sharing] = WeakKeyDictionary()


def sharing_of(node: RecordNode) -> Sharing:
    """Return what a tensor shares, by way of those that it is a part or a later state of."""
    chain = [node]
    while chain[-1] not in _KNOWN and (whole := lies_in(chain[-1])) is not None:
        chain.append(whole)
    shared = _KNOWN.setdefault(chain[-1], Sharing(ref(chain[-1]), ref(chain[-1])))
    for own in reversed(chain[:-1]):
        if own.op == "detach":
            has_own = own.call is not None and own.call.function == _DATA
            shared = Sharing(ref(own), ref(own) if has_own else shared.counter)
        _KNOWN[own] = shared
    return shared


def _is_view(node: RecordNode) -> bool:
    """Return whether a call has given a part of its first operand, and no copy: as it does without cells."""
    call = node.call
    may = node.kind == "movement" or node.value.is_complex() or node.operands[0].value.is_complex()
    if call is None or not may or node.op in (ALIAS, "detach"):
        return node.op in (ALIAS, "detach")
    try:
        with untraced(), torch.inference_mode(False), torch.no_grad():
            made = call.run([_without_cells(operand.value) for operand in node.operands])[call.position]
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):  # it depends on cells
        return False
    return bool(made._is_view())  # noqa: SLF001  torch has no other word for it


def _without_cells(value: Tensor) -> Tensor:
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
