"""The names that are a function's own, as in Python: those that it binds anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from llm_linalg.parsing import MARKS, within


class Unbound:
    """What a function's own name holds until it is bound: so it is not looked up around the function."""

    __slots__ = ()


UNBOUND = Unbound()
_SCOPES = ast.ListComp | ast.GeneratorExp | ast.DictComp


def own(function: ast.FunctionDef) -> dict[str, Unbound]:
    """Return a function's own names, none of them bound; its parameters are bound when it is called."""
    return {name: UNBOUND for statement in function.body for name in _bound(statement)}


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds; what comprehensions and functions within bind is their own."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.FunctionDef):
        yield node.name
    elif not isinstance(node, _SCOPES):
        for part in within(node):
            if not isinstance(part, MARKS):
                yield from _bound(part)
