"""A dart thrown at a ruler: a number compared with the running sum of probabilities."""

from __future__ import annotations

from typing import Generic, NamedTuple

import torch

from llm_linalg.analysis.value_traits import is_distribution
from llm_linalg.recording.record_node import N, RecordNode

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "less", "less_equal", "greater", "greater_equal"})
SEARCHES = frozenset({"searchsorted", "bucketize"})
LONGEST_WAY = 4  # operations from the comparison to what is made of it


class Ruler(NamedTuple, Generic[N]):
    """Probabilities side by side from 0 to 1, and where a number between falls."""

    edges: N  # the node of their running sum
    ends: tuple[float, ...]  # the running sum: where each of them ends
    dart: float | None = None  # the number, or None where none is compared with them
    hit: int | None = None  # the place of the probability that the dart falls into; None without a dart


def ruler_of(node: N) -> Ruler[N] | None:
    """Return the ruler that a node is about: a running sum of probabilities, or a comparison with one.

    What is made of such a comparison, a single number in a few operations, is about the same ruler.
    """
    if _is_ruler(node):
        return Ruler(node, _numbers(node))
    level = [node]
    for _ in range(LONGEST_WAY if not node.shape else 1):
        for here in level:
            ruler = _comparison(here)
            if ruler is not None:
                return ruler
        level = [operand.node for here in level for operand in here.operands]
    return None


def _comparison(node: N) -> Ruler[N] | None:
    """Return the ruler of a comparison of its edges with a single number from 0 up to 1."""
    if node.op not in COMPARISONS | SEARCHES or node.call is None or node.dropped:
        return None
    edges = next((operand.node for operand in node.operands if _is_ruler(operand.node)), None)
    others = [operand for operand in node.operands if operand.node is not edges]
    single = [operand.value for operand in others if operand.value.numel() == 1]
    plain = [value for value in node.call.arguments.values() if isinstance(value, int | float)]
    numbers = [value for value in plain if not isinstance(value, bool)]
    if edges is None or len(single) + len(numbers) != 1:
        return None
    dart = float(single[0].item()) if single else float(numbers[0])
    if not 0 <= dart < 1:
        return None
    ends = _numbers(edges)
    hit = sum(end <= dart for end in ends)
    return Ruler(edges, ends, dart, min(hit, len(ends) - 1))


def _is_ruler(node: RecordNode) -> bool:
    """Return whether a node is the running sum of a vector of probabilities."""
    if node.op != "cumsum" or len(node.shape) != 1 or node.dropped:
        return False
    return is_distribution(node.operands[0].value)


def _numbers(node: RecordNode) -> tuple[float, ...]:
    return tuple(node.value.detach().to(torch.float64).tolist())
