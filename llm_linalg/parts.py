"""Opens a composite operation into the small program that it is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from llm_linalg.axes import Shape
from llm_linalg.node import Node

if TYPE_CHECKING:
    from llm_linalg.ops.call import Call
    from llm_linalg.relations import Reads
    from llm_linalg.tracing import Trace

SMALL = 2**22  # multiplications, or like work, that are done to count those of the parts


def opened(node: Node) -> Trace | None:
    """Return the trace of what a composite call does, over the same operands; None for the others."""
    from llm_linalg.front import execute

    call = node.call
    program = call.operation.program_for(call) if call else ""
    if call is None or not program:
        return None
    return execute(program, 0, {}, {name: node.operands[place].node for name, place in _inputs(call).items()})


def composed(call: Call) -> tuple[Reads, ...]:
    """Return the relation between a composite's result and each operand, through its parts."""
    from llm_linalg.composed import ComposedReads
    from llm_linalg.front import execute
    from llm_linalg.lineage import Lineage

    inputs = {
        name: Node(0, "input", call.tensors[place].detach(), name=name)
        for name, place in _inputs(call).items()
    }
    inner = execute(call.operation.program_for(call), 0, {}, inputs)
    lineage = Lineage(inner)
    by_place = {place: inputs[name] for name, place in _inputs(call).items()}
    return tuple(
        ComposedReads(lineage, by_place[place], inner.nodes[-1]) for place in range(len(call.tensors))
    )


def _inputs(call: Call) -> dict[str, int]:
    """Return the names that a composite's program takes tensors by, each with the operand's place."""
    return {name: places[0] for name, places in call.places.items() if places}


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes inside a composite call, in order; () for the others."""
    inner = opened(node)
    parts = inner.nodes if inner else ()
    for part in parts:
        part.inside = node
    return parts


def multiplications(call: Call) -> int | None:
    """Return how many multiplications the parts of a composite call take together; None if not known."""
    given = {name: call.tensors[places[0]] for name, places in call.places.items() if places}
    operands = tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in given.items())
    # On meta nothing is computed, but torch takes most of a second to get ready for it.
    device = "cpu" if call.operation.cost(call, call.shape) <= SMALL else "meta"
    return _multiplications(call.operation.program_for(call), operands, device)


@lru_cache(1_000)
def _multiplications(
    program: str, operands: tuple[tuple[str, Shape, torch.dtype], ...], device: str
) -> int | None:
    """Run the program on zeros: only shapes matter."""
    from llm_linalg.front import execute

    with torch.device(device):
        known = {
            name: Node(0, "input", torch.zeros(shape, dtype=dtype), name=name)
            for name, shape, dtype in operands
        }
        counts = [node.multiplications for node in execute(program, 0, {}, known).nodes]
    return None if None in counts else sum(count or 0 for count in counts)
