"""A function's local names: as in Python, those that it binds anywhere in its body."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from llm_linalg.base.syntax import LEAVES, children, descendants


class Unbound:
    """The value of a local name before it is assigned, so that it isn't looked up outside the function."""

    __slots__ = ()


UNBOUND = Unbound()
COMPREHENSIONS = frozenset([ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp])
"""Expressions whose names are their own, but for those that `:=` binds."""
_INNER = frozenset([ast.FunctionDef, ast.Lambda, ast.ClassDef])
_SHARING = (ast.Global, ast.Nonlocal)


def name_of_import(alias: ast.alias) -> str:
    """Return the name that an import binds: `import torch.nn` binds `torch`."""
    return alias.asname or alias.name.partition(".")[0]


def names_of_pattern(node: ast.pattern) -> list[str]:
    """Return the name that a part of a pattern binds, if it binds one."""
    name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
    return [] if name is None else [name]


def import_paths(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the paths of the modules that a statement imports, or imports from; `.` for a relative one."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or "."] if not node.level else ["."]
    return [item.name for item in node.names]


def local_names_of(body: Sequence[ast.AST]) -> dict[str, Unbound]:
    """Return the local names of a function, each of them unbound."""
    names: dict[str, Unbound] = {}
    shared: set[str] = set()
    for node in own_parts(body):
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is not ast.Load:
                names[node.id] = UNBOUND
        elif kind in (ast.FunctionDef, ast.ClassDef) or (kind is ast.ExceptHandler and node.name is not None):
            names[node.name] = UNBOUND
        elif isinstance(node, ast.pattern):
            names.update((name, UNBOUND) for name in names_of_pattern(node))
        elif kind is ast.alias:
            names[name_of_import(node)] = UNBOUND
        elif kind in COMPREHENSIONS:
            inner = (part for part in descendants(node) if isinstance(part, ast.NamedExpr))
            names.update((part.target.id, UNBOUND) for part in inner)
        elif isinstance(node, _SHARING):
            shared.update(node.names)
    for name in shared & names.keys():
        del names[name]
    return names


def shared_names_of(body: Sequence[ast.AST]) -> dict[str, bool]:
    """Return the names that a function shares with others, each with whether it says `global` of it."""
    said = [node for node in own_parts(body) if isinstance(node, _SHARING)]
    return {name: isinstance(node, ast.Global) for node in said for name in node.names}


def own_parts(body: Sequence[ast.AST]) -> Iterator[Any]:
    """Yield the parts of a function's body, without those of inner functions and comprehensions."""
    todo: list[Any] = [*body]
    while todo:
        node = todo.pop()
        yield node
        kind = node.__class__
        if kind not in _INNER and kind not in COMPREHENSIONS and not isinstance(node, LEAVES):
            todo += children(node)
