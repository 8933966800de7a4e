"""The ways in which statements are left before their end: for sure, or perhaps."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from llm_linalg.language.statements import Broken, Continued, Returned
from llm_linalg.parsing import MARKS, walk, within

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOW: tuple[type[Exception], ...] = (Returned, Broken, Continued)  # the one that leaves most first
_WITHOUT: Any = (ast.Name, ast.Constant, *MARKS)  # nodes within which nothing is bound


class Perhaps(Exception):  # noqa: N818
    """The statements around may be left here, or not."""

    def __init__(self, way: type[Exception]) -> None:
        super().__init__()
        self.way = way


def strongest(ways: Collection[type[Exception]]) -> type[Exception]:
    """Return the way that leaves most, of at least one."""
    return min(ways, key=FLOW.index)


def ways_out(statements: Sequence[ast.stmt]) -> Iterator[type[Exception]]:
    """Yield the ways in which statements may leave what is around them."""
    for statement in statements:
        match statement:
            case ast.Return():
                yield Returned
            case ast.Break():
                yield Broken
            case ast.Continue():
                yield Continued
            case ast.For():
                yield from (way for way in ways_out(statement.body) if way is Returned)
                yield from ways_out(statement.orelse)
            case ast.If():
                yield from ways_out([*statement.body, *statement.orelse])
            case ast.With():
                yield from ways_out(statement.body)


def binding(statement: ast.AST) -> Sequence[ast.AST]:
    """Return a statement's nodes that bind a name; of a function that it defines, the function."""
    found: list[ast.AST] = []
    todo = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.alias) or (
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ):
            found.append(node)
        elif not isinstance(node, _WITHOUT):
            todo += within(node)
    return found


def bound_by(target: ast.expr) -> Iterator[str]:
    """Yield the names that an assignment to a target binds."""
    for node in walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def looked_at(*nodes: ast.AST) -> frozenset[str]:
    """Return the names whose values are used within nodes, unless it is to put another item into them."""
    found: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        match node:
            case ast.Name(ctx=ast.Load()):
                found.add(node.id)
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr="append")):
                todo += node.args
            case ast.Subscript(value=ast.Name(), ctx=ast.Store()):
                todo.append(node.slice)
            case ast.AugAssign():
                found.update(inner.id for inner in walk(node.target) if isinstance(inner, ast.Name))
                todo += [node.target, node.value]
            case _ if not isinstance(node, _WITHOUT):
                todo += within(node)
    return frozenset(found)
