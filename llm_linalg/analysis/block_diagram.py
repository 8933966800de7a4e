"""The map of a trace: its operations folded by the scopes in which they were made, a level at a time.

A box of a level is a scope (a module, a call of a program's function), which opens into the level inside
it, or one operation. What comes from outside stands at a level's top, and arrows say which box reads which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Generic

from llm_linalg.analysis.parts import multiplications_of
from llm_linalg.base.spelling import number_duplicates, unknown
from llm_linalg.recording.record_node import N
from llm_linalg.recording.scopes import Scope

if TYPE_CHECKING:
    from llm_linalg.base.cells import Index

Path = tuple[str, ...]
DRAWN = frozenset({"rand", "randn", "randint", "randperm"})
MOST_SAID = 1000  # names among which the nearest is looked for


@dataclass(frozen=True, eq=False)
class DiagramBox(Generic[N]):
    """One box of a level.

    Attributes:
        name: Its name, which no other box of the level has.
        label: What to call it: a name of the program's, or a short expression.
        nodes: The nodes inside, in order; one for an operation.
        outputs: Those of them that are read outside, or the last.
        scope: What it opens into; None for an operation.
        foreign: Whether it is no part of the level: it comes in from outside.
    """

    name: str
    label: str
    nodes: tuple[N, ...]
    outputs: tuple[N, ...]
    scope: Scope[N] | None = None
    foreign: bool = False

    @property
    def node(self) -> N:
        """What comes out of it; of several, the last."""
        return self.outputs[-1]

    @cached_property
    def multiplications(self) -> int:
        """How many multiplications are made inside, of those that are known; what comes in makes none."""
        return 0 if self.foreign else sum(multiplications_of(node) or 0 for node in self.nodes)

    @cached_property
    def products(self) -> int:
        """How many of them are made in products of matrices and vectors."""
        matrix = [node for node in self.nodes if node.kind == "contraction"]
        return 0 if self.foreign else sum(multiplications_of(node) or 0 for node in matrix)

    @cached_property
    def uncountable(self) -> int:
        """How many of its operations are of a kind whose multiplications are not known."""
        return 0 if self.foreign else sum(multiplications_of(node) is None for node in self.nodes)

    def count_cells(self, cells: Mapping[N, Collection[Index]]) -> tuple[int, int]:
        """Return how many cells of what comes out are among some cells of nodes, and of how many."""
        found = sum(len(cells[node]) for node in self.outputs if node in cells)
        return found, sum(node.value.numel() for node in self.outputs)


@dataclass(frozen=True, eq=False)
class DiagramLevel(Generic[N]):
    """What stands inside one scope.

    Attributes:
        path: The names of the boxes that lead here, from the outermost; empty for the whole trace.
        boxes: What comes in from outside, then scopes and operations in the order in which they came.
        arrows: Which box reads which, as pairs of positions: from, to.
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
        """The names of those that stand in it; what comes in from outside does not."""
        return tuple(box.name for box in self.boxes if not box.foreign)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where among the boxes each one is."""
        return {name: place for place, name in enumerate(self.names)}

    def box(self, name: str) -> DiagramBox[N]:
        """Return the box of a name; `LookupError` with the nearest spelling if there is none."""
        if name not in self.places:
            raise LookupError(unknown("box", name, self.names[-MOST_SAID:]))
        return self.boxes[self.places[name]]


class BlockDiagram(Generic[N]):
    """The levels of a trace's map, made when they are asked for and kept."""

    def __init__(self, nodes: Sequence[N], scopes: Scope[N]) -> None:
        self._nodes = nodes
        self._scopes = scopes
        self._levels: dict[str, DiagramLevel[N]] = {}

    def level(self, path: Sequence[str] = ()) -> DiagramLevel[N]:
        """Return what stands inside the boxes of a path.

        Raises:
            LookupError: If there is no such box, or it is an operation, which has no level inside.
        """
        scope = self._scopes
        walked: Path = ()
        level = self._level_of(scope, walked)
        for name in path:
            box = level.box(name)
            if box.scope is None or box.foreign:
                raise LookupError(f"{name} is an operation: no boxes stand in it")
            scope, walked = box.scope, (*walked, name)
            level = self._level_of(scope, walked)
        return level

    def locate(self, node: N) -> Path | None:
        """Return the path of a node's box, or of the next if it has none; None if there are no boxes."""
        path: Path = ()
        level = self.level()
        for part in filter(None, node.scope.split(".")):
            box = next((box for box in level.boxes if box.scope and box.scope.name == part), None)
            if box is None:
                break  # it makes parameters, and has no box
            path = (*path, box.name)
            level = self.level(path)
        own = [box for box in level.boxes if not box.foreign] or list(level.boxes)
        later = [box for box in own if box.nodes[0] is node or box.nodes[0].index >= node.index]
        found = next(iter([*later, *own[-1:]]), None)
        return None if found is None else (*path, found.name)

    @cached_property
    def multiplications(self) -> int:
        """How many multiplications the whole trace takes, of those that are known."""
        return sum(multiplications_of(node) or 0 for node in self._nodes)

    @cached_property
    def _hidden(self) -> set[N]:
        """What has no box: parameters, and what expressions make of parameters and constants alone.

        Random numbers are data. A program of constants alone is shown whole.
        """
        nodes = self._nodes
        hidden: set[N] = set()
        for node in nodes:
            constant = node.bound_name is None and all(operand.node in hidden for operand in node.operands)
            if (constant and node.op not in DRAWN) or node.op == "parameter":
                hidden.add(node)
        if len(hidden) == len(nodes):
            return {node for node in nodes if node.op == "parameter"}
        return hidden

    @cached_property
    def _readers(self) -> dict[N, list[N]]:
        readers: dict[N, list[N]] = {}
        for node in self._nodes:
            for operand in node.operands:
                readers.setdefault(operand.node, []).append(node)
        return readers

    def _level_of(self, scope: Scope[N], path: Path) -> DiagramLevel[N]:
        if scope.path not in self._levels:
            self._levels[scope.path] = self._fold(scope, path)
        return self._levels[scope.path]

    def _fold(self, scope: Scope[N], path: Path) -> DiagramLevel[N]:
        inside = [box for child in scope.children.values() if (box := self._scope_box(child))]
        inside += [_operation(node) for node in scope.nodes if node not in self._hidden]
        inside.sort(key=lambda box: box.nodes[0].index)
        held = {node for part in scope for node in part.nodes}
        sources = {
            operand.node: None
            for box in inside
            for node in box.nodes
            for operand in node.operands
            if operand.node not in held and operand.node not in self._hidden
        }
        outside = [_operation(node, foreign=True) for node in sorted(sources, key=lambda node: node.index)]
        boxes = _with_unique_names([*outside, *inside])
        place = {node: k for k, box in enumerate(boxes) for node in box.nodes}
        arrows = {
            (place[operand.node], k)
            for k, box in enumerate(boxes)
            if not box.foreign
            for node in box.nodes
            for operand in node.operands
            if operand.node in place and place[operand.node] != k
        }
        return DiagramLevel(path, boxes, tuple(sorted(arrows)))

    def _scope_box(self, scope: Scope[N]) -> DiagramBox[N] | None:
        """Return the box of a scope; None if it makes nothing but parameters."""
        nodes = sorted((node for part in scope for node in part.nodes), key=lambda node: node.index)
        held = set(nodes)
        if held <= self._hidden:
            return None
        read = [node for node in nodes if any(other not in held for other in self._readers.get(node, ()))]
        given = [node for node in read if node not in self._hidden] or nodes[-1:]
        return DiagramBox(scope.name, scope.name, tuple(nodes), tuple(given), scope)


def _operation(node: N, *, foreign: bool = False) -> DiagramBox[N]:
    unnamed = node.bound_name is None and node.title == node.name
    return DiagramBox(node.name, node.op if unnamed else node.title, (node,), (node,), None, foreign)


def _with_unique_names(boxes: Iterable[DiagramBox[N]]) -> tuple[DiagramBox[N], ...]:
    """Return the boxes with names that tell them apart."""
    found = list(boxes)
    names = number_duplicates([box.name for box in found])
    return tuple(
        DiagramBox(name, box.label, box.nodes, box.outputs, box.scope, box.foreign)
        for name, box in zip(names, found, strict=True)
    )
