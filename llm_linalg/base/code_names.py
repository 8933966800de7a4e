"""The names that code binds and reads, by its text: in its own scope, and in its functions later."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class CodeNames(NamedTuple):
    """The names in a piece of code, as the scope around it sees them."""

    binds: frozenset[str]  # the names that it binds or deletes
    loads: frozenset[str]  # the names that it reads as it runs
    later: frozenset[str]  # the names that the functions in it read when they are called
    rebinds: frozenset[str]  # the names that these functions bind outside of themselves, by `global`
    stars: tuple[str, ...] = ()  # the modules of which it imports all names


class _Scope:
    """Names of a function, a class, a comprehension, or of the code as a whole."""

    __slots__ = ("binds", "kind", "later", "loads", "outer", "rebinds", "shared")

    def __init__(self, outer: _Scope | None, kind: type[ast.AST]) -> None:
        self.outer, self.kind = outer, kind
        self.binds: set[str] = set()
        self.loads: set[str] = set()
        self.later: set[str] = set()
        self.rebinds: set[str] = set()
        self.shared: set[str] = set()

    def close(self) -> None:
        """Pass on to the scope around it what is not its own."""
        outer = self.outer
        if outer is None:
            return
        if issubclass(self.kind, _FUNCTIONS):
            while outer.kind is ast.ClassDef and outer.outer is not None:  # whose names methods don't see
                outer = outer.outer
            own = self.binds - self.shared
            free = (self.loads | self.later) - own
            if issubclass(outer.kind, _FUNCTIONS):
                outer.loads |= free
            else:
                outer.later |= free
            outer.rebinds |= (self.rebinds - own) | (self.binds & self.shared)
            return
        own = set() if self.kind is ast.ClassDef else self.binds
        outer.loads |= self.loads - own
        outer.later |= self.later - own
        outer.rebinds |= self.rebinds


def code_names(nodes: ast.AST | Iterable[ast.AST]) -> CodeNames:
    """Return the names in a piece of code, in time that is linear in its size."""
    top = _Scope(None, ast.Module)
    scopes, stars = [top], []
    roots = [nodes] if isinstance(nodes, ast.AST) else nodes
    todo: list[tuple[ast.AST, _Scope]] = [(node, top) for node in roots]
    while todo:
        node, scope = todo.pop()
        if isinstance(node, ast.Name):
            (scope.loads if isinstance(node.ctx, ast.Load) else scope.binds).add(node.id)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)):
            inner = _Scope(scope, type(node))
            scopes.append(inner)
            todo += _parts(node, scope, inner)
        elif isinstance(node, ast.NamedExpr):
            todo.append((node.value, scope))
            while scope.kind in _COMPREHENSIONS and scope.outer is not None:
                scope.loads.add(node.target.id)
                scope = scope.outer
            scope.binds.add(node.target.id)
        else:
            if isinstance(node, ast.ImportFrom) and any(item.name == "*" for item in node.names):
                stars.append(node.module or ".")
            _take_words(node, scope)
            todo += [(child, scope) for child in ast.iter_child_nodes(node)]
    for scope in reversed(scopes):
        scope.close()
    binds, loads, later, rebinds = map(frozenset, (top.binds, top.loads, top.later, top.rebinds))
    return CodeNames(binds, loads, later, rebinds, tuple(stars))


def _take_words(node: ast.AST, scope: _Scope) -> None:
    """Take the names that stand in a node as text."""
    match node:
        case ast.alias(name=name, asname=other) if name != "*":
            scope.binds.add(other or name.partition(".")[0])
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            scope.shared.update(names)
        case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
            scope.binds.add(name)
        case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
            scope.binds.add(name)
        case ast.AugAssign(target=ast.Name(id=name)):
            scope.loads.add(name)


def _parts(node: ast.AST, scope: _Scope, inner: _Scope) -> list[tuple[ast.AST, _Scope]]:
    """Return the parts of what has a scope of its own, each with the scope in which it stands."""
    if isinstance(node, _COMPREHENSIONS):
        first = node.generators[0].iter
        parts = [part for other in node.generators for part in (other.target, other.iter, *other.ifs)]
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return [(first, scope), *((part, inner) for part in (*parts, *values) if part is not first)]
    if isinstance(node, _FUNCTIONS):
        args = node.args
        named = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
        inner.binds.update(arg.arg for arg in named)
    if isinstance(node, ast.Lambda):
        body: set[ast.AST] = {node.body}
    else:
        scope.binds.add(node.name)  # type: ignore[attr-defined]
        body = set(node.body)  # type: ignore[attr-defined]
    # Defaults, annotations, decorators and bases are the scope's around it.
    return [(child, inner if child in body else scope) for child in ast.iter_child_nodes(node)]


def written_into(node: ast.AST) -> frozenset[str]:
    """Return the names of whose values code writes or deletes an attribute or an item: `x` of `x[0] = 1`."""
    parts = (part for part in ast.walk(node) if isinstance(part, ast.Attribute | ast.Subscript))
    names = {root_of(part) for part in parts if isinstance(part.ctx, ast.Store | ast.Del)}
    return frozenset(names - {""})


def root_of(node: ast.AST) -> str:
    """Return the name from which attributes, items and calls lead on; empty if it is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
