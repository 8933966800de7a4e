"""Where a gradient flows back through a node, and where nobody knows: there it is refused, not left out.

Functions of the program that have a backward pass of their own, and hooks, are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor
from torch.nn.modules._functions import BackwardHookFunction

from llm_linalg.analysis.gradients.late_writes import LateWrites
from llm_linalg.analysis.saved_tensors import ENDS
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.ops.fallback import UntoldOperation, untold, untold_
from llm_linalg.ops.in_place import SET_DATA
from llm_linalg.ops.operation import NO_DERIVATIVE
from llm_linalg.ops.vjp import has_gradient, whole_vjp
from llm_linalg.recording.aliasing import AliasUpdate
from llm_linalg.recording.record import AskFunction
from llm_linalg.recording.record_node import ALIAS, N, RecordNode
from llm_linalg.recording.sharing import is_hidden, is_part, is_seen

_CONSTANTS = frozenset(["arange", "linspace", "logspace"])
_MODULE_HOOK = BackwardHookFunction.__name__
"""The step at which torch calls a hook of a module's gradient, which nobody can ask for it."""


def kept_places(node: RecordNode) -> tuple[int, ...] | None:
    """Return the operands to which a gradient goes back as it is; None if it goes by the rule of the call.

    A write that autograd has not seen, under `torch.no_grad()` or by way of `x.data`, changes nothing for it:
    the tensor's gradient is that of the tensor before.
    """
    call = node.call
    if call is None or node.op in ENDS:
        return ()
    if isinstance(call.operation, AliasUpdate):
        return None if all(_are_seen(node)) else (0,)
    if not is_hidden(node):
        return None
    return () if node.written_place is None else (node.written_place,)


def _are_seen(alias: RecordNode) -> list[bool]:
    """Return for each write that a refresh shows whether autograd takes it for one of the tensor, too."""
    before, *writers = [operand.node for operand in alias.operands]
    return [is_seen(own, before) for own in writers]


def written_leaves(nodes: Sequence[N]) -> list[N]:
    """Return the leaves that were written unseen: of all their states' uses each has one gradient."""
    first: dict[N, N] = {}
    for node in nodes:
        for place in kept_places(node) or ():
            before = node.operands[place].node
            first[node] = first.get(before, before)
    return [own for own in dict.fromkeys(first.values()) if not own.operands]


def open_places(node: RecordNode) -> list[int]:
    """Return the operands to which a gradient of a node flows back, if they are of numbers that have one."""
    kept, made = kept_places(node), node.call.places.get("results", ()) if node.call else ()
    places = range(len(node.operands)) if kept is None else kept
    return [place for place in places if place not in made and _has_history(node.operands[place].node)]


def _has_history(node: RecordNode) -> bool:
    """Return whether torch says where a tensor comes from; of a step under `torch.no_grad()` it does not."""
    return not node.no_grad or node.is_write or not node.operands


def needed(
    nodes: Sequence[RecordNode], last: RecordNode, ends: Set[RecordNode] = frozenset()
) -> set[RecordNode]:
    """Return the nodes to which a gradient of the last one may flow; it ends at some."""
    reached = {last}
    for node in reversed(nodes[: last.index + 1]):
        if node in reached and node not in ends and has_gradient(node.value):
            reached.update(node.operands[place].node for place in open_places(node))
    return {node for node in reached if has_gradient(node.value)}


def ends_of(
    nodes: Sequence[RecordNode], last: RecordNode, *, can_ask: bool = False, partial: bool = False
) -> set[RecordNode]:
    """Return the nodes at which a gradient ends since nobody knows how it goes on.

    Args:
        nodes: The nodes of the trace.
        last: The node whose gradient it is.
        can_ask: Whether functions that the trace does not hold can be asked for.
        partial: Whether the numbers that are wrong for that are left out by who asks.

    Raises:
        LookupError: If a number would be wrong: it goes on to an input, or to what has a gradient by another
            way; if there is none at all.
    """
    if not _has_history(last):
        raise LookupError(f"{place_of(last)} was made under no_grad: torch has no gradient of it")
    reached, late = needed(nodes, last), LateWrites(nodes[: last.index + 1])
    lost = {node: why for node in reached if (why := _lost(node, can_ask) or _overwritten(node, late))}
    if partial or not lost:
        return {*lost}
    others = needed(nodes, last, lost.keys())
    for node, why in sorted(lost.items(), key=lambda item: -item[0].index):
        unknown = unknown_beyond(nodes, node)
        if node in unknown or any(own in others or _may_be_asked_for(own) for own in unknown):
            raise LookupError(f"the gradient flows through {_lost_at(nodes, node, why)}")
    return {*lost}


def _lost_at(nodes: Sequence[RecordNode], node: RecordNode, why: str) -> str:
    """Say at which node a gradient is lost, and why; what no call has made has the line of its first use."""
    if not node.flows_on:
        return f"{place_of(node)}, {why}"
    if node.gap is not None:
        return f"{node.gap.which}, {why}"
    users = (own for own in nodes if any(operand.node is node for operand in own.operands))
    user = next(users, None) if not node.operands else None
    if user is None:
        return f"{place_of(node)}, {why}"
    if node.op == "parameter":
        return f"{node.title}, which is frozen for some of its uses, and is first used in {place_of(user)}"
    return f"{node.title}, made by calls that were not recorded, which is first used in {place_of(user)}"


def unknown_beyond(nodes: Sequence[RecordNode], node: RecordNode) -> set[RecordNode]:
    """Return the nodes whose gradient is not known where nobody knows how one goes on at a node."""
    own_is_wrong = node.flows_on or node.has_hook
    return needed(nodes, node) - (set() if own_is_wrong else {node})


def _may_be_asked_for(node: RecordNode) -> bool:
    """Return whether somebody may want the gradient of a node: it comes from outside, and is no constant."""
    return not node.operands and node.op not in _CONSTANTS


def is_lost(node: RecordNode) -> bool:
    """Return whether nobody here knows how a gradient goes back through a node."""
    return bool(_lost(node, can_ask=False))


def _lost(node: RecordNode, can_ask: bool) -> str:
    """Return why nobody knows how a gradient goes back through a node; empty if it is known."""
    call = node.call
    if node.flows_on:
        return "which are not kept" if node.gap else "whose gradient is up to calls that were not recorded"
    if node.op == _MODULE_HOOK or (node.has_hook and not (node.hooks or can_ask)):
        return "whose gradient a hook may change, which the trace does not hold"
    if node.op == SET_DATA and is_part(node.operands[0].node):
        return "which has the history of another still, and no longer its memory"
    if call is None or kept_places(node) == ():
        return ""
    if node.op == ALIAS and any(own.value.dtype != node.value.dtype for own in node.operands):
        return "whose memory was written as numbers of another type"
    if isinstance(call.operation, AliasUpdate):
        return "of which autograd has seen some writes and not others" if len({*_are_seen(node)}) > 1 else ""
    if kept_places(node) is not None:  # it goes back as it is
        return ""
    if call.function in (untold, untold_) and not can_ask:
        return "whose function the trace does not hold"
    return "which has no derivative in torch" if NO_DERIVATIVE in call.operation.gradient.values() else ""


def _overwritten(node: RecordNode, late: LateWrites) -> str:
    """Return why torch has no gradient of a node as it was: it needs numbers that were written over."""
    write = late.over(node) if node.call and kept_places(node) is None and not is_own(node) else None
    return f"which needs numbers that {place_of(write)} has changed since" if write else ""


def place_of(node: RecordNode) -> str:
    """Return what a node is called, its operation, and where it was made."""
    while node.composite is not None:
        node = node.composite
    where = f"{Path(node.file).name}:{node.line}" if node.file else f"line {node.line}"
    return f"{node.title} ({node.op})" if node.line is None else f"{node.title} ({node.op}, {where})"


# Functions of the program


@contextmanager
def refusing(step: str) -> Iterator[None]:
    """Say which step has no gradient, if torch or a function of the program raises something."""
    try:
        yield
    except (LimitError, HaltedError):
        raise
    except ProgramError as error:
        raise LookupError(f"the gradient flows through {step}: {error.message}") from error
    except Exception as error:
        raise LookupError(f"the gradient flows through {step}, and torch has none there: {error}") from error


def is_own(node: RecordNode) -> bool:
    """Return whether a node is what a function gave that has a backward pass of its own."""
    return node.call is not None and isinstance(node.call.operation, UntoldOperation)


def outputs_of(nodes: Sequence[N], node: N) -> list[N]:
    """Return all outputs of the call of a node."""
    first = node.index - (node.call.position if node.call else 0)
    return [other for other in nodes[first:] if other.operands is node.operands]


def own_gradients(
    node: RecordNode, cotangents: Sequence[Tensor | None], ask: AskFunction | None
) -> Sequence[Tensor]:
    """Return the gradient of each operand of a function of the program, from one for each of its outputs."""
    if ask is not None:
        return ask(node.index, False, cotangents)
    return [] if node.call is None else whole_vjp(node.call, cotangents)


def after_hooks(node: RecordNode, gradient: Tensor, ask: AskFunction | None) -> Tensor:
    """Return the gradient of a node as its hooks leave it."""
    if ask is not None and node.has_hook:
        return ask(node.index, True, [gradient])[0]
    return node.changed_by_hooks(gradient)
