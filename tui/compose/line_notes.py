"""Notes beside the lines of a program: shape and dtype of what each gave, and its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.compose.nodes import Path, labels

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace


def line_notes(trace: Trace) -> dict[int, str]:
    """Return the shape and dtype of what each line, from 1, gave last, else of what it computed last.

    A gradient that is looked at is not computed there, and a line that failed gave nothing. A loop's line
    says which of its turns are not kept.
    """
    gave: dict[int, Node] = {}
    for node in trace.nodes:
        line = node.line
        if line is not None and line != trace.failed_line and node.bound_name is None and node.op != "grad":
            gave[line] = node
    gave.update(trace.lines)
    notes = {line: f"{node.shape} {node.dtype}" for line, node in gave.items()}
    return {**notes, **{gap.line: f"{gap.span} not kept" for gap in trace.gaps}}


def path_at(trace: Trace, line: int) -> Path:
    """Return the path of a line's operation: what it gave last, else its last, else that of a line above."""
    made = [(node.line, node.bound_name is not None, node.index) for node in trace.nodes if node.line]
    gave = [(number, 2, node.index) for number, node in trace.lines.items()]
    best = max((place for place in [*made, *gave] if place[0] <= line), default=None)
    if best is None:
        return (labels(trace.nodes)[0],) if trace.nodes else ()
    return (labels(trace.nodes)[best[2]],)
