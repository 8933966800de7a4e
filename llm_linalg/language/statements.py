"""Statements other than assignments, definitions and imports: conditions, loops, assertions."""

from __future__ import annotations

import ast

from torch import Tensor

from llm_linalg.language import arithmetic, strings
from llm_linalg.language.assignment import assign
from llm_linalg.language.comprehensions import items_of, iterate
from llm_linalg.language.expressions import truth
from llm_linalg.language.interpreter import Interpreter


class Break(Exception):  # noqa: N818  a way out of nested statements, not an error
    """Leaves a loop."""


class Continue(Exception):  # noqa: N818
    """Goes on with the next turn of a loop."""


def expression_statement(run: Interpreter, node: ast.Expr) -> None:
    """Execute an expression that stands alone on its line."""
    value = run.evaluate(node.value)
    if isinstance(value, Tensor):
        run.current = node
        run.note_result(run.recorder.node_of(value))


def pass_statement(_run: Interpreter, _node: ast.Pass) -> None:
    """Execute `pass`."""


def if_statement(run: Interpreter, node: ast.If) -> None:
    """Execute `if a: … else: …`."""
    run.execute(node.body if truth(run, run.evaluate(node.test), node.test) else node.orelse)


def for_loop(run: Interpreter, node: ast.For) -> None:
    """Execute `for x in xs: … else: …`."""
    source = run.evaluate(node.iter)
    items = items_of(run, source, node.iter)
    names, name = run.names.maps[0], node.target.id if isinstance(node.target, ast.Name) else None
    for value in iterate(run, source, items, node.iter):
        run.current = node
        if name is not None and value.__class__ in arithmetic.PLAIN_TYPES:  # `assign`, written out
            names[name] = value
        else:
            assign(run, node.target, value)
        try:
            run.execute(node.body)
        except Continue:
            continue
        except Break:
            return
    run.execute(node.orelse)


def break_loop(_run: Interpreter, _node: ast.Break) -> None:
    """Execute `break`."""
    raise Break


def continue_loop(_run: Interpreter, _node: ast.Continue) -> None:
    """Execute `continue`."""
    raise Continue


def assertion(run: Interpreter, node: ast.Assert) -> None:
    """Execute `assert a, "why"`."""
    if truth(run, run.evaluate(node.test), node.test):
        return
    reason = ""
    if node.msg is not None:
        value = run.evaluate(node.msg)
        run.budget.charge_items(value)
        reason = f": {strings.str_of(run, value):.300}"
    raise run.error(f"this does not hold{reason}", node.test)
