"""Two traces of one program beside each other: which nodes differ, by how much, and where that begins."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from math import inf
from typing import Generic, Literal

import torch
from torch import Tensor

from llm_linalg.base.cells import Index
from llm_linalg.base.untraced import untraced
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, RecordNode
from llm_linalg.recording.scopes import Scope

MOST_ALIGNED = 3_000
"""Nodes of a module up to which those are aligned that stand in a different order, or are new."""
_LOW = 2**32 - 1  # the lower half of a number of 64 bits
Kind = Literal["values", "shape", "dtype", "operation"]


@dataclass(frozen=True, slots=True)
class Change(Generic[N]):
    """A node that differs from its twin in the other trace.

    Attributes:
        node: The node.
        twin: The other trace's.
        kind: What differs: the values alone, or their shape, their dtype, or what computed them.
        cells: How many cells differ; all where the shapes do.
        largest: The largest difference between two cells; NaN where one of two is, infinite where one is
            infinite and the other is not; None where the shapes differ.
        relative: The same as a share of the largest magnitude in the node.
        begins: Whether it differs although all that it was computed from is the same, but for what only
            one of the traces has.
    """

    node: N
    twin: N
    kind: Kind
    cells: int
    largest: float | None
    relative: float | None
    begins: bool


@dataclass(frozen=True, slots=True)
class Comparison(Generic[N]):
    """What differs between two traces.

    Attributes:
        twins: The node of the other trace for each of the first that has one.
        changes: By node of the first, those that differ, in order.
        only_first: The nodes of the first trace that have no twin.
        only_other: The nodes of the other without one.
        unknown: The nodes whose values were dropped in one of them.
    """

    twins: Mapping[N, N]
    changes: Mapping[N, Change[N]]
    only_first: tuple[N, ...]
    only_other: tuple[N, ...]
    unknown: tuple[N, ...]

    @property
    def first(self) -> Change[N] | None:
        """The first node that differs; None if none does."""
        return next(iter(self.changes.values()), None)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs, as far as the values are there."""
        return not (self.changes or self.only_first or self.only_other)

    def gap(self, node: N) -> Tensor | None:
        """Return how much a node is larger in the other trace, cell by cell; 0 where both are the same.

        None where the shapes differ, or the values were dropped.
        """
        twin = self.twins.get(node)
        if twin is None or node.shape != twin.shape or node.dropped or twin.dropped:
            return None
        with untraced():
            return _gaps(node.value, twin.value).where(_differs(node.value, twin.value), 0.0)

    def farthest(self, node: N) -> Index:
        """Return the cell of a node that differs most; the first where that can't be said."""
        gap = self.gap(node)
        if gap is None or not gap.numel():
            return (0,) * len(node.shape)
        with untraced():
            place = int(gap.abs().nan_to_num(inf, inf).argmax())
            return tuple(int(i) for i in torch.unravel_index(torch.tensor(place), gap.shape))

    def inside(self, nodes: Sequence[N]) -> list[Change[N]]:
        """Return the changes of some nodes."""
        return [change for node in nodes if (change := self.changes.get(node)) is not None]


def compare(first: Record[N], other: Record[N], tolerance: float = 0.0) -> Comparison[N]:
    """Return what differs between two traces of one program, or of a program before and after a change.

    Nodes are twins that stand in the same module, with the same name, or without one the same operation, at
    the same place among those of the module: what one of the traces has beside moves the others.

    Args:
        first: A trace.
        other: The other.
        tolerance: The share of a node's largest magnitude up to which a difference does not count.
    """
    twins = _twins(first.scopes, other.scopes)
    changes: dict[N, Change[N]] = {}
    unknown: dict[N, None] = {}
    with untraced():
        for node in first.nodes:
            twin = twins.get(node)
            if twin is None:
                continue
            if node.dropped or twin.dropped:
                unknown[node] = None
                continue
            change = _change(node, twin, tolerance)
            if change is not None:
                changes[node] = change
    paired = set(twins.values())
    differing = {*changes, *unknown}
    here = _following(first.nodes, differing, twins)
    there = _following(other.nodes, {twins[node] for node in differing}, paired)
    for node, change in changes.items():
        follows = any(own.node in here for own in node.operands)
        if not follows and not any(own.node in there for own in change.twin.operands):
            changes[node] = replace(change, begins=True)
    return Comparison(
        twins,
        changes,
        tuple(node for node in first.nodes if node not in twins),
        tuple(node for node in other.nodes if node not in paired),
        tuple(unknown),
    )


def _following(nodes: Sequence[N], differing: Set[N], paired: Container[N]) -> set[N]:
    """Return the nodes that differ, with those that have no twin and are computed from them."""
    following = {*differing}
    for node in nodes:
        if node not in paired and any(own.node in following for own in node.operands):
            following.add(node)
    return following


def _twins(first: Scope[N], other: Scope[N]) -> dict[N, N]:
    theirs = {scope.path: scope.nodes for scope in other}
    return {node: twin for scope in first for node, twin in _aligned(scope.nodes, theirs.get(scope.path, []))}


_ALIKE: tuple[Callable[[RecordNode], Hashable], ...] = (
    lambda node: (node.bound_name, node.op, node.source),
    lambda node: (node.bound_name, node.op),
    lambda node: node.bound_name or node.op,
)
"""What two nodes have in common, the most first."""


def _aligned(nodes: Sequence[N], others: Sequence[N], level: int = 0) -> Iterator[tuple[N, N]]:
    """Yield the nodes of a module in pairs: those most alike, and between them those that are less so."""
    if level == len(_ALIKE) or not (nodes and others):
        return
    mine, theirs = ([_ALIKE[level](node) for node in some] for some in (nodes, others))
    here = there = 0
    for start, begin, count in _blocks(mine, theirs):
        yield from _aligned(nodes[here:start], others[there:begin], level + 1)
        here, there = start + count, begin + count
        yield from zip(nodes[start:here], others[begin:there], strict=True)


def _blocks(mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches that are equal, as two starts and a length; the last ends where both do.

    What both begin or end with is equal whatever stands between. Where that is very long, it is not moved.
    """
    shorter = min(len(mine), len(theirs))
    head = next((k for k in range(shorter) if mine[k] != theirs[k]), shorter)
    tail = next((k for k in range(shorter - head) if mine[-1 - k] != theirs[-1 - k]), shorter - head)
    own, others = (some[head : len(some) - tail] for some in (mine, theirs))
    yield 0, 0, head
    if max(len(own), len(others)) > MOST_ALIGNED:
        equal = enumerate(zip(own, others, strict=False), head)
        yield from ((k, k, 1) for k, (one, two) in equal if one == two)
    else:
        matcher = SequenceMatcher(None, own, others, autojunk=False)
        yield from ((head + one.a, head + one.b, one.size) for one in matcher.get_matching_blocks())
    yield len(mine) - tail, len(theirs) - tail, tail


def _change(node: N, twin: N, tolerance: float) -> Change[N] | None:
    """Return how a node differs from its twin; None if it does not."""
    if node.shape != twin.shape:
        cells = max(node.value.numel(), twin.value.numel())
        return Change(node, twin, "shape", cells, None, None, begins=False)
    cells, largest, relative = _difference(node.value, twin.value)
    same_dtype = node.dtype == twin.dtype
    is_close = relative <= tolerance if tolerance else not cells
    if is_close and (same_dtype or tolerance):
        return None
    kind: Kind = "operation" if node.op != twin.op else "values" if same_dtype else "dtype"
    return Change(node, twin, kind, cells, largest, relative, begins=False)


def _wide(value: Tensor, other: Tensor) -> torch.dtype:
    """Return the dtype in which the numbers of two tensors are all themselves, as far as there is one."""
    if value.is_complex() or other.is_complex():
        return torch.complex128
    is_whole = not (value.is_floating_point() or other.is_floating_point())
    return torch.int64 if is_whole else torch.float64


def _differs(value: Tensor, other: Tensor) -> Tensor:
    """Return the cells (bool) in which two tensors of one shape differ; NaN is the same as NaN."""
    wide = _wide(value, other)
    own, others = value.to(wide), other.to(wide)
    return (own != others) & ~(own.isnan() & others.isnan())


def _gaps(value: Tensor, other: Tensor) -> Tensor:
    """Return how much larger the cells of another tensor are, as floating-point numbers."""
    wide = _wide(value, other)
    own, others = value.to(wide), other.to(wide)
    if wide != torch.int64:
        return others - own
    # Whole numbers may be too long for floating point, and their difference for a whole number.
    high, low = ((others >> 32) - (own >> 32)).double(), (others & _LOW) - (own & _LOW)
    return high * 2.0**32 + low


def _difference(value: Tensor, other: Tensor) -> tuple[int, float, float]:
    """Return how many cells of two tensors of one shape differ, by how much at most, and as what share."""
    differs = _differs(value, other)
    cells = int(differs.sum())
    if not cells:
        return 0, 0.0, 0.0
    largest = float(_gaps(value[differs], other[differs]).abs().max())
    sizes = value.to(torch.complex128 if value.is_complex() else torch.float64).abs()
    sizes = sizes[sizes.isfinite()]
    scale = float(sizes.max()) if sizes.numel() else 0.0
    return cells, largest, largest / scale if scale else largest * inf
