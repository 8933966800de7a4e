"""The scopes of a trace as a tree.

A scope is a module, `attn` in `0` in `h` in `transformer`, or a call of one of the program's functions:
`attention` in `block:2`. A fold is a call of a function of which an installed package has made several torch
calls: `step()` of an optimizer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

from llm_linalg.base.text import clean
from llm_linalg.recording.record_node import N, RecordNode

FOLD = "()"
"""What the name of a fold ends with in a path; a number may follow, `step():2`."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scope(Generic[N]):
    """A module, or one call of a program's function, with the scopes and nodes inside it.

    Attributes:
        name: The last part of its path.
        path: Its path from the outermost module, such as `transformer.h.0.attn`; empty for the root.
        children: The scopes directly inside it, by name, in the order in which they were first entered.
        nodes: The nodes made directly in it, not in one of its children.
    """

    name: str
    path: str
    children: dict[str, Scope[N]] = field(default_factory=dict)
    nodes: list[N] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<scope {clean(self.path, 60)!r} of {self.size} nodes>"

    def __getitem__(self, path: str) -> Scope[N]:
        """Return a scope by its path from this one; `KeyError` if there is none."""
        scope = self
        for name in filter(None, path.split(".")):
            scope = scope.children[name]
        return scope

    def __iter__(self) -> Iterator[Scope[N]]:
        """Yield this scope and all inside it, outermost first."""
        todo = [self]
        while todo:
            scope = todo.pop()
            yield scope
            todo += reversed(scope.children.values())

    def between(self, start: int, end: int) -> Scope[N]:
        """Return the scope with its nodes of some positions alone, from `start` to below `end`."""
        children = {name: child.between(start, end) for name, child in self.children.items()}
        nodes = [node for node in self.nodes if start <= node.index < end]
        return Scope(self.name, self.path, children, nodes)

    @property
    def is_fold(self) -> bool:
        """Whether it is one call of an installed package's function."""
        return is_fold(self.name)

    @property
    def likeness(self) -> tuple[object, ...]:
        """What it does: equal for scopes that do the same with tensors of the same shapes and dtypes."""
        return tuple(
            (own.path[len(self.path) :], *[(x.op, x.shape, x.dtype) for x in own.nodes]) for own in self
        )

    @property
    def every(self) -> Iterator[N]:
        """Its nodes, then those of inner scopes, outermost first."""
        for scope in self:
            yield from scope.nodes

    @property
    def first(self) -> N | None:
        """Its first node, those of inner scopes included; None if it has none."""
        firsts = [scope.nodes[0] for scope in self if scope.nodes]
        return min(firsts, key=lambda node: node.index, default=None)

    @property
    def size(self) -> int:
        """The number of its nodes, those of inner scopes included."""
        return sum(len(scope.nodes) for scope in self)


def scope_tree(nodes: Iterable[N]) -> Scope[N]:
    """Return the root of the scopes of a trace's nodes."""
    root: Scope[N] = Scope("", "")
    known: dict[str, list[N]] = {"": root.nodes}
    for node in nodes:
        own = known.get(node.scope)
        if own is None:
            own = known[node.scope] = _scope_at(root, node.scope).nodes
        own.append(node)
    return root


def _scope_at(root: Scope[N], path: str) -> Scope[N]:
    """Return the scope of a path, creating what is missing."""
    scope = root
    for name in path.split("."):
        if name not in scope.children:
            scope.children[name] = Scope(name, f"{scope.path}.{name}" if scope.path else name)
        scope = scope.children[name]
    return scope


def is_fold(part: str) -> bool:
    """Return whether a part of a path is a fold."""
    return part.partition(":")[0].endswith(FOLD)


def settle_folds(nodes: Iterable[N]) -> None:
    """Give the nodes in folds their last scopes: one torch call is no fold, one fold alone has no number."""
    folds: dict[str, list[N]] = {}
    for node in nodes:
        if FOLD in node.scope:
            folds.setdefault(node.scope, []).append(node)
    kept = {path: own for path, own in folds.items() if not _is_one_call(own)}
    several = Counter(path.rpartition(":")[0] for path in kept)
    numbers: Counter[str] = Counter()
    for path, own in folds.items():
        base = path.rpartition(":")[0]
        numbers[base] += path in kept
        within = base if several[base] == 1 else f"{base}:{numbers[base]}"
        scope = within if path in kept else path.rpartition(".")[0]
        for node in own:
            node.scope = scope


def _is_one_call(nodes: Sequence[RecordNode]) -> bool:
    """Return whether nodes are the results of a single call."""
    first = nodes[0]
    sources = [operand.node for operand in first.operands]
    return len(nodes) == 1 or all(
        node.is_one_of_several and node.op == first.op and [own.node for own in node.operands] == sources
        for node in nodes
    )
