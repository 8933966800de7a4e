"""The block diagram (the map) of a trace: its operations folded by scope, a level at a time.

A box of a level is one operation, or a scope (a module, a call of a program's function) that opens into the
level inside it. Inputs from outside are a level's first boxes, and arrows say which box reads which. On a
level too long to be read a loop is one box, `x ×100,000`, which opens into its turns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Generic

from llm_linalg.analysis.loops import Part, first_position, fold_loops, label_of, position
from llm_linalg.analysis.parts import multiplications_of
from llm_linalg.analysis.random_draws import is_drawn
from llm_linalg.base.cells import Index
from llm_linalg.base.spelling import number_duplicates, unknown
from llm_linalg.recording.record_node import N, RecordNode
from llm_linalg.recording.scopes import FOLD, Scope

Path = tuple[str, ...]
MOST_BOXES = 128  # boxes of a level whose loops are not folded
MOST_SAID = 1000  # names compared to suggest a spelling


@dataclass(frozen=True, eq=False)
class DiagramBox(Generic[N]):
    """One box of a level."""

    name: str  # its name, unique in the level
    label: str  # its text: a name in the program, or a short expression
    nodes: tuple[N, ...]  # the nodes inside, in order; one for an operation
    outputs: tuple[N, ...]  # those of them that are read outside; the last if none is
    scope: Scope[N] | None = None  # the scope that it opens into; None for an operation
    foreign: bool = False  # whether it is an input of the level from outside

    @property
    def node(self) -> N:
        """Its output; the last of several."""
        return self.outputs[-1]

    @cached_property
    def multiplications(self) -> int:
        """The known number of multiplications inside; 0 for an input."""
        return 0 if self.foreign else _multiplications(self.nodes)

    @cached_property
    def products(self) -> int:
        """How many of its multiplications belong to products of matrices and vectors."""
        return 0 if self.foreign else _multiplications(x for x in self.nodes if x.kind == "contraction")

    def holds(self, node: N) -> bool:
        """Return whether a node is inside."""
        if not self.nodes[0].index <= node.index <= self.nodes[-1].index:
            return False
        return self.nodes[bisect_left(self.nodes, node.index, key=position)] is node

    def count_cells(self, cells: Mapping[N, Collection[Index]]) -> tuple[int, int]:
        """Return how many cells of its outputs are among the given cells, and how many its outputs have."""
        among = sum(len(cells[node]) for node in self.outputs if node in cells)
        return among, sum(node.value.numel() for node in self.outputs)


@dataclass(frozen=True, eq=False)
class DiagramLevel(Generic[N]):
    """The boxes inside one scope.

    Attributes:
        path: The names of the boxes that lead here, from the outermost; empty for the whole trace.
        boxes: Inputs from outside, then scopes and operations in the order of execution.
        arrows: Pairs of box positions: the one that is read, and its reader.
    """

    path: Path
    boxes: tuple[DiagramBox[N], ...]
    arrows: tuple[tuple[int, int], ...]

    @cached_property
    def names(self) -> Path:
        """The boxes' names."""
        return tuple(box.name for box in self.boxes)

    @cached_property
    def own(self) -> Path:
        """The names of its own boxes, without inputs from outside."""
        return tuple(box.name for box in self.boxes if not box.foreign)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The position of each box, by name."""
        return {name: place for place, name in enumerate(self.names)}

    def box(self, name: str) -> DiagramBox[N]:
        """Return the box of a name; raise `LookupError` if there is none, with the nearest spelling."""
        if name not in self.places:
            raise LookupError(unknown("box", name, self.names[-MOST_SAID:]))
        return self.boxes[self.places[name]]


class BlockDiagram(Generic[N]):
    """The levels of a trace's diagram, built on request and cached."""

    def __init__(self, nodes: Sequence[N], scopes: Scope[N]) -> None:
        self._nodes = nodes
        self._scopes = scopes
        self._levels: dict[Path, DiagramLevel[N]] = {}

    def level(self, path: Sequence[str] = ()) -> DiagramLevel[N]:
        """Return the level inside the box at a path.

        Raises:
            LookupError: If there is no such box, or it is an operation and has no level inside.
        """
        path, scope = tuple(path), self._scopes
        if path not in self._levels:
            if path:
                inner = self.level(path[:-1]).box(path[-1]).scope
                if inner is None:
                    raise LookupError(f"{path[-1]} is an operation: no boxes stand in it")
                scope = inner
            self._levels[path] = self._fold(scope, path)
        return self._levels[path]

    def locate(self, node: N) -> Path | None:
        """Return the path of a node's box, or of the next box if it has none; None if there are no boxes."""
        path: Path = ()
        while True:
            level = self.level(path)
            own = [box for box in level.boxes if not box.foreign] or list(level.boxes)
            around = next((box for box in own if box.holds(node)), None)
            if around is None:
                later = [box for box in own if box.nodes[0].index >= node.index]
                nearest = next(iter([*later, *own[-1:]]), None)
                return None if nearest is None else (*path, nearest.name)
            path = (*path, around.name)
            if around.scope is None:
                return path

    @cached_property
    def multiplications(self) -> int:
        """The known number of multiplications of the whole trace."""
        return _multiplications(self._nodes)

    @cached_property
    def _hidden(self) -> set[N]:
        """The nodes without a box: parameters, and unnamed results of parameters and constants alone.

        Random numbers count as data; what a parameter begins with, in the making of its layer, does not. A
        program of constants alone is shown as a whole.
        """
        nodes = self._nodes
        hidden: set[N] = set()
        for node in nodes:
            constant = node.bound_name is None and all(operand.node in hidden for operand in node.operands)
            if (constant and not _is_data(node)) or node.op == "parameter" or _begins_parameter(node):
                hidden.add(node)
        if len(hidden) == len(nodes):
            return {node for node in nodes if node.op == "parameter"}
        return hidden

    @cached_property
    def _readers(self) -> tuple[dict[N, N], dict[N, list[N]]]:
        """The first reader of each node, and the others of the few that have several."""
        first: dict[N, N] = {}
        others: dict[N, list[N]] = {}
        for node in self._nodes:
            for operand in node.operands:
                if first.setdefault(operand.node, node) is not node:
                    others.setdefault(operand.node, []).append(node)
        return first, others

    def _is_read_outside(self, node: N, held: Collection[N]) -> bool:
        first, others = self._readers
        if node not in first:
            return False
        if first[node] not in held:
            return True
        return node in others and any(other not in held for other in others[node])

    def _fold(self, scope: Scope[N], path: Path) -> DiagramLevel[N]:
        hidden = {node for node in self._hidden if node.op == "parameter"} if scope.is_fold else self._hidden
        parts: list[Part[N]] = [node for node in scope.nodes if node not in hidden]
        children = [stay for child in scope.children.values() for stay in self._stays(child, scope)]
        parts += [child for child in children if not self._hidden.issuperset(child.every)]
        parts.sort(key=first_position)
        if len(parts) > MOST_BOXES:
            parts = fold_loops(scope, parts)
        inside = [self._scope_box(part) if isinstance(part, Scope) else _operation(part) for part in parts]
        held = set(scope.every)
        sources = {
            operand.node: None
            for box in inside
            for node in box.nodes
            for operand in node.operands
            if operand.node not in held and operand.node not in hidden
        }
        outside = [_operation(node, foreign=True) for node in sorted(sources, key=lambda node: node.index)]
        boxes = [*outside, *inside]
        names = number_duplicates([box.name for box in boxes])
        boxes = [replace(box, name=name) for name, box in zip(names, boxes, strict=True)]
        place = {node: k for k, box in enumerate(boxes) for node in box.nodes}
        arrows = {
            (place[operand.node], k)
            for k, box in enumerate(boxes)
            if not box.foreign
            for node in box.nodes
            for operand in node.operands
            if operand.node in place and place[operand.node] != k
        }
        return DiagramLevel(path, tuple(boxes), tuple(sorted(arrows)))

    def _stays(self, child: Scope[N], scope: Scope[N]) -> list[Scope[N]]:
        """Return a scope in parts: where it is left for an operation that reads it, and entered again.

        As one box it would stand above what it reads.
        """
        places = sorted(node.index for node in child.every)
        held = set(places)
        outside = [node.index for node in scope.nodes if node not in self._hidden]
        starts = places[:1]
        for before, after in pairwise(places):
            between = range(bisect_right(outside, before), bisect_left(outside, after))
            if between and any(
                starts[-1] <= operand.node.index <= before and operand.node.index in held
                for place in between
                for operand in self._nodes[outside[place]].operands
            ):
                starts.append(after)
        ends = [*starts[1:], len(self._nodes)]
        return [child.between(*span) for span in zip(starts, ends, strict=True)] if starts[1:] else [child]

    def _scope_box(self, scope: Scope[N]) -> DiagramBox[N]:
        """Return the box of a scope."""
        nodes = sorted(scope.every, key=position)
        held = set(nodes)
        read = [node for node in nodes if self._is_read_outside(node, held)]
        given = [node for node in read if node not in self._hidden] or nodes[-1:]
        return DiagramBox(scope.name.replace(FOLD, ""), scope.name, tuple(nodes), tuple(given), scope)


def _multiplications(nodes: Iterable[RecordNode]) -> int:
    """Return the known number of multiplications of some nodes; of a loop's one of each kind is looked at."""
    known: dict[object, int] = {}
    total = 0
    for node in nodes:
        key = node.plan or node
        if key not in known:
            known[key] = multiplications_of(node) or 0
        total += known[key]
    return total


def _begins_parameter(node: RecordNode) -> bool:
    """Return whether a node is what a parameter begins with, in the making of its layer."""
    if FOLD not in node.scope:
        return False
    first = node
    while first.written_place is not None and first.scope == node.scope:
        first = first.operands[first.written_place].node
    return first.scope == node.scope and first.op == "parameter"


def _is_data(node: RecordNode) -> bool:
    """Return whether a node is more than a constant: random numbers, or a gradient that is clipped, say.

    Random numbers that a parameter begins with are not.
    """
    if node.op == "grad" and FOLD in node.scope:
        return True
    return is_drawn(node) and all(operand.node.op != "parameter" for operand in node.operands)


def _operation(node: N, *, foreign: bool = False) -> DiagramBox[N]:
    return DiagramBox(node.name, label_of(node), (node,), (node,), None, foreign)
