"""Which node of a recording a tensor is, by its identity, by its name, or after others wrote its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import islice
from typing import Any, TypeVar
from weakref import ref

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.recording.aliasing import Memory, nothing
from llm_linalg.recording.guard import Guard
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import Node, Operand, Origin
from llm_linalg.recording.retention import MOST_NODES, Keeper
from llm_linalg.recording.write_log import storage_cells

FEW_NAMES = 20  # that are looked after when a run failed
FEW_CELLS, A_LOOK = 2**20, 500  # that are looked at for it, and what each look takes, in cells

T = TypeVar("T")
Where = Callable[[], Origin]
_MODES = torch._C._len_torch_function_stack  # noqa: SLF001  how many modes there are that see each call


class Named:
    """A tensor that names are bound to.

    Attributes:
        tensor: It is kept, so that its id stays its own.
        names: Each with its place among all names, the first one first; some mean other tensors by now.
        count: How many mean it.
        node: What it was when it was written last, if that was seen.
        since: Names that were bound to it since.
    """

    __slots__ = ("count", "names", "node", "since", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.names: list[tuple[int, str]] = []
        self.count = 0
        self.node: Node | None = None
        self.since: dict[str, None] = {}


class Bound:
    """The tensors that names are bound to, and the names of each.

    A write into a tensor takes as long if it has many names as if it has one: that they mean another node
    is said once, when they are asked for.
    """

    def __init__(self) -> None:
        self._names: dict[str, tuple[int, Named]] = {}  # each with its place among them
        self._named: dict[int, Named] = {}  # by the ids of the tensors

    def __iter__(self) -> Iterator[Tensor]:
        """Return the tensor of each name, in the order in which those were bound first."""
        return (named.tensor for _, named in self._names.values())

    def soon(self) -> Iterator[Tensor]:
        """Return those of which it is known in no time, all together, whether they were written."""
        left = FEW_CELLS
        for tensor in self:
            taken = A_LOOK + tensor.numel()
            if taken <= left:
                left -= taken
                yield tensor

    def bind(self, name: str, tensor: Tensor) -> None:
        """Let a name mean a tensor, and no other."""
        place, before = self._names[name] if name in self._names else (len(self._names), None)
        if before is not None and before.tensor is tensor:
            before.since[name] = None
            return
        named = self._named.get(id(tensor))
        if named is None:
            named = self._named[id(tensor)] = Named(tensor)
        self._names[name] = place, named
        heappush(named.names, (place, name))
        named.count += 1
        named.since[name] = None
        if before is not None:
            before.count -= 1
            before.since.pop(name, None)
            if not before.count:
                del self._named[id(before.tensor)]

    def wrote(self, tensor: Tensor, node: Node) -> None:
        """Let the names that a tensor itself is bound to mean its new node; the first of them is its name."""
        named = self._named.get(id(tensor))
        if named is None:
            return
        while self._names[named.names[0][1]][1] is not named:
            heappop(named.names)
        node.bound_name = node.bound_name or named.names[0][1]
        named.node = node
        named.since.clear()

    def written(self) -> dict[str, Node]:
        """Return the nodes of names whose tensor was written since they were bound to it."""
        return {
            name: named.node
            for name, (_, named) in self._names.items()
            if named.node is not None and name not in named.since
        }


class Ledger:
    """The nodes of a recording, and the tensors that they are.

    Args:
        where: Gives the place and the text of the call that is being made.
        keep: The most bytes of values that are kept; None for all.
        around: The position of a node around which they are kept; the latest if None.

    Attributes:
        node_type: What the nodes are made as.
    """

    node_type: type[Node] = Node

    def __init__(self, where: Where, keep: int | None = None, around: int | None = None) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.names: dict[str, Node] = {}
        self.severed = False  # what is recorded now has no gradient: it stands under `torch.no_grad()`
        self._labels: dict[int, tuple[Tensor, str]] = {}
        self._where = where
        self._made: dict[int, tuple[Tensor, Node]] = {}  # the tensor is kept, so that its id stays its own
        self._tensors: list[Tensor | None] = []  # of each node, until it is dropped
        self._bound = Bound()
        self._gradients: dict[int, tuple[Tensor, Node]] = {}  # that were read
        self._added: dict[int, Node] = {}  # that were added to, and not read since
        self._dropped: dict[int, tuple[ref[Tensor], Node]] = {}
        self._gone: dict[int, ref[Tensor]] = {}  # of each node that was dropped, as long as others hold it
        self._keeper = None if keep is None else Keeper(keep, around, self._drop)
        self._memory = Memory(self._keeper.moved) if self._keeper else Memory()
        self._guard: Guard | None = None
        self.before_drop: Callable[[], None] = lambda: None

    def input(self, tensor: Tensor, name: str | None, op: str = "input") -> Node:
        """Make a node of a tensor that comes from outside."""
        with untraced():
            node = self.node_type(len(self.nodes), op, shown(tensor), origin=self._where(), name=name)
            return self._add(node, tensor)

    def know(self, tensor: Tensor, node: Node) -> None:
        """Let a tensor be another trace's node."""
        self._made[id(tensor)] = (tensor, node)

    def node_of(self, tensor: Tensor) -> Node | None:
        """Return the node that made a tensor."""
        made = self._made.get(id(tensor))
        if made is None and self._dropped:
            gone = self._dropped.get(id(tensor))
            return gone[1] if gone and gone[0]() is tensor else None
        if made and self._memory.outdated(tensor):
            return self._renew(tensor, made[1])
        return made[1] if made else None

    def bind(self, name: str, tensor: Tensor) -> Node:
        """Give a tensor's node a name of the program's; return the node."""
        node = self.node_of(tensor) or self.input(tensor, name, _op_of(tensor))
        if node.bound_name is None:
            node.bound_name = name
        self.names[name] = node
        self._bound.bind(name, tensor)
        return node

    def known(self, tensor: Tensor) -> Node | None:
        """Return the node that made a tensor, if it shows what the tensor holds; nothing is recorded."""
        made = self._made.get(id(tensor))
        return None if made is None or self._memory.outdated(tensor) else made[1]

    def way_back(self, start: Node | None) -> tuple[Sequence[Node], int]:
        """Return the nodes that a gradient goes back through from one, and how many elements its leaves have.

        The first of the nodes is the one that it starts from, unless that is a leaf itself.
        """
        todo, seen = [] if start is None else [start], set[int]()
        passed: list[Node] = []
        leaves = 0
        with untraced():
            while todo:
                node = todo.pop()
                if node.index in seen:
                    continue
                seen.add(node.index)
                tensor = self._tensors[node.index]
                if tensor is None:
                    continue
                if not tensor.is_leaf:
                    passed.append(node)
                    todo += [operand.node for operand in node.operands]
                elif tensor.requires_grad:
                    leaves += tensor.numel()
        return passed, leaves

    def label(self, tensor: Tensor, name: str) -> None:
        """Say what a tensor that may come in later is called."""
        self._labels[id(tensor)] = (tensor, name)

    def labelled(self, tensor: Tensor) -> str | None:
        """Return what a tensor that comes in is called; None if that was not said."""
        return self._labels.get(id(tensor), (tensor, None))[1]

    def name_targets(self) -> None:
        """Name what has no name yet after the variable that it was assigned to."""
        for node in self.nodes:
            if node.bound_name is None and node.target:
                node.bound_name = node.target

    def finish(self, source: str, seed: int, printed: str = "", *, failed: bool = False) -> Record[Any]:
        """Return the record of it all; each name means what its tensor holds now.

        If it failed, that is so of a few names, as far as it takes no time, whatever guards the run.
        """
        if failed:
            self._guard, self._memory.looks = None, nothing
        outdated = filter(self._memory.outdated, self._bound.soon() if failed else self._bound)
        for tensor in islice(outdated, FEW_NAMES if failed else None):
            self._renew(tensor, self._made[id(tensor)][1])
        self.names.update(self._bound.written())
        return Record(self.nodes, self.names, source, seed, printed)

    def _add(self, node: Node, tensor: Tensor) -> Node:
        if len(self.nodes) >= MOST_NODES:
            raise LimitError(f"more than {MOST_NODES:,} operations: trace a part, or run fewer rounds")
        node.severed = self.severed
        self.nodes.append(node)
        self._made[id(tensor)] = (tensor, node)
        self._tensors.append(tensor)
        self._memory.add(tensor, node.value)
        if node.op == "grad" and node.operands:
            self._gradients[id(tensor)] = tensor, node
        if self._keeper:
            self._keeper.add(node)
        return node

    def _drop(self, node: Node) -> None:
        """Let go of a node's tensor; while others hold it, it is still known whose it is."""
        self.before_drop()
        tensor = self._tensors[node.index]
        self._tensors[node.index] = None
        if tensor is None:
            return
        self._memory.forget(tensor, node.value)
        self._gone[node.index] = ref(tensor)
        made = self._made.get(id(tensor))
        if made and made[1] is node:
            del self._made[id(tensor)]
            self._dropped[id(tensor)] = (ref(tensor), node)

    def _renew(self, tensor: Tensor, before: Node) -> Node:
        """Make a node of a tensor that was written through another that shares its memory."""
        with untraced():
            call, operands = self._memory.renewed(tensor, before)
            memory = storage_cells(tensor)
        if self._guard is not None:
            self._guard.charge_renewal(memory, len(operands) - 1)
        with untraced():
            node = self.node_type(
                len(self.nodes), call.operation.name, shown(tensor), operands, call, self._where()
            )
            self._add(node, tensor)
        self._bound.wrote(tensor, node)
        return node

    def _known(self, tensors: Sequence[Tensor]) -> list[Operand[Node]] | None:
        """Return the nodes of tensors with their values, if nothing has to be done for that; else None."""
        found: list[Operand[Node]] = []
        for tensor in tensors:
            node = self.known(tensor)
            if node is None or node.dropped:
                return None
            found.append(Operand(node.value, node))
        return found

    def went_back(self, go: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Let a gradient go back, which is added to where gradients live; what nodes show of those stays so.

        A gradient that was read, and was added to, is a node of its own then.
        """
        with untraced():
            added = [
                (tensor, leaf, node, tensor._version)
                for tensor, node in self._gradients.values()
                if (leaf := self._leaf(node)) is not None and leaf.grad is tensor
            ]
            if self._guard is not None:
                kept = sum(storage_cells(tensor) for tensor, *_ in added)
                self._guard.charge_write(kept, kept)
            self._memory.keep([tensor for tensor, *_ in added])
        self._gradients = {id(tensor): (tensor, node) for tensor, _, node, _ in added}
        found = go(*args, **kwargs)
        with untraced():
            for tensor, leaf, node, version in added:
                if tensor._version != version and node.call is not None:
                    operand, value = self._operand(leaf), shown(tensor)
                    call = node.call.with_tensors([operand.value]).with_output(value)
                    new = self.node_type(len(self.nodes), node.op, value, (operand,), call, self._where())
                    self._add(new, tensor)
                    self._memory.wrote(tensor, new)
                    self._bound.wrote(tensor, new)
                    self._added[id(tensor)] = new
        return found

    def _was_added(self, gradient: Tensor) -> bool:
        """Say, once, whether a gradient that is read is known since it was added to."""
        return self._added.pop(id(gradient), None) is not None and self.known(gradient) is not None

    def _leaf(self, gradient: Node) -> Tensor | None:
        """Return the tensor whose gradient a node is, if it is still there."""
        index = gradient.operands[0].node.index
        gone = self._gone.get(index)
        return gone() if gone is not None else self._tensors[index]

    def _operand(self, tensor: Tensor) -> Operand[Node]:
        node = self.node_of(tensor)
        if node is None:
            name = self.labelled(tensor)
            node = self.input(tensor, name, _op_of(tensor))
            if name:
                self.names.setdefault(name, node)
        return Operand(shown(tensor) if node.dropped else node.value, node)


def _op_of(tensor: Tensor) -> str:
    return "parameter" if isinstance(tensor, torch.nn.Parameter) else "input"


def shown(tensor: Tensor) -> Tensor:
    """Return the values to show: detached, a copy if they live on another device; on meta there are none."""
    if tensor.__class__ is Tensor and not _MODES():
        value = tensor.detach()
        if value.is_cpu:
            return value
    with untraced():
        value = tensor.detach()
        return value if value.device.type in ("cpu", "meta") else value.cpu()
