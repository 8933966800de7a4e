"""How much of autograd's graph a backward pass goes through that no node stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.recording.record_node import RecordNode


class GraphSize(NamedTuple):
    """What a backward pass goes through.

    Attributes:
        nodes: The nodes of the steps that are known.
        unknown: The number of the others.
        leaves: The number of elements of the leaves that get a gradient.
    """

    nodes: list[RecordNode]
    unknown: int
    leaves: int


def graph_size(tensors: Iterable[Tensor], known: Mapping[Any, RecordNode]) -> GraphSize:
    """Return what backward passes from some tensors go through.

    Args:
        tensors: The tensors.
        known: By step of autograd: the node of which it is a part.
    """
    with untraced():
        todo = [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]
        seen: set[Any] = set(todo)
        nodes: list[RecordNode] = []
        unknown = leaves = 0
        while todo:
            step: Any = todo.pop()
            node = known.get(step)
            if node is not None:
                nodes.append(node)
            else:
                unknown += 1
            inner = step.next_functions
            if not inner:  # it adds to the gradient of a leaf
                variable = getattr(step, "variable", None)
                leaves += 0 if variable is None else variable.numel()
            for following, _ in inner:
                if following is not None and following not in seen:
                    seen.add(following)
                    todo.append(following)
    return GraphSize(nodes, unknown, leaves)
