"""What stands beside the lines of a program: the shape and type that each gave, and the operation it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.stage.nodes import Path, labels

if TYPE_CHECKING:
    from llm_linalg.tracing import Trace


def notes(trace: Trace) -> dict[int, str]:
    """The shape and type of the last tensor that each line, from 1, bound; if it bound none, that it made."""
    found: dict[int, str] = {}
    bound: set[int] = set()
    for node in trace.nodes:
        line = node.line
        if line is None or (line in bound and node.bound_name is None):
            continue
        found[line] = f"{node.shape} {node.dtype}"
        if node.bound_name is not None:
            bound.add(line)
    return found


def path_at(trace: Trace, line: int) -> Path:
    """The operation of a line: what it bound last, else its last one, else that of the nearest line above."""
    best: tuple[tuple[int, bool, int], int] | None = None
    for node in trace.nodes:
        if node.line is not None and node.line <= line:
            key = (node.line, node.bound_name is not None, node.index)
            best = max(best or (key, node.index), (key, node.index))
    if best is None:
        return (labels(trace.nodes)[0],) if trace.nodes else ()
    return (labels(trace.nodes)[best[1]],)
