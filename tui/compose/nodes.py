"""Nodes by name, and a node's surroundings as the player sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import number_duplicates, unknown

if TYPE_CHECKING:
    from llm_linalg.analysis.block_diagram import BlockDiagram, DiagramBox
    from llm_linalg.api.node import Node
    from tui.navigation.map_moves import HeadNavigable

Path = tuple[str, ...]
MANY = 100
MOST_NAMES = 1000  # names that an error lists, at most


@dataclass(frozen=True, eq=False)
class NodeLabels:
    """The labels of the nodes at one level of a trace, and their positions: there may be very many.

    Equal names but the last are numbered, `x:1`.
    """

    nodes: Sequence[Node]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The label of each node."""
        return number_duplicates([node.name for node in self.nodes])

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The position of each label."""
        return {label: place for place, label in enumerate(self.labels)}


# Of the longest levels. Each keeps its nodes alive, as it is found by identity.
_LATEST: list[NodeLabels] = []


def level_labels(nodes: Sequence[Node]) -> NodeLabels:
    """Return the labels of the nodes at a level; those of a long level are cached."""
    for known in _LATEST:
        if known.nodes is nodes:
            return known
    fresh = NodeLabels(nodes)
    if len(nodes) > MANY:
        _LATEST[:] = [fresh, *_LATEST[:1]]
    return fresh


def labels(nodes: Sequence[Node]) -> tuple[str, ...]:
    """Return a label for each node: its name; of several with one name all but the last numbered, `x:1`."""
    return level_labels(nodes).labels


def find_nodes(nodes: Sequence[Node], path: Path, names: Mapping[str, Node]) -> tuple[Node, ...]:
    """Return the nodes along a path, from the trace down into parts.

    `names` has other names of the trace's nodes, such as those that a gradient's parts had once.

    Raises:
        LookupError: With the nearest spelling and the names that there are.
    """
    chain: list[Node] = []
    for word in path:
        known = level_labels(nodes)
        place = known.places.get(word)
        node = nodes[place] if place is not None else None if chain else names.get(word)
        node = node or _written_otherwise(nodes, word)
        if node is None:
            raise LookupError(unknown("node", word, known.labels[-MOST_NAMES:]))
        chain.append(node)
        nodes = node.parts
    return tuple(chain)


def top_node(nodes: Sequence[Node], path: Path) -> Node | None:
    """Return the trace's node in which a path begins; the last one for no path, None if there is none."""
    if not path:
        return nodes[-1] if nodes else None
    place = level_labels(nodes).places.get(path[0])
    return _written_otherwise(nodes, path[0]) if place is None else nodes[place]


def own_line(node: Node) -> int | None:
    """Return the line of a node in the program; for a backward step, that of its forward node."""
    return (node.outer_forward_node or node).line


def _written_otherwise(nodes: Sequence[Node], word: str) -> Node | None:
    """Return the last node of a name with its number, one behind its module's path, or a module's last."""
    places, (name, _, number) = level_labels(nodes).places, word.rpartition(":")
    if name in places and number == str(sum(node.name == name for node in nodes)):
        return nodes[places[name]]
    parts = word.split(".")
    for k in range(1, len(parts)):
        place = places.get(".".join(parts[k:]))
        if place is not None and nodes[place].scope == ".".join(parts[:k]):
            return nodes[place]
    inside = (node for node in reversed(nodes) if word and f"{node.scope}.".startswith(f"{word}."))
    return next(inside, None)


def path_of(nodes: Sequence[Node], target: Node, inside: Sequence[Node] = ()) -> Path | None:
    """Return the path of a node among `nodes`, or among the parts of one of `inside`.

    `inside` is a chain from the trace down. None if the node is in neither.
    """
    levels: list[tuple[Path, Sequence[Node]]] = [((), nodes)]
    prefix: Path = ()
    level = nodes
    for node in inside:
        prefix = (*prefix, labels(level)[_position(level, node)])
        level = node.parts
        levels.append((prefix, level))
    for prefix, level in reversed(levels):
        place = _position(level, target)
        if place >= 0:
            return (*prefix, labels(level)[place])
    return None


def _position(nodes: Sequence[Node], target: Node) -> int:
    if target.index < len(nodes) and nodes[target.index] is target:
        return target.index
    return next((i for i, node in enumerate(nodes) if node is target), -1)


@dataclass(frozen=True, eq=False)
class NodeNavigation:
    """A node as the player sees it, a `Navigable`."""

    chain: tuple[Node, ...]
    top: tuple[Node, ...]  # the program's nodes
    stop_order: str | None  # the order that the stop asks for, if this is the stop's node
    map: BlockDiagram[Node] | None = None
    table: Callable[[Path], Sequence[Path]] | None = None  # the rows of a level, where it is a table
    gallery: HeadNavigable | None = None  # the heads, where they are shown in place of boxes

    @property
    def node(self) -> Node | None:
        """The node shown."""
        return self.chain[-1] if self.chain else None

    @cached_property
    def path(self) -> Path:
        """Names from the trace down."""
        path: Path = ()
        level = self.top
        for node in self.chain:
            path = (*path, labels(level)[_position(level, node)])
            level = node.parts
        return path

    @property
    def names(self) -> Path:
        """The names of the node and of those that it is in, several of which may be alike."""
        return tuple(node.name for node in self.chain)

    @property
    def level(self) -> Sequence[Node]:
        """The operations of the node's level, in the order in which they ran."""
        return self.chain[-2].parts if len(self.chain) > 1 else self.top

    @cached_property
    def siblings(self) -> tuple[str, ...]:
        """The labels of the operations of the node's level."""
        return labels(self.level)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The operations inside it."""
        return labels(self.node.parts) if self.node else ()

    @cached_property
    def orders(self) -> tuple[str, ...]:
        """Its loop orders."""
        return tuple(self.node.orders) if self.node else ()

    @property
    def order(self) -> str | None:
        """The stop's order, or the node's first."""
        return self.stop_order if self.stop_order in self.orders else next(iter(self.orders), None)

    def boxes(self, path: Path) -> Path:
        """Return the boxes inside a box of the map, without those from outside."""
        try:
            level = None if self.map is None else self.map.level(path)
        except LookupError:
            level = None
        return () if level is None else level.own

    def rows(self, path: Path) -> Sequence[Path]:
        """Return the boxes inside a box, those together that stand in one row."""
        return [(name,) for name in self.boxes(path)] if self.table is None else self.table(path)

    def box(self, path: Path) -> DiagramBox[Node]:
        """Return a box of the map. Raises LookupError."""
        if self.map is None:
            raise LookupError("a program without operations has no map")
        return self.map.level(path[:-1]).box(path[-1])

    def node_path(self, path: Path) -> Path:
        """Return the path of the node that a box of the map gives."""
        if self.map is None:
            return self.path
        node = self.box(path).node
        return (labels(self.top)[_position(self.top, node)],)

    def box_of(self, path: Path) -> Path:
        """Return the box of the map in which a node stands, by the node's path."""
        node = top_node(self.top, path)
        return () if self.map is None or node is None else self.map.locate(node) or ()

    def length(self, order: str) -> int:
        """Return the number of steps of the node's walk."""
        return len(self.node.walk(order)) if self.node else 0

    def cell(self, order: str, step: int) -> tuple[int, ...] | None:
        """Return a cell that a step (from 1) writes."""
        return next(iter(self.node.walk(order)[step - 1].writes), None) if self.node else None

    def locate(self, order: str, index: tuple[int, ...]) -> int:
        """Return the first step (from 1) that writes a cell."""
        return self.node.walk(order).locate(index) + 1 if self.node else 0
