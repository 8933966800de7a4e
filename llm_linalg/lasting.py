"""Repairs of a place that a program may come by more than once: each is tried in the whole program."""

from __future__ import annotations

import ast
from collections.abc import Callable

from llm_linalg.errors import HaltedError, LimitError, ProgramError, Repair, ShapeError
from llm_linalg.language.source import Source
from llm_linalg.parsing import walk

_REPEATING = (ast.For, ast.FunctionDef, ast.ListComp, ast.GeneratorExp, ast.DictComp)


def comes_by_again(source: Source, error: ShapeError) -> bool:
    """Return whether the program may come by the place of an error more than once."""
    line = error.line or 0
    return any(
        isinstance(node, _REPEATING) and node.lineno <= line <= (node.end_lineno or line)
        for node in walk(source.tree)
    )


def lasting(error: ShapeError, rerun: Callable[[str], object]) -> tuple[Repair, ...]:
    """Return the repairs of an error after which its place no longer fails, whenever the program comes by.

    Args:
        error: The error.
        rerun: Runs a program.
    """
    found: list[Repair] = []
    for repair in error.repairs:
        try:
            rerun(error.repaired(repair))
        except HaltedError:
            raise
        except LimitError:
            pass  # so far it was right
        except ProgramError as other:
            if other.span is not None and error.span is not None and other.span[:2] == error.span[:2]:
                continue
        found.append(repair)
    return tuple(found)
