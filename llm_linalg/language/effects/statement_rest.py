"""What of a statement was still to do when a part of it failed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeVar

from llm_linalg.base.syntax import children

N = TypeVar("N", bound=ast.AST)
_PLAIN = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)
"""Statements whose parts are evaluated once."""
_LATER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""Expressions whose parts are evaluated later, or many times."""
_LAST = (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp)
"""Expressions that do nothing before all of their parts have values."""


def rest_of_statement(statement: ast.stmt, failed: Callable[[ast.AST], bool]) -> ast.stmt:
    """Return what of a statement was still to do: the parts of the expression that failed had values by then.

    Of `x = torch.rand(2).cuda()`, where `.cuda` fails, that is `x = None.cuda()`.

    Args:
        statement: The statement.
        failed: Whether an expression is the one that failed.

    Returns:
        A statement that shares what is unchanged with the one that was given; that one itself if it is of a
        kind whose parts may come more than once, or if no expression of it failed.
    """
    holders: dict[ast.AST, ast.AST] = {}  # of each part
    todo: list[ast.AST] = [statement] if isinstance(statement, _PLAIN) else []
    while todo:
        part = todo.pop()
        if isinstance(part, _LAST) and failed(part):
            rest: ast.stmt = _with(statement, part, _without_parts(part), holders)
            return rest
        if not isinstance(part, _LATER):
            for child in children(part):
                holders[child] = part
                todo.append(child)
    return statement


def _without_parts(node: ast.expr) -> ast.expr:
    """Return an expression with `None` for its parts, but for names and for the function that it calls."""
    if isinstance(node, ast.Call):
        func = _without_parts(node.func) if isinstance(node.func, ast.Attribute) else node.func
        named = [_filled(keyword, value=_value(keyword.value)) for keyword in node.keywords]
        return _filled(node, func=func, args=[_value(item) for item in node.args], keywords=named)
    parts = {name: part for name, part in ast.iter_fields(node) if isinstance(part, ast.expr)}
    return _filled(node, **{name: _value(part) for name, part in parts.items()})


def _value(node: ast.expr) -> ast.expr:
    return node if isinstance(node, ast.Name) else ast.copy_location(ast.Constant(None), node)


def _filled(node: N, **fields: Any) -> N:
    """Return a copy of a node with some of its fields replaced."""
    return ast.copy_location(node.__class__(**{**dict(ast.iter_fields(node)), **fields}), node)


def _with(statement: ast.stmt, part: ast.AST, new: ast.AST, holders: dict[ast.AST, ast.AST]) -> Any:
    """Return a statement with another node in place of a part; `holders` has what holds each part."""
    while part is not statement:
        holder = holders[part]
        fields = {
            name: [new if item is part else item for item in value] if isinstance(value, list) else new
            for name, value in ast.iter_fields(holder)
            if value is part or (isinstance(value, list) and part in value)
        }
        part, new = holder, _filled(holder, **fields)
    return new
