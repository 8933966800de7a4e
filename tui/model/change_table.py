"""What differs between the operations of two traces, as the facts of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_linalg.analysis.comparison import Comparison
    from llm_linalg.api.node import Node


def change_facts(comparison: Comparison[Node], nodes: Sequence[Node]) -> dict[str, Any]:
    """Return how many of some nodes differ, where that begins, and by how much at most."""
    changes = comparison.inside(nodes)
    return {
        "nodes": len(nodes),
        "changed": len(changes),
        "begins": sum(change.begins for change in changes),
        "change": _largest([own.largest for own in changes if own.largest is not None]),
        "relative": _largest([own.relative for own in changes if own.relative is not None]),
    }


def _largest(numbers: Sequence[float]) -> float | None:
    """Return the largest number, or NaN if there is one; None for none."""
    return max(numbers, key=lambda own: (own != own, own), default=None)
