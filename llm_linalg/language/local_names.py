"""A function's local names: as in Python, those that it binds anywhere in its body."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from llm_linalg.base.syntax import LEAVES, children


class Unbound:
    """The value of a local name before it is assigned, so that it isn't looked up outside the function."""

    __slots__ = ()


UNBOUND = Unbound()
_ALONE = frozenset([ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.Constant])
"""Expressions within which a function binds no name: a comprehension's names are its own."""


def name_of_import(alias: ast.alias) -> str:
    """Return the name that an import binds: `import torch.nn` binds `torch`."""
    return alias.asname or alias.name.partition(".")[0]


def local_names_of(body: Sequence[ast.stmt]) -> dict[str, Unbound]:
    """Return the local names of a function, each of them unbound."""
    names: dict[str, Unbound] = {}
    todo: list[Any] = [*body]
    while todo:
        node = todo.pop()
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is ast.Store:
                names[node.id] = UNBOUND
        elif kind is ast.FunctionDef:
            names[node.name] = UNBOUND
        elif kind is ast.alias:
            names[name_of_import(node)] = UNBOUND
        elif kind not in _ALONE and not isinstance(node, LEAVES):
            todo += children(node)
    return names
