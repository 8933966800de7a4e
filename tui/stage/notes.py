"""What stands beside the lines of a program: the shape and type that each gave, and the operation it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.stage.nodes import Path, labels

if TYPE_CHECKING:
    from llm_linalg.tracing import Trace


def notes(trace: Trace) -> dict[int, str]:
    """The shape and type of the tensor that each line, from 1, gave last; else of what it made."""
    found: dict[int, str] = {}
    bound: set[int] = set()
    for node in trace.nodes:
        line = node.line
        if line is None or (line in bound and node.bound_name is None):
            continue
        found[line] = f"{node.shape} {node.dtype}"
        if node.bound_name is not None:
            bound.add(line)
    return found | {line: f"{node.shape} {node.dtype}" for line, node in trace.lines.items()}


def path_at(trace: Trace, line: int) -> Path:
    """The operation of a line: what it gave last, else its last one, else that of the nearest line above."""
    made = [(node.line, node.bound_name is not None, node.index) for node in trace.nodes if node.line]
    gave = [(number, 2, node.index) for number, node in trace.lines.items()]
    best = max((place for place in [*made, *gave] if place[0] <= line), default=None)
    if best is None:
        return (labels(trace.nodes)[0],) if trace.nodes else ()
    return (labels(trace.nodes)[best[2]],)
