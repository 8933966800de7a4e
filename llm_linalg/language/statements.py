"""Statements other than assignments, definitions and imports: conditions and loops."""

from __future__ import annotations

import ast

from torch import Tensor

from llm_linalg.language import arithmetic
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.assignment import assign
from llm_linalg.language.expressions import truth
from llm_linalg.language.figures import Figure
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import iterate
from llm_linalg.language.jumps import Break, Continue
from llm_linalg.language.loop_window import LoopWindow


def expression_statement(run: Interpreter, node: ast.Expr) -> None:
    """Execute an expression that stands alone on its line."""
    value = run.last_value = run.evaluate(node.value)
    value = value.tensor if value.__class__ is Array else value
    if isinstance(value, Tensor):
        run.current = node
        run.note_result(run.recorder.node_of(value), value)
    elif value.__class__ is Figure:
        if not run.is_drawn:
            run.leave_out(node)
        run.is_drawn = False


def pass_statement(_run: Interpreter, _node: ast.Pass) -> None:
    """Execute `pass`."""


def sharing(_run: Interpreter, _node: ast.Global | ast.Nonlocal) -> None:
    """Execute `global x`, which has been read when the function was defined."""


def if_statement(run: Interpreter, node: ast.If) -> None:
    """Execute `if a: … else: …`."""
    run.execute(node.body if truth(run, run.evaluate(node.test), node.test) else node.orelse)


def for_loop(run: Interpreter, node: ast.For) -> None:
    """Execute `for x in xs: … else: …`."""
    given = run.evaluate(node.iter)
    items = iterate(run, given, node.iter)
    names, name = run.names.maps[0], node.target.id if isinstance(node.target, ast.Name) else None
    window = LoopWindow(run, node, given)
    try:
        for value in items:
            window.start_turn()
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
    finally:
        window.close()
    run.execute(node.orelse)


def while_loop(run: Interpreter, node: ast.While) -> None:
    """Execute `while a: … else: …`."""
    window = LoopWindow(run, node, None)
    try:
        while truth(run, run.evaluate(node.test), node.test):
            window.start_turn()
            try:
                run.execute(node.body)
            except Continue:
                continue
            except Break:
                return
    finally:
        window.close()
    run.execute(node.orelse)


def break_loop(_run: Interpreter, _node: ast.Break) -> None:
    """Execute `break`."""
    raise Break


def continue_loop(_run: Interpreter, _node: ast.Continue) -> None:
    """Execute `continue`."""
    raise Continue
