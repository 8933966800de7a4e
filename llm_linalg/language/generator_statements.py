"""Statements of functions that `yield`: what they do, as generators of Python's.

A function pauses in a `yield` that stands alone, in `x = yield y`, or in `return (yield y)`, within any of
the statements here. All other statements are executed as everywhere.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NoReturn

from llm_linalg.base.errors import ProgramError
from llm_linalg.language import suggestions
from llm_linalg.language.assignment import assign
from llm_linalg.language.context_managers import open_context
from llm_linalg.language.exceptions import ENDING, catching, handler_of
from llm_linalg.language.expressions import truth
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import iterate
from llm_linalg.language.jumps import JUMPS, Break, Continue, Return
from llm_linalg.language.matching import matching_body

Pauses = Container[ast.AST]


def misplaced_yield(run: Interpreter, node: ast.AST, _pauses: Pauses = ()) -> NoReturn:
    """Refuse a `yield` that isn't one of those above, or the statement that it is in."""
    raise run.error(suggestions.YIELD, node)


def _value(run: Interpreter, node: ast.expr | None, statement: ast.stmt) -> Generator[Any, Any, Any]:
    """Yield what a `yield` gives; the value is what it is sent, or what the inner generator returns."""
    if isinstance(node, ast.Yield):
        item = None if node.value is None else run.evaluate(node.value)
        sent = yield item
        return sent
    if not isinstance(node, ast.YieldFrom):
        raise run.error(suggestions.YIELD, statement)
    items = run.evaluate(node.value)
    source: Any = iterate(run, items, node.value)
    returned = yield from source
    return returned  # by a generator


def expression_statement(run: Interpreter, node: ast.Expr, _pauses: Pauses) -> Iterator[Any]:
    """Execute `yield x`."""
    yield from _value(run, node.value, node)


def assignment(run: Interpreter, node: ast.Assign, _pauses: Pauses) -> Iterator[Any]:
    """Execute `a = yield x`."""
    value = yield from _value(run, node.value, node)
    for target in node.targets:
        assign(run, target, value)


def annotated_assignment(run: Interpreter, node: ast.AnnAssign, _pauses: Pauses) -> Iterator[Any]:
    """Execute `a: int = yield x`."""
    value = yield from _value(run, node.value, node)
    assign(run, node.target, value)


def return_value(run: Interpreter, node: ast.Return, _pauses: Pauses) -> Iterator[Any]:
    """Execute `return (yield x)`."""
    value = yield from _value(run, node.value, node)
    raise Return(value)


def if_statement(run: Interpreter, node: ast.If, pauses: Pauses) -> Iterator[Any]:
    """Execute `if a: … else: …`."""
    body = node.body if truth(run, run.evaluate(node.test), node.test) else node.orelse
    yield from run.suspend(body, pauses)


def match_statement(run: Interpreter, node: ast.Match, pauses: Pauses) -> Iterator[Any]:
    """Execute `match x: case …`."""
    yield from run.suspend(matching_body(run, node), pauses)


def for_loop(run: Interpreter, node: ast.For, pauses: Pauses) -> Iterator[Any]:
    """Execute `for x in xs: … else: …`."""
    for value in iterate(run, run.evaluate(node.iter), node.iter):
        assign(run, node.target, value)
        try:
            yield from run.suspend(node.body, pauses)
        except Continue:
            continue
        except Break:
            return
    yield from run.suspend(node.orelse, pauses)


def while_loop(run: Interpreter, node: ast.While, pauses: Pauses) -> Iterator[Any]:
    """Execute `while a: … else: …`."""
    while truth(run, run.evaluate(node.test), node.test):
        try:
            yield from run.suspend(node.body, pauses)
        except Continue:
            continue
        except Break:
            return
    yield from run.suspend(node.orelse, pauses)


def try_statement(run: Interpreter, node: ast.Try, pauses: Pauses) -> Iterator[Any]:
    """Execute `try: … except: … else: … finally: …`."""
    try:
        try:
            yield from run.suspend(node.body, pauses)
        except ProgramError as error:
            handler = handler_of(run, node, error)
            with catching(run, handler, error):
                yield from run.suspend(handler.body, pauses)
        else:
            yield from run.suspend(node.orelse, pauses)
    except ENDING:
        raise
    except (ProgramError, *JUMPS):
        yield from run.suspend(node.finalbody, pauses)
        raise
    yield from run.suspend(node.finalbody, pauses)


def with_block(run: Interpreter, node: ast.With, pauses: Pauses) -> Iterator[Any]:
    """Execute `with a as b: …`, for contexts that other parts of the program don't notice."""
    with ExitStack() as stack:
        for item in node.items:
            stack.enter_context(open_context(run, item, pauses=True))
        yield from run.suspend(node.body, pauses)


STATEMENTS: Mapping[type[ast.AST], Callable[[Interpreter, Any, Pauses], Iterator[Any]]] = {
    ast.Expr: expression_statement,
    ast.Assign: assignment,
    ast.AnnAssign: annotated_assignment,
    ast.Return: return_value,
    ast.If: if_statement,
    ast.Match: match_statement,
    ast.For: for_loop,
    ast.While: while_loop,
    ast.Try: try_statement,
    ast.With: with_block,
    **dict.fromkeys([ast.AugAssign, ast.Assert, ast.Raise, ast.Delete], misplaced_yield),
}
