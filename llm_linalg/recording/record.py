"""A record: the operations that torch executed for a program, in order, each a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import islice
from typing import Generic, Self, TypeVar

from torch import Tensor

from llm_linalg.base.errors import ProgramError
from llm_linalg.base.spelling import hint, number_duplicates
from llm_linalg.base.text import clean
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.record_node import N
from llm_linalg.recording.scopes import Scope, scope_tree

T = TypeVar("T")
AskFunction = Callable[[int, bool, Sequence[Tensor | None]], Sequence[Tensor]]
"""Returns gradients by calling the function at a position, or (True) the hooks there, with cotangents."""
_GUESSED = 2_000  # names compared to suggest a spelling


class Record(Generic[N]):
    """What torch did for a program.

    Attributes:
        nodes: The nodes in order, inputs included.
        names: The node that each name is bound to at the end.
        source: The program's text.
        seed: The seed that it ran with.
        printed: What a program printed; a trusted one prints for itself.
        prints: What it printed, text by text, each with its line, from 1.
        cell_errors: The errors of a program's earlier cells, which are skipped as in a notebook.
        cells: The state of each of its cells, if it has cells.
        lists: The lists of words that a program has at its end, by name.
        lines: By line of a program, from 1: the last node that it made.
        failed_line: The line, from 1, at which such a program failed; None if it ran to its end.
        gaps: The turns of long loops that were run, and not recorded.
        ending: How it ended.
        files: Of a trace that was read: by file of its nodes, the lines around them. None for one made here.
        ranks: The trace of each device, for a program that ran on several.
        rerun: Runs trusted Python again, keeping the values around the node at a position.
        functions: Returns a context in which functions of a program that ran elsewhere can be asked; None if
            they can't.
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
        self.prints: tuple[tuple[int, str], ...] = ()
        self.cell_errors: tuple[ProgramError, ...] = ()
        self.cells: tuple[CellState, ...] = ()
        self.lists: Mapping[str, tuple[str, ...]] = {}
        self.lines: Mapping[int, N] = {}
        self.failed_line: int | None = None
        self.gaps: tuple[Gap, ...] = ()
        self.ending = Ending()
        self.files: Mapping[str, tuple[str, ...]] | None = None
        self.ranks: tuple[Self, ...] = ()
        self.rerun: Callable[[int], Self] | None = None
        self.functions: Callable[[], AbstractContextManager[AskFunction]] | None = None

    def printed_from(self, line: int) -> str:
        """Return what the lines from one on have printed; all of it where no lines are known."""
        return "".join(text for at, text in self.prints if at >= line) if self.prints else self.printed

    def __repr__(self) -> str:
        more = "…" if len(self.nodes) > 8 else ""
        names = ", ".join(clean(node.name, 60) for node in self.nodes[:8])  # a module may have any name
        return f"<trace of {len(self.nodes)} nodes: {names}{more}>"

    def __getitem__(self, name: str) -> N:
        """Return the node of a name's last binding; `x:1` is the first of several nodes of that name.

        Raises:
            KeyError: If nothing has that name; the message has the nearest one.
            TypeError: If what is asked for is no name.
        """
        if not isinstance(name, str):  # as in a loop over it
            raise TypeError("a tensor is asked for by its name: trace['Y']; trace.nodes has all, in order")
        node = self.names.get(name) or self._named.get(name)
        if node is not None:
            return node
        known = [*self.names, *islice(self._named, _GUESSED)]
        raise KeyError(f"no tensor has the name {name}{hint(name, known)}")

    def __contains__(self, name: object) -> bool:
        return name in self.names or name in self._named

    def __len__(self) -> int:
        return len(self.nodes)

    def node_named(self, label: str) -> N:
        """Return the last node of a name, those inside functions included; `x:1` is an earlier one.

        Raises:
            KeyError: If nothing has that name; the message has the nearest one.
        """
        node = self._named.get(label)
        return self[label] if node is None else node

    def recomputed(self, node: str | N) -> N:
        """Return a node with its values, running the function again if they were dropped.

        Raises:
            LookupError: If the function can't be run again, for example because its inputs were written
                meanwhile; or if the node's values alone exceed the budget.
        """
        asked = self.node(node)
        if not asked.dropped:
            return asked
        try:
            again = self.rerun(asked.index).nodes if self.rerun is not None else ()
        except ProgramError as error:
            raise LookupError(f"the values of {asked.name} were dropped: {error.message}") from None
        if asked.index >= len(again) or again[asked.index].dropped or again[asked.index].op != asked.op:
            raise LookupError(f"the values of {asked.name} were dropped, and can't be computed again")
        return again[asked.index]

    @cached_property
    def _named(self) -> dict[str, N]:
        """The nodes by name; of several with one name all but the last are numbered, `x:1`."""
        return dict(zip(number_duplicates([node.name for node in self.nodes]), self.nodes, strict=True))

    @cached_property
    def labels(self) -> dict[N, str]:
        """A unique label for each node: its name, numbered where several share it."""
        return {node: label for label, node in self._named.items()}

    def path(self, node: N) -> str:
        """Return a node's label behind the module or function call that it was made in: `blocks.0.p:1`."""
        return ".".join(filter(None, (node.scope, self.labels[node])))

    @cached_property
    def scopes(self) -> Scope[N]:
        """The tree of modules or function calls in which its nodes were made."""
        return scope_tree(self.nodes)

    @property
    def loss(self) -> N | None:
        """The node to differentiate: `loss`, else the last scalar, else what was returned, else the last.

        What has a name goes before what stands inside a later line, such as one that prints a comparison.
        """

        def rank(node: N) -> int:
            name = node.bound_name
            signs = name == "loss", not node.value.dim(), node.is_returned, name is not None, True
            return signs.index(True) + len(signs) * node.no_grad

        return min(self._differentiable(), key=rank, default=None)

    @property
    def has_loss(self) -> bool:
        """Whether there is a node to differentiate; which one, takes a look at all."""
        return next(self._differentiable(), None) is not None

    def _differentiable(self) -> Iterator[N]:
        """Yield the nodes that could be differentiated, the last one first."""
        return (node for node in reversed(self.nodes) if node.operands and node.value.is_floating_point())

    def require_values(self, nodes: Iterable[N]) -> None:
        """Raise `LookupError` if the values of any of these nodes were dropped."""
        gone = next((node for node in nodes if node.dropped), None) if self.dropped else None
        if gone is not None:
            raise LookupError(f"the values of {gone.name} were dropped: trace it again with a larger keep")

    @cached_property
    def dropped(self) -> bool:
        """Whether the values of some nodes were dropped."""
        return any(node.dropped for node in self.nodes)

    def node(self, which: str | N) -> N:
        """Return a node given as itself or by its name."""
        return self[which] if isinstance(which, str) else which


def derive(known: dict[N, T], node: N, sources: Callable[[N], Iterable[N]], make: Callable[[N], T]) -> T:
    """Return what is made of a node, once that of all its sources is known.

    It takes no recursion: a trace may be longer than Python's stack is deep.
    """
    todo = [node]
    while todo:
        waiting = [source for source in sources(todo[-1]) if source not in known]
        if waiting:
            todo += waiting
        elif (ready := todo.pop()) not in known:
            known[ready] = make(ready)
    return known[node]


def ancestors(nodes: Sequence[N], *last: N) -> Iterator[N]:
    """Yield nodes and all that they were computed from, latest first."""
    wanted = set(last)
    for node in reversed(nodes[: max(node.index for node in last) + 1]):
        if node in wanted:
            wanted.update(operand.node for operand in node.operands)
            yield node


def descendants(nodes: Sequence[N], first: N) -> Iterator[N]:
    """Yield a node and all that depend on it, in order."""
    reached = {first}
    for node in nodes[first.index :]:
        if node is first or any(operand.node in reached for operand in node.operands):
            reached.add(node)
            yield node
