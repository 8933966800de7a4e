"""Which repairs of a failed call last: in a loop or a function its line runs again."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, Repair, ShapeError
from llm_linalg.base.source import Source
from llm_linalg.base.syntax import descendants
from llm_linalg.capture.limits import Limits

TRIAL = Limits(calls=2_000, tensors=500, elements=2**20, multiplications=2**28)
"""What a program may do that is run again with a repair."""
_REPEATING = (
    *(ast.For, ast.While, ast.FunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def may_repeat(source: Source, error: ProgramError) -> bool:
    """Return whether the line of an error stands in a loop or a function."""
    line = error.line or 0
    return any(
        isinstance(node, _REPEATING) and node.lineno <= line <= (node.end_lineno or line)
        for node in descendants(source.tree)
    )


def lasting(error: ShapeError, rerun: Callable[[str], Any]) -> tuple[Repair, ...]:
    """Return the repairs of an error with which its line succeeds each time that it runs.

    Args:
        error: The error.
        rerun: Runs a program as the one that failed was.
    """
    repairs: list[Repair] = []
    for repair in error.repairs:
        try:
            rerun(error.apply_repair(repair))
        except HaltedError:
            raise
        except LimitError:
            pass  # it was right as far as the trial got
        except ProgramError as other:
            if other.span is not None and error.span is not None and other.span[:2] == error.span[:2]:
                continue
        repairs.append(repair)
    return tuple(repairs)
