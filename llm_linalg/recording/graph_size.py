"""How much of autograd's graph a backward pass goes through that no node stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.recording.record_node import RecordNode


class GraphSize(NamedTuple):
    """What a backward pass goes through.

    Attributes:
        nodes: The nodes of the steps that are known.
        oldest: The least of the numbers that autograd gave to those made in gaps; None if there are none.
        leaves: The number of elements of the leaves that get a gradient.
    """

    nodes: list[RecordNode]
    oldest: int | None
    leaves: int


def graph_size(
    tensors: Iterable[Tensor], known: Mapping[Any, RecordNode], is_in_gap: Callable[[int], bool]
) -> GraphSize:
    """Return what backward passes from some tensors go through.

    Args:
        tensors: The tensors.
        known: By step of autograd: the node of which it is a part.
        is_in_gap: Returns whether a step was made in a gap, given its number; the others are parts of calls
            that have nodes.
    """
    with untraced():
        todo = [step for step in map(step_of, tensors) if step is not None]
        seen: set[Any] = set(todo)
        nodes: list[RecordNode] = []
        oldest, leaves = None, 0
        while todo:
            step: Any = todo.pop()
            inner = step.next_functions
            if not inner:  # it adds to the gradient of a leaf, or has none
                variable = getattr(step, "variable", None)
                leaves += 0 if variable is None else variable.numel()
                continue
            node = known.get(step)
            if node is not None:
                nodes.append(node)
            else:
                number = step._sequence_nr()  # noqa: SLF001 - torch has no other name for it
                if (oldest is None or number < oldest) and is_in_gap(number):
                    oldest = number
            for following, _ in inner:
                if following is not None and following not in seen:
                    seen.add(following)
                    todo.append(following)
    return GraphSize(nodes, oldest, leaves)


def step_of(tensor: Tensor) -> Any:
    """Return the step of autograd that made a tensor; None without one.

    Torch doesn't tell it of a part of `unbind` whose base was written since.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None
