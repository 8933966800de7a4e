"""Opens a composite operation into the small program that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_linalg.node import Node

if TYPE_CHECKING:
    from llm_linalg.ops.call import Call
    from llm_linalg.relations import Relation
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


def composed(call: Call) -> tuple[Relation, ...]:
    """Return the relation between a composite's result and each operand, through its parts."""
    from llm_linalg.composed import ComposedRelation
    from llm_linalg.front import execute
    from llm_linalg.lineage import Lineage

    inputs = {
        name: Node(0, "input", call.tensors[places[0]].detach(), name=name)
        for name, places in call.places.items()
        if places
    }
    inner = execute(call.operation.opened(call), 0, {}, inputs)
    lineage = Lineage(inner)
    by_place = {call.places[name][0]: node for name, node in inputs.items()}
    return tuple(
        ComposedRelation(lineage, by_place[place], inner.nodes[-1]) for place in range(len(call.tensors))
    )


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes inside a composite call, in order; () for the others."""
    inner = opened(node)
    return inner.nodes if inner else ()
