"""The scopes of a trace as a tree.

Of trusted Python they are modules: ``transformer``, in it ``h``, in it ``0``, in it ``attn``. Of a program
in the tensor language they are the calls of its functions: ``block:2``, in it ``attention``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic

from llm_linalg.recording.record_node import N


@dataclass(frozen=True, slots=True, eq=False)
class Scope(Generic[N]):
    """A module, or a call of a program's function, in which torch calls were made, with those inside it.

    Attributes:
        name: Its own name, the last part of its path.
        path: Its path from the outermost module, such as ``transformer.h.0.attn``; empty for what is outside.
        children: The scopes inside it, by name, in the order in which they were first entered.
        nodes: The nodes made in it, and not in one of its children.
    """

    name: str
    path: str
    children: dict[str, Scope[N]] = field(default_factory=dict)
    nodes: list[N] = field(default_factory=list)

    def __getitem__(self, path: str) -> Scope[N]:
        """Return a scope by its path from this one; `KeyError` if there is none."""
        found = self
        for name in filter(None, path.split(".")):
            found = found.children[name]
        return found

    def __iter__(self) -> Iterator[Scope[N]]:
        """Yield this scope and all inside it, outermost first."""
        todo = [self]
        while todo:
            scope = todo.pop()
            yield scope
            todo += reversed(scope.children.values())

    @property
    def first(self) -> N | None:
        """The first node made in it or in a scope inside it."""
        found = [scope.nodes[0] for scope in self if scope.nodes]
        return min(found, key=lambda node: node.index, default=None)

    @property
    def size(self) -> int:
        """How many nodes were made in it and in the scopes inside it."""
        return sum(len(scope.nodes) for scope in self)


def tree(nodes: Iterable[N]) -> Scope[N]:
    """Return the scope that all nodes of a trace stand in."""
    root: Scope[N] = Scope("", "")
    known: dict[str, list[N]] = {"": root.nodes}
    for node in nodes:
        own = known.get(node.scope)
        if own is None:
            own = known[node.scope] = _grown(root, node.scope).nodes
        own.append(node)
    return root


def _grown(root: Scope[N], path: str) -> Scope[N]:
    """Return the scope of a path, made where it isn't there."""
    scope = root
    for name in path.split("."):
        if name not in scope.children:
            scope.children[name] = Scope(name, f"{scope.path}.{name}" if scope.path else name)
        scope = scope.children[name]
    return scope


def inside(path: str, name: str, calls: Counter[str]) -> str:
    """Return the path of a call of a function, and count it: ``block:2.attention:1``."""
    inner = f"{path}.{name}" if path else name
    calls[inner] += 1
    return f"{inner}:{calls[inner]}"


def plainly(path: str, calls: Mapping[str, int]) -> str:
    """Return the path of a call with a number only where its function was called more than once there."""
    if ":" not in path:
        return path
    plain, counted = [], ""
    for part in path.split("."):
        name = part.rpartition(":")[0]
        alone = calls[f"{counted}.{name}" if counted else name] == 1
        plain.append(name if alone else part)
        counted = f"{counted}.{part}" if counted else part
    return ".".join(plain)
