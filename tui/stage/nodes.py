"""Finding nodes by name, and what the player must know about the one found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.spelling import unknown

if TYPE_CHECKING:
    from llm_linalg.node import Node

Path = tuple[str, ...]


def labels(nodes: Sequence[Node]) -> tuple[str, ...]:
    """A name for each node: its own; of several with one name all but the last are numbered, ``x:1``."""
    total = Counter(node.name for node in nodes)
    seen: Counter[str] = Counter()
    made = []
    for node in nodes:
        seen[node.name] += 1
        last = seen[node.name] == total[node.name]
        made.append(node.name if last else f"{node.name}:{seen[node.name]}")
    return tuple(made)


def find(nodes: Sequence[Node], path: Path) -> tuple[Node, ...]:
    """The nodes along a path, from the trace down into parts.

    Raises:
        LookupError: With the nearest spelling and the names that there are.
    """
    chain: list[Node] = []
    for word in path:
        known = labels(nodes)
        if word in known:
            node = nodes[known.index(word)]
        elif word.endswith(f":{_count(nodes, word)}"):
            node = nodes[known.index(word.rpartition(":")[0])]
        else:
            raise LookupError(unknown("node", word, known))
        chain.append(node)
        nodes = node.parts
    return tuple(chain)


def _count(nodes: Sequence[Node], word: str) -> int:
    """How many nodes have the name in front of ``:n``; 0 if it isn't such a word."""
    return sum(node.name == word.rpartition(":")[0] for node in nodes)


def path_of(nodes: Sequence[Node], wanted: Node, inside: Sequence[Node] = ()) -> Path | None:
    """The path of a node: among ``nodes``.

    Or among the parts of one of ``inside``, a chain from the trace down.
    """
    levels: list[tuple[Path, Sequence[Node]]] = [((), nodes)]
    prefix: Path = ()
    level = nodes
    for node in inside:
        prefix = (*prefix, labels(level)[_position(level, node)])
        level = node.parts
        levels.append((prefix, level))
    for prefix, level in reversed(levels):
        place = _position(level, wanted)
        if place >= 0:
            return (*prefix, labels(level)[place])
    return None


def _position(nodes: Sequence[Node], wanted: Node) -> int:
    return next((i for i, node in enumerate(nodes) if node is wanted), -1)


@dataclass(frozen=True, slots=True, eq=False)
class NodeGround:
    """A node as the player sees it (:class:`tui.player.Ground`)."""

    chain: tuple[Node, ...]
    top: tuple[Node, ...]  # the program's nodes
    wanted: str | None  # the order that the stop asks for, if this is the stop's node

    @property
    def node(self) -> Node | None:
        """The node shown."""
        return self.chain[-1] if self.chain else None

    @property
    def path(self) -> Path:
        """Names from the trace down."""
        path: Path = ()
        level = self.top
        for node in self.chain:
            path = (*path, labels(level)[_position(level, node)])
            level = node.parts
        return path

    @property
    def siblings(self) -> tuple[str, ...]:
        """The operations at the node's level."""
        return labels(self.chain[-2].parts if len(self.chain) > 1 else self.top)

    @property
    def parts(self) -> tuple[str, ...]:
        """The operations inside it."""
        return labels(self.node.parts) if self.node else ()

    @property
    def orders(self) -> tuple[str, ...]:
        """Its loop orders."""
        return tuple(self.node.orders) if self.node else ()

    @property
    def order(self) -> str | None:
        """The stop's order, or the node's first."""
        return self.wanted if self.wanted in self.orders else next(iter(self.orders), None)

    def length(self, order: str) -> int:
        """Steps of its walk."""
        return len(self.node.walk(order)) if self.node else 0

    def cell(self, order: str, step: int) -> tuple[int, ...] | None:
        """A cell that a step (from 1) writes."""
        return next(iter(self.node.walk(order)[step - 1].writes), None) if self.node else None

    def locate(self, order: str, index: tuple[int, ...]) -> int:
        """The first step (from 1) that writes a cell."""
        return self.node.walk(order).locate(index) + 1 if self.node else 0
