"""Map tensors to nodes: by identity, by program name, and across in-place writes through aliases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import ref

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call
from llm_linalg.recording.aliasing import StorageMap, TrackedTensor, storage_id, version_of
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.listener import Listener
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import ALIAS, OUTSIDE, LazyCall, Operand, Origin, RecordNode
from llm_linalg.recording.retention import MOST_NODES, ValueCache

FEW_NAMES = 20  # of a tensor that is written, which a listener is told at once
MOST_DENSE = 2**24  # cells of a sparse tensor that are written out

Hook = Callable[[Tensor], Any]
Where = Callable[[], Origin]
_TENSORS: frozenset[type[Tensor]] = frozenset([Tensor, torch.nn.Parameter])
_MODES = torch._C._len_torch_function_stack  # noqa: SLF001  how many modes there are that see each call


class TensorIndex:
    """The nodes of a recording, and the tensors that they stand for.

    Args:
        where: Returns the place of the call that is being made.
        keep: The most bytes of values to keep; None for all.
        around: The position of a node around which they are kept; None for the latest.

    Attributes:
        node_type: The class of its nodes.
        nodes: The nodes so far, in order.
        names: The node that each name was bound to.
        heeds_grad_mode: Whether no gradient flows through what is made under `torch.no_grad()`.
        sees_arrays: Whether what NumPy writes is recorded, too; else memory that an array lends is compared.
        older: Which tensors there were, by id, before the first call that is not recorded, such as one within
            `torch.vmap`; None if there was none.
        saving_hooks: How many of the program's `saved_tensors_hooks` are open, which may change gradients.
        checkpoint: The number of the `torch.utils.checkpoint` that runs; 0 without.
        gaps: The turns of loops that were not recorded.
        is_paused: Whether calls are made without being recorded.
        before_drop: Called before a node's values are dropped.
        listener: Who is told what is recorded; None for nobody.
    """

    node_type: type[RecordNode] = RecordNode
    listener: Listener | None = None

    def __init__(self, where: Where, keep: int | None = None, around: int | None = None) -> None:
        super().__init__()
        self.nodes: list[RecordNode] = []
        self.names: dict[str, RecordNode] = {}
        self.heeds_grad_mode = False
        self.sees_arrays = False
        self.older: dict[int, ref[Tensor]] | None = None
        self.saving_hooks = self.checkpoint = 0
        self._labels: dict[int, tuple[Tensor, str, str]] = {}
        self._where = where
        self._tracked: dict[int, TrackedTensor] = {}  # by tensor id
        self._tensors: list[Tensor | None] = []  # of each node, until it is dropped
        self._bound: dict[str, Tensor] = {}  # by name, in the order in which the names were first bound
        self._bound_names: dict[int, set[str]] = {}  # by tensor id
        self._name_places: dict[str, int] = {}  # in that order
        self._gradients: dict[int, tuple[Tensor, RecordNode]] = {}  # those that the program read
        self._dropped: dict[int, tuple[ref[Tensor], RecordNode]] = {}  # by tensor id
        self._dropped_tensors: dict[int, ref[Tensor]] = {}  # by node
        self._cache = None if keep is None else ValueCache(keep, around, self._drop)
        self._storages = StorageMap(self._cache.note_move) if self._cache else StorageMap()
        self.gaps: list[Gap] = []
        self.is_paused = False
        self._left: dict[str, Tensor] = {}  # by the names that were bound, or written to, meanwhile
        self._left_at: dict[str, Origin] = {}  # where these names were bound
        self._places: dict[tuple[str, int | None], Origin] = {}  # of names bound in the gap, by line
        self._numbers: dict[tuple[str, int | None], list[float]] = {}  # of names bound meanwhile, by line
        self._switches: list[tuple[RecordNode, int]] = []  # of a parameter, and before which node
        self._own_hooks: dict[int, tuple[Hook, Hook]] = {}  # by id: what torch calls, and what that calls
        self._histories: list[tuple[RecordNode, Any]] = []  # of tensors that came in: what autograd knows
        self._leaves_in: dict[int, tuple[Tensor, RecordNode]] = {}  # by id: those whose gradients it keeps
        self._forgotten: dict[int, RecordNode] = {}  # by tensor id: the node that it had before a gap
        self.before_drop: Callable[[], None] = lambda: None

    def input(
        self, tensor: Tensor, name: str | None, op: str = "input", origin: Origin | None = None
    ) -> RecordNode:
        """Add a node for a tensor that comes from outside; without an origin, it comes where the run is."""
        with untraced():
            node = self._node(op, tensor, origin=origin)
            node.bound_name = name
            if tensor.grad_fn is not None:
                self._histories.append((node, tensor.grad_fn))
            elif tensor.requires_grad and id(tensor) not in self._leaves_in:
                self._leaves_in[id(tensor)] = tensor, node
                node.hooks = self._hooks_of(tensor)
            return self._add(node, tensor)

    def hooked(self, tensor: Tensor) -> RecordNode | None:
        """Return the node whose gradient a hook of a tensor sees: that of a leaf is one for all uses."""
        leaf = self._leaves_in.get(id(tensor))
        return self.node_of(tensor) if leaf is None else leaf[1]

    def note_switch(self, leaf: Tensor) -> None:
        """Take note that autograd follows a parameter from now on, or no longer; others may be constants."""
        tracked = self._tracked.get(id(leaf))
        if tracked is None:
            return
        tracked.node.requires_grad = tracked.node.requires_grad or leaf.requires_grad
        if _op_of(leaf) == "parameter":
            self._switches.append((tracked.node, len(self.nodes)))

    def _note_switched(self) -> None:
        """Note of which parameters autograd has followed some uses and not others: nodes don't say which."""
        uses: dict[RecordNode, list[int]] = {leaf: [] for leaf, _ in self._switches}
        for node in self.nodes if uses else ():
            for operand in node.operands:
                if operand.node in uses:
                    uses[operand.node].append(node.index)
        for leaf, at in self._switches:
            leaf.flows_on |= bool(uses[leaf]) and uses[leaf][0] < at <= uses[leaf][-1]

    def note_hook(self, called: Hook, hook: Hook) -> None:
        """Take note of what torch calls in place of a hook of the program."""
        self._own_hooks[id(called)] = called, hook

    def _hooks_of(self, leaf: Tensor) -> tuple[Hook, ...]:
        """Return the functions of the program that change the gradient of a leaf, in their order."""
        hooks = leaf._backward_hooks or {}  # noqa: SLF001 - torch has no other name for it
        return tuple([self._own_hooks.get(id(hook), (hook, hook))[1] for hook in hooks.values()])

    def _forget(self, tensor: Tensor) -> None:
        """Let a tensor come in anew when it is used next."""
        self._forgotten[id(tensor)] = self._tracked.pop(id(tensor)).node
        self._left.update(dict.fromkeys(self.names_of(tensor), tensor))

    def adopt(self, tensor: Tensor, node: RecordNode) -> None:
        """Register a tensor as a node of another trace."""
        self._tracked[id(tensor)] = TrackedTensor(tensor, node, Operand(node.value, node))

    def node_of(self, tensor: Tensor) -> RecordNode | None:
        """Return a tensor's node, refreshed if an alias was written; None for a tensor that is unknown.

        In a gap none is known: nobody sees what is written there.
        """
        if self.is_paused:
            return None
        tracked = self._tracked.get(id(tensor))
        if tracked is not None:
            with untraced():  # to ask for a version is a call that a mode sees
                is_current = self._storages.is_current(tracked)
            return tracked.node if is_current else self._update(tracked)
        gone = self._dropped.get(id(tensor))
        return gone[1] if gone and gone[0]() is tensor else None

    def bind(self, name: str, tensor: Tensor, line: int | None = None) -> RecordNode | None:
        """Bind a program name to a tensor, and return the tensor's node; None if it has none in a gap.

        Where a line says that the place is the same, it is looked for only once in a gap.
        """
        if self.is_paused:
            place = self._places.get((name, line)) if line else None
            if place is None:
                place = self._places[name, line] = self._where()
            self._left[name], self._left_at[name] = tensor, place
            self._note_number(name, tensor, place)
            self._bind(name, tensor)
            return None
        node = self.node_of(tensor) or self._new_input(tensor, name)
        if node.bound_name is None:
            node.bound_name = name
        self.names[name] = node
        self._left.pop(name, None)
        if self._numbers:
            missed = self._numbers.pop((name, _line(self._where())), None)
            node.missed = node.missed if missed is None else tuple(missed)
        self._bind(name, tensor)
        if self.listener is not None:
            self.listener.bound(name, node)
        return node

    def _bind(self, name: str, tensor: Tensor) -> None:
        """Bind a name to a tensor, in place of whatever it was bound to."""
        before = self._bound.get(name)
        if before is not None:
            others = self._bound_names.pop(id(before)) - {name}
            if others:
                self._bound_names[id(before)] = others
        self._bound[name] = tensor
        self._bound_names.setdefault(id(tensor), set()).add(name)
        self._name_places.setdefault(name, len(self._name_places))

    def names_of(self, tensor: Tensor) -> list[str]:
        """Return the names that are bound to a tensor now, in the order in which they were first bound."""
        return sorted(self._bound_names.get(id(tensor), ()), key=self._name_places.__getitem__)

    def _note_number(self, name: str, tensor: Tensor, place: Origin) -> None:
        """Keep the number that a name is bound to in a gap, for the curve over all turns."""
        with untraced():
            if tensor.dim() or tensor.is_complex() or tensor.dtype is torch.bool:
                return
            try:
                number = float(tensor.item())
            except RuntimeError:  # on the meta device, or within a transform
                return
        self._numbers.setdefault((name, _line(place)), []).append(number)

    def name_values(self, tensors: Mapping[str, Tensor]) -> None:
        """Bind names to tensors, and give them to all that the tensors held before, if that has no name."""
        names = {id(tensor): name for name, tensor in reversed(list(tensors.items()))}
        for node, own in zip(self.nodes, self._tensors, strict=True) if names else ():
            if own is not None and node.bound_name is None and id(own) in names:
                node.bound_name = names[id(own)]
                self.names[names[id(own)]] = node

    def label(self, tensor: Tensor, name: str, words: str = "") -> None:
        """Name a tensor that may come in later; `words` is what it is called, where that is not its name."""
        self._labels[id(tensor)] = (tensor, name, words)

    def label_of(self, tensor: Tensor) -> str | None:
        """Return the name that `label` gave a tensor; None without one."""
        return self._labels.get(id(tensor), (tensor, None, ""))[1]

    def pause(self) -> None:
        """Record nothing from now on. What nodes show is moved to where nobody writes."""
        self.is_paused = True
        self._places.clear()
        with untraced():
            self._storages.preserve_all()

    def resume(self, gap: Gap) -> None:
        """Record again. What holds other cells than its node shows comes in anew, as if from outside."""
        self.is_paused = False
        self.gaps.append(gap)
        if self.listener is not None:
            self.listener.gap(gap)
        with untraced():
            for tracked in list(self._tracked.values()):
                tracked.version = version_of(tracked.tensor)
                if not is_same(detach_value(tracked.tensor), tracked.node.value):
                    self._forget(tracked.tensor)

    def preserve(self, tensors: Sequence[Tensor]) -> None:
        """Keep what nodes show of tensors that are about to be written by what is not recorded as a call."""
        self._storages.preserve(tensors)

    def watch(self, tensor: Tensor) -> None:
        """Compare a tensor's cells at each use from now on: others may write there without being seen."""
        with untraced():
            self._storages.watch(tensor)

    def undoing_writes(self) -> AbstractContextManager[None]:
        """Return a context at whose end all memory has again what calls have written over within it."""
        return self._storages.undoing_writes()

    def name_targets(self) -> None:
        """Name nodes that are still nameless after the variables that they were assigned to."""
        for node in self.nodes:
            if node.bound_name is None and node.target and not node.is_input:
                node.bound_name = node.target

    def finish(self, source: str, seed: int, printed: str = "") -> Record[Any]:
        """Return the record; each name is bound to a node with what its tensor holds now."""
        if self.is_paused:
            raise RuntimeError("a gap has to end before the record does")
        for tensor in self._bound.values():
            if id(tensor) in self._tracked:
                self.node_of(tensor)
        with untraced():
            for tensor in self._storages.changed():
                self._recover(tensor)
            for tracked in self._tracked.values():
                if not self._storages.is_accounted_for(tracked):
                    self._recover(tracked.tensor)
        self._note_histories()
        self._note_switched()
        for tensor, node in self._leaves_in.values():
            node.hooks = self._hooks_of(tensor)
        for name, tensor in self._left.items():
            self.names[name] = self.operand(tensor).node
        if self.listener is not None:
            for name, node in self.names.items():
                self.listener.bound(name, node)
        record: Record[Any] = Record(self.nodes, self.names, source, seed, printed)
        record.gaps = tuple(self.gaps)
        return record

    def _note_histories(self) -> None:
        """Note which tensors that came in were made, unseen, from others of the record."""
        if not self._histories:
            return
        with untraced():
            own = {id(tensor): tensor for tensor in self._tensors if tensor is not None}
            made = {tensor.grad_fn for tensor in own.values()} - {grad_fn for _, grad_fn in self._histories}
            for node, grad_fn in self._histories:
                todo, seen = [grad_fn], set()
                while todo and not node.flows_on:
                    step = todo.pop()
                    seen.add(step)
                    node.flows_on = step in made or id(getattr(step, "variable", None)) in own
                    todo += [other for other, _ in step.next_functions if other and other not in seen]

    def release(self) -> None:
        """Let go of all tensors and of whoever records them: nothing is recorded any more.

        The program's tensors hold the graph of autograd. Nodes keep detached values.
        """
        self._where, self._storages, self._cache = Origin, StorageMap(), None
        self.before_drop = lambda: None
        held = self._tracked, self._tensors, self._gradients, self._labels, self._bound, self._leaves_in
        for tensors in (*held, self._own_hooks):
            tensors.clear()

    def _node(
        self,
        op: str,
        tensor: Tensor,
        operands: tuple[Operand[RecordNode], ...] = (),
        call: Call | LazyCall | None = None,
        origin: Origin | None = None,
    ) -> RecordNode:
        """Return the next node, for a tensor; without an origin it comes where the run is."""
        place = self._where() if origin is None else origin
        return self.node_type(len(self.nodes), op, detach_value(tensor), operands, call, place)

    def _add(self, node: RecordNode, tensor: Tensor, *, wrote: bool = False) -> RecordNode:
        """Add a node for a tensor; `wrote` says whether its call wrote into the tensor's storage."""
        nodes = self.nodes
        if len(nodes) >= MOST_NODES:
            raise LimitError(f"more than {MOST_NODES:,} operations: trace a part, or run fewer rounds")
        if self.heeds_grad_mode and not torch.is_grad_enabled() and node.op != ALIAS:
            node.no_grad = True  # but a refresh goes back as its writers do, whoever looks
        elif self.saving_hooks and node.operands:
            node.flows_on = True
        if self.checkpoint:
            node.checkpoint = self.checkpoint
        if not node.operands and tensor.requires_grad:
            node.requires_grad = True
        nodes.append(node)
        tracked = self._tracked[id(tensor)] = self._storages.track(tensor, node)
        if wrote:
            self._storages.note_write(tracked)
            self._rename(tensor, node)
        elif not (node.operands or self.sees_arrays or node.op == "parameter"):
            with untraced():
                self._storages.watch_borrowed(tensor)
        self._tensors.append(tensor)
        if node.op == "grad" and node.operands:
            self._gradients[id(tensor)] = tensor, node
        if self.listener is not None:
            self._tell(self.listener, node, tensor, wrote)
        if self._cache is not None:
            self._cache.add(node)
        return node

    def _rename(self, tensor: Tensor, node: RecordNode) -> None:
        """Give a tensor's names its new node, which is named after the first of them."""
        names = self.names_of(tensor)
        if names and node.bound_name is None:
            node.bound_name = names[0]
        self.names.update(dict.fromkeys(names, node))

    def _tell(self, listener: Listener, node: RecordNode, tensor: Tensor, wrote: bool) -> None:
        """Tell a listener of a node, and of the names that mean it since its call wrote."""
        with untraced():
            listener.node(node, tensor, wrote)
        for name in self.names_of(tensor)[:FEW_NAMES] if wrote else ():
            listener.bound(name, node)

    def _drop(self, node: RecordNode) -> None:
        """Release a node's tensor; a weak reference still finds the node while others hold it."""
        self.before_drop()
        tensor = self._tensors[node.index]
        self._tensors[node.index] = None
        for value in (node.value, *(operand.value for operand in node.operands)):
            if self._cache is None or not self._cache.holds(value):
                self._storages.forget(value)
        if tensor is None:
            return
        self._dropped_tensors[node.index] = ref(tensor)
        tracked = self._tracked.get(id(tensor))
        if tracked is not None and tracked.node is node:
            del self._tracked[id(tensor)]
            self._dropped[id(tensor)] = (ref(tensor), node)

    def _update(self, tracked: TrackedTensor) -> RecordNode:
        """Return the node of a tensor that may hold other cells than its node shows: a new one if it does."""
        storages, tensor = self._storages, tracked.tensor
        with untraced():
            if storages.is_accounted_for(tracked):
                return self._update_alias(tracked) if storages.is_stale(tracked) else tracked.node
            self._recover(tensor)
            tracked.version = version_of(tensor)
            if is_same(detach_value(tensor), tracked.node.value):
                return tracked.node
            node = self.input(tensor, None, OUTSIDE)
            node.flows_on = not (tensor.is_leaf and (tensor.requires_grad or not tracked.node.operands))
        self._rename(tensor, node)
        return node

    def _recover(self, tensor: Tensor) -> None:
        """Have nodes show again what they showed before somebody wrote into a tensor's storage unseen.

        What can't be computed again is marked, with all that was made from it. The storage is watched then.
        """
        shown = set(map(id, self._storages.shown_in(storage_id(tensor))))
        lost: set[int] = set()
        for node in self.nodes if shown else ():
            is_lost = any(id(operand.value) in lost for operand in node.operands)
            if id(node.value) in shown and (is_lost or not _make_again(node)):
                node.value.data = node.value.clone()
                lost.add(id(node.value))
                is_lost = True
            if is_lost:
                node.leave_open()
        self._storages.watch(tensor, moved=True)

    def _update_alias(self, tracked: TrackedTensor) -> RecordNode:
        """Add a node for a tensor that was written through an alias."""
        tensor = tracked.tensor
        tracked.node.note_written_view()
        with untraced():
            call, operands = self._storages.alias_update(tracked)
            node = self._add(self._node(call.operation.name, tensor, operands, call), tensor)
        self._rename(tensor, node)
        return node

    def operand(self, tensor: Tensor) -> Operand[RecordNode]:
        """Return a tensor as an operand; one that is new comes in from outside."""
        tracked = self._tracked.get(id(tensor))
        if tracked is not None and self._storages.is_current(tracked):
            return tracked.operand
        node = self.node_of(tensor)
        if node is None:
            name = self.label_of(tensor)
            node = self._new_input(tensor, name)
            if name and node.gap is None:
                node.words = self._labels[id(tensor)][2]
                self.names.setdefault(name, node)
                if self.listener is not None:
                    self.listener.bound(name, self.names[name])
        tracked = self._tracked.get(id(tensor))
        if tracked is not None:
            return tracked.operand
        value = detach_value(tensor)  # of a node whose own value was dropped
        self._storages.hold(tensor, value)
        return Operand(value, node)

    @property
    def _learns(self) -> bool:
        """Whether something requires a gradient, so that autograd knows what is a constant."""
        return any(node.requires_grad for node in self.nodes)

    def _new_input(self, tensor: Tensor, name: str | None) -> RecordNode:
        """Add a node for a tensor without one: from outside, or as turns left it that were not recorded."""
        before = self._forgotten.get(id(tensor))
        is_new = not self.gaps or self.label_of(tensor) is not None or _op_of(tensor) == "parameter"
        if before is None and is_new:
            node = self.input(tensor, name, _op_of(tensor))
            if self.older is not None and self.label_of(tensor) is None and node.op != "parameter":
                own = self.older.get(id(tensor))
                node.flows_on = own is None or own() is not tensor  # it may have been made there
            return node
        names = self.names_of(tensor)
        bound = next((own for own in names if self._left.get(own) is tensor), "")
        origin = self._left_at.get(bound)
        node = self.input(tensor, names[0] if names else name, _op_of(tensor), origin)
        if origin is not None:  # where the last of these turns bound it
            node.missed = tuple(self._numbers.pop((bound, _line(origin)), ())[:-1])
        node.gap = self.gaps[-1]
        with untraced():
            node.flows_on = not (tensor.is_leaf if self._learns else _is_left_alone(node, before))
        if before is not None:
            node.hooks = before.hooks
        return node


def _is_left_alone(node: RecordNode, before: RecordNode | None) -> bool:
    """Return whether a tensor came in before turns that were not recorded, and is as it was then."""
    if before is None or before.operands or before.dropped:
        return False
    return is_same(node.value, before.value)


def _make_again(node: RecordNode) -> bool:
    """Have a node's value hold what its call gives; return whether that can be told."""
    call = node.call
    if call is None or node.dropped or call.operation.kind == "measured":
        return False
    try:
        made = call.replay([operand.value for operand in node.operands]).detach()
    except Exception:  # noqa: BLE001 - whatever it is that torch can't do again
        return False
    if (made.shape, made.dtype) != (node.value.shape, node.value.dtype):
        return False
    node.value.data = made
    return True


def is_same(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same cells; NaN is the same as itself."""
    if (one.shape, one.dtype) != (other.shape, other.dtype) or one.is_meta:
        return one.is_meta and other.is_meta and one.shape == other.shape
    if one.is_complex():  # torch compares not all kinds of complex numbers
        one, other = (torch.view_as_real(own.resolve_conj()) for own in (one, other))
    return (
        one.data_ptr() == other.data_ptr()
        or torch.equal(one, other)
        or bool(torch.isclose(one, other, rtol=0, atol=0, equal_nan=True).all())
    )


def _line(origin: Origin) -> int | None:
    return origin.span.line if origin.span is not None else None


def _op_of(tensor: Tensor) -> str:
    return "parameter" if isinstance(tensor, torch.nn.Parameter) else "input"


def detach_value(tensor: Tensor) -> Tensor:
    """Return a tensor's values as a node keeps them: detached, and on the CPU unless they are on meta.

    Of a sparse or quantized tensor, or of zeros without memory, these are a dense copy, which has a cell for
    every index; of a very large sparse one there is only the shape.

    Raises:
        ValueError: For a nested tensor.
    """
    if tensor.__class__ in _TENSORS and not _MODES():
        value = tensor.detach()
        if value.is_cpu and has_cells(value):
            return value
    with untraced():
        if tensor.is_nested:
            raise ValueError(
                "a nested tensor has no shape, so it can't be shown: `to_padded_tensor` gives one"
            )
        value = _plain(tensor).detach()
        value = value if has_cells(value) else _dense(value)
        return value if value.device.type in ("cpu", "meta") else value.cpu()


def wraps_others(tensor: Tensor) -> bool:
    """Return whether a tensor is of a class that keeps its cells elsewhere, such as a `DTensor`."""
    own = tensor.__class__
    return own not in _TENSORS and own.__torch_dispatch__ is not Tensor.__torch_dispatch__


def _plain(tensor: Tensor) -> Tensor:
    """Return the cells of a tensor that wraps others: this process's part, or numbers for its codes.

    Of a class that tells neither there is only the shape.
    """
    if not wraps_others(tensor):
        return tensor
    own: Any = tensor.__class__
    tell = getattr(own, "to_local", None)
    if tell is None and own.dequantize is not Tensor.dequantize:
        tell = own.dequantize
    local = None if tell is None else tell(tensor)
    return local if isinstance(local, Tensor) and not wraps_others(local) else _shape_of(tensor)


def _shape_of(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")


def gives_its_value(node: RecordNode) -> bool:
    """Return whether a node's call on its shown operands gives its shown value, up to rounding."""
    call = node.call
    if call is None or node.value.is_meta or any(operand.value.is_meta for operand in node.operands):
        return False
    try:
        made = call.replay([operand.value for operand in node.operands])
    except Exception:  # noqa: BLE001 - whatever torch can't do with plain cells
        return False
    if wraps_others(made) or (made.shape, made.dtype) != (node.value.shape, node.value.dtype):
        return False
    return torch.allclose(made, node.value, equal_nan=True)


def _dense(tensor: Tensor) -> Tensor:
    """Return values that have no cells as a dense tensor; of a very large sparse one on meta."""
    if tensor.is_quantized:
        return tensor.dequantize()
    if tensor.layout is torch.strided:
        return tensor.clone()
    large = tensor.numel() > MOST_DENSE
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta") if large else tensor.to_dense()


def has_cells(tensor: Tensor) -> bool:
    """Return whether a tensor has a number in memory for each index: it is dense, and not quantized.

    Torch gives the derivative of a sign, for one, as zeros without memory.
    """
    dense = tensor.layout is torch.strided and not (tensor.is_quantized or tensor.is_nested)
    return dense and not tensor._is_zerotensor()  # noqa: SLF001 - torch has no other name for it
