"""A program with other data: one of its names bound anew where it was bound, so that all below follows."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from llm_linalg.base.code_names import code_names, written_into
from llm_linalg.base.source import Source


def changed_program(
    program: str, statement: str, cells: Sequence[int] = (), given: Collection[str] = ()
) -> tuple[str, tuple[int, ...]]:
    """Return a program that binds other data, and the lines at which its cells begin.

    Each part of the statement is put below the last statement that binds a name of its own. A name that is
    only `given` is bound at the beginning, and any other at the end.

    Raises:
        ProgramError: If either can't be read.
    """
    lines = program.split("\n") if program else []
    source = Source(statement)
    bound = [(part.end_lineno or part.lineno, bound_names(part)) for part in Source(program).tree.body]
    for part in reversed(source.tree.body):
        names = bound_names(part)
        ends = [end for end, own in bound if not names.isdisjoint(own)]
        at = max(ends) if ends else 0 if names <= {*given} else len(lines)
        lines.insert(at, source.text_of(part))
        bound = [(end + (end > at), own) for end, own in bound]
        cells = [start + (start > at) for start in cells]
    return "\n".join(lines), tuple(cells)


def bound_names(node: ast.AST) -> frozenset[str]:
    """Return the names that code binds, or into whose values it assigns: `x` of `x[0] = 1`."""
    return code_names(node).binds | written_into(node)
