"""A trace: the ordered operations that torch executed for a program, each a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from llm_linalg.cells import Cells, Index
from llm_linalg.edge import Declared, Edges
from llm_linalg.errors import ProgramError
from llm_linalg.maps import Map
from llm_linalg.node import Node
from llm_linalg.scopes import Scope, tree
from llm_linalg.spelling import hint, numbered

if TYPE_CHECKING:
    from torch import Tensor

    from llm_linalg.influence import Influence
    from llm_linalg.lineage import Lineage

_GUESSED = 2_000  # names among which the nearest is looked for


class Trace:
    """What torch did for a program.

    Attributes:
        nodes: The nodes in order, inputs included.
        source: The program's text.
        seed: The seed that it ran with.
        printed: The text that a program in the tensor language printed; trusted Python prints for itself.
        refused: Of a program in cells: what failed in those above the last.
        lists: The lists of words that a program in the tensor language has at its end, by name.
        lines: Of a program in the tensor language: the node that each line gave last, from 1.
        failed: The line, from 1, at which such a program failed that was not run to its end.
        ranks: Of a program that was run on several devices: the trace of each.
        rerun: Of trusted Python: runs the function again, and keeps the values around the node of a position.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        names: Mapping[str, Node],
        source: str = "",
        seed: int = 0,
        printed: str = "",
    ) -> None:
        self.nodes = tuple(nodes)
        self.names = dict(names)
        self.source = source
        self.seed = seed
        self.printed = printed
        self.refused: tuple[ProgramError, ...] = ()
        self.lists: Mapping[str, tuple[str, ...]] = {}
        self.lines: Mapping[int, Node] = {}
        self.failed: int | None = None
        self.ranks: tuple[Trace, ...] = ()
        self.rerun: Callable[[int], Trace] | None = None
        self._gradients: dict[Node, Trace] = {}

    def __repr__(self) -> str:
        more = "…" if len(self.nodes) > 8 else ""
        return f"<trace of {len(self.nodes)} nodes: {', '.join(node.name for node in self.nodes[:8])}{more}>"

    def __getitem__(self, name: str) -> Node:
        """Return the node of a name's last binding; ``x:1`` is the first of several nodes of that name.

        Raises:
            KeyError: If nothing has that name; the message has the nearest one.
        """
        found = self.names.get(name) or self._named.get(name)
        if found is not None:
            return found
        known = [*self.names, *islice(self._named, _GUESSED)]
        raise KeyError(f"no tensor has the name {name}{hint(name, known)}")

    def __contains__(self, name: object) -> bool:
        return name in self.names or name in self._named

    def __len__(self) -> int:
        return len(self.nodes)

    def labelled(self, label: str) -> Node:
        """Return the node of a name among all nodes, those inside functions too; the last, or ``x:1``.

        Raises:
            KeyError: If nothing has that name; the message has the nearest one.
        """
        found = self._named.get(label)
        return self[label] if found is None else found

    def recomputed(self, node: str | Node) -> Node:
        """Return a node with its values: if they were dropped, that of another run of the same function.

        Raises:
            LookupError: If the function can't be run again, since what it was given has been written
                meanwhile, say; or if one node's values are more than the budget.
        """
        found = self._node(node)
        if not found.dropped:
            return found
        try:
            again = self.rerun(found.index).nodes if self.rerun is not None else ()
        except ProgramError as error:
            raise LookupError(f"the values of {found.name} were dropped: {error.message}") from None
        if found.index >= len(again) or again[found.index].dropped or again[found.index].op != found.op:
            raise LookupError(f"the values of {found.name} were dropped, and can't be computed again")
        return again[found.index]

    @cached_property
    def _named(self) -> dict[str, Node]:
        """The nodes by name; of several with one name all but the last are numbered, ``x:1``."""
        return dict(zip(numbered([node.name for node in self.nodes]), self.nodes, strict=True))

    @cached_property
    def labels(self) -> dict[Node, str]:
        """What tells each node from all others: its name, numbered where several have it."""
        return {node: label for label, node in self._named.items()}

    @cached_property
    def scopes(self) -> Scope:
        """The modules in which its nodes were made, as a tree."""
        return tree(self.nodes)

    @property
    def loss(self) -> Node | None:
        """What a gradient is taken of: ``loss``, else the last scalar, else the last node of real numbers."""
        made = [node for node in self.nodes if node.operands and node.value.is_floating_point()]
        named = [node for node in made if node.name == "loss"]
        scalars = [node for node in made if not node.shape]
        return next(iter([*named[-1:], *scalars[-1:], *made[-1:]]), None)

    def backward(self, loss: str | Node) -> Trace:
        """Return the gradient program of a node: each step in torch terms, such as ``dW = dY.T @ X``.

        Args:
            loss: The node, or its name. If it has more than one cell, the gradient is that of their sum.

        Returns:
            A trace whose nodes are named ``d`` + the name of what they are the gradient of.

        Raises:
            LookupError: If values that it was made from were dropped.
        """
        from llm_linalg.backward import backward

        node = self._node(loss)
        if node not in self._gradients:
            self._hold(made_from(self.nodes, node))
            self._gradients[node] = backward(self, node)
        return self._gradients[node]

    def lineage(self, node: str | Node, index: Index) -> dict[Node, Cells]:
        """Return what a cell depends on, back to the inputs: the cells of each node.

        A cell that a mask set to 0, or to −inf before a softmax, carries nothing.

        Raises:
            LookupError: If values that it was made from were dropped; so do `reach` and the like.
        """
        found = self._node(node)
        self._hold(made_from(self.nodes, found))
        return self._lineage.back(found, tuple(index))

    def reach(self, node: str | Node, index: Index) -> dict[Node, Cells]:
        """Return what a cell feeds, on to the end: the cells of each node."""
        found = self._node(node)
        self._hold(made_from(self.nodes, *fed_by(self.nodes, found)))  # what they are made of may be masked
        return self._lineage.forward(found, tuple(index))

    def influence(self, node: str | Node, index: Index) -> dict[Node, Tensor]:
        """Return the derivative of a cell by the cells of each node that it is made from, at their values.

        Beside `lineage`, which says what a cell depends on at all.

        Returns:
            For each node of real numbers that it is made from, and its own, a tensor of that node's shape.

        Raises:
            ValueError: If the node holds no real numbers.
        """
        found = self._node(node)
        self._hold(made_from(self.nodes, found))
        return self._influence.back(found, tuple(index))

    def effect(self, node: str | Node, index: Index) -> dict[Node, Tensor]:
        """Return the derivative of the cells of each node that a cell feeds by that cell, at their values."""
        found = self._node(node)
        self._hold(fed_by(self.nodes, found))
        return self._influence.forward(found, tuple(index))

    def _hold(self, nodes: Iterable[Node]) -> None:
        """Go on if the values of nodes are there."""
        gone = next((node for node in nodes if node.dropped), None) if self.dropped else None
        if gone is not None:
            raise LookupError(f"the values of {gone.name} were dropped: trace it again with a larger keep")

    @cached_property
    def dropped(self) -> bool:
        """Whether the values of some nodes were dropped."""
        return any(node.dropped for node in self.nodes)

    @cached_property
    def map(self) -> Map:
        """Its operations folded by scopes: boxes, arrows, and what each takes, a level at a time."""
        return Map(self)

    @cached_property
    def _influence(self) -> Influence:
        from llm_linalg.influence import Influence

        return Influence(self.nodes)

    @cached_property
    def _lineage(self) -> Lineage:
        from llm_linalg.lineage import Lineage

        return Lineage(self)

    def edges(
        self, axes: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[str] | str] | None = None
    ) -> dict[Node, Edges]:
        """Return what the axes of each node are called, derived from what is said of a few.

        Args:
            axes: For a tensor's name the names of its axes, in order: ``{"Q": ("query", "")}``.
            labels: For an axis's name the words at its places, or the name of a list in the program.

        Returns:
            An `Edge` (``name``, ``labels``) for each axis of each node of which there is something to say.
        """
        from llm_linalg.naming import Naming

        words = {name: x if isinstance(x, str) else tuple(x) for name, x in (labels or {}).items()}
        named = tuple((name, tuple(own)) for name, own in axes.items())
        naming = Naming(Declared(named, tuple(words.items())), self.lists)
        found = {node: naming.of(node) for node in self.nodes}
        return {node: edges for node, edges in found.items() if edges}

    def _node(self, node: str | Node) -> Node:
        return self[node] if isinstance(node, str) else node


def made_from(nodes: Sequence[Node], *last: Node) -> Iterator[Node]:
    """Yield nodes and those that they were made from, the last first."""
    wanted = set(last)
    for node in reversed(nodes[: max(node.index for node in last) + 1]):
        if node in wanted:
            wanted.update(operand.node for operand in node.operands)
            yield node


def fed_by(nodes: Sequence[Node], first: Node) -> Iterator[Node]:
    """Yield a node and those that it feeds, in order."""
    found = {first}
    for node in nodes[first.index :]:
        if node is first or any(operand.node in found for operand in node.operands):
            found.add(node)
            yield node
