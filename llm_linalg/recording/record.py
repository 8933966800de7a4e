"""A record: the ordered operations that torch executed for a program, each a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Generic, Self

from llm_linalg.base.errors import ProgramError
from llm_linalg.base.spelling import hint, numbered
from llm_linalg.recording.record_node import N
from llm_linalg.recording.scopes import Scope, tree

_GUESSED = 2_000  # names among which the nearest is looked for


class Record(Generic[N]):
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
        nodes: Sequence[N],
        names: Mapping[str, N],
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
        self.lines: Mapping[int, N] = {}
        self.failed: int | None = None
        self.ranks: tuple[Self, ...] = ()
        self.rerun: Callable[[int], Self] | None = None

    def __repr__(self) -> str:
        more = "…" if len(self.nodes) > 8 else ""
        return f"<trace of {len(self.nodes)} nodes: {', '.join(node.name for node in self.nodes[:8])}{more}>"

    def __getitem__(self, name: str) -> N:
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

    def labelled(self, label: str) -> N:
        """Return the node of a name among all nodes, those inside functions too; the last, or ``x:1``.

        Raises:
            KeyError: If nothing has that name; the message has the nearest one.
        """
        found = self._named.get(label)
        return self[label] if found is None else found

    def recomputed(self, node: str | N) -> N:
        """Return a node with its values: if they were dropped, that of another run of the same function.

        Raises:
            LookupError: If the function can't be run again, since what it was given has been written
                meanwhile, say; or if one node's values are more than the budget.
        """
        found = self.node(node)
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
    def _named(self) -> dict[str, N]:
        """The nodes by name; of several with one name all but the last are numbered, ``x:1``."""
        return dict(zip(numbered([node.name for node in self.nodes]), self.nodes, strict=True))

    @cached_property
    def labels(self) -> dict[N, str]:
        """What tells each node from all others: its name, numbered where several have it."""
        return {node: label for label, node in self._named.items()}

    @cached_property
    def scopes(self) -> Scope[N]:
        """The modules in which its nodes were made, as a tree."""
        return tree(self.nodes)

    @property
    def loss(self) -> N | None:
        """What a gradient is taken of: ``loss``, else the last scalar, else the last node of real numbers."""
        made = [node for node in self.nodes if node.operands and node.value.is_floating_point()]
        named = [node for node in made if node.name == "loss"]
        scalars = [node for node in made if not node.shape]
        return next(iter([*named[-1:], *scalars[-1:], *made[-1:]]), None)

    def hold(self, nodes: Iterable[N]) -> None:
        """Go on if the values of nodes are there.

        Raises:
            LookupError: If some were dropped.
        """
        gone = next((node for node in nodes if node.dropped), None) if self.dropped else None
        if gone is not None:
            raise LookupError(f"the values of {gone.name} were dropped: trace it again with a larger keep")

    @cached_property
    def dropped(self) -> bool:
        """Whether the values of some nodes were dropped."""
        return any(node.dropped for node in self.nodes)

    def node(self, which: str | N) -> N:
        """Return a node, by itself or by its name."""
        return self[which] if isinstance(which, str) else which


def made_from(nodes: Sequence[N], *last: N) -> Iterator[N]:
    """Yield nodes and those that they were made from, the last first."""
    wanted = set(last)
    for node in reversed(nodes[: max(node.index for node in last) + 1]):
        if node in wanted:
            wanted.update(operand.node for operand in node.operands)
            yield node


def fed_by(nodes: Sequence[N], first: N) -> Iterator[N]:
    """Yield a node and those that it feeds, in order."""
    found = {first}
    for node in nodes[first.index :]:
        if node is first or any(operand.node in found for operand in node.operands):
            found.add(node)
            yield node
