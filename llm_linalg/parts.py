"""Opens a composite operation into the small program that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_linalg.node import Node

if TYPE_CHECKING:
    from llm_linalg.tracing import Trace


def opened(node: Node) -> Trace | None:
    """Return the trace of what a composite call does, over the same operands; None for the others."""
    from llm_linalg.front import execute

    if node.call is None:
        return None
    program = node.call.operation.opened(node.call)
    if not program:
        return None
    known = {}
    for name, places in node.call.places.items():
        if places:
            operand = node.operands[places[0]]
            known[name] = operand.node or Node(0, "input", operand.value, name=operand.name)
    return execute(program, 0, {}, known)


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes inside a composite call, in order; () for the others."""
    inner = opened(node)
    return inner.nodes if inner else ()
