"""How many layers a layer holds: each call goes through all of them, so there is a limit."""

from __future__ import annotations

from typing import Any

from torch import nn

from llm_linalg.base.errors import LimitError
from llm_linalg.language.classes.program_class import Module

MAX_LAYERS = 2_000
MAX_DEPTH = 50


def count_layers(layer: nn.Module, within: bool = True) -> int:
    """Return how many layers a layer holds, itself included; one that is in it twice counts twice.

    Args:
        layer: The layer.
        within: Whether to count those in modules of the program's classes, which call them by themselves.

    Raises:
        LimitError: If they are too many, or nested too deeply.
    """
    total, level = 1, [layer]
    if not vars(layer)["_modules"] or (not within and isinstance(layer, Module)):  # most of them
        return total
    for _ in range(MAX_DEPTH):
        inner = [vars(outer)["_modules"] for outer in level]
        count = sum(map(len, inner))
        if not count:
            return total
        check_count(total + count)  # before a list is made of them
        level = [item for own in inner for item in own.values() if item is not None]
        total += len(level)
        if not within:
            level = [item for item in level if not isinstance(item, Module)]
    raise LimitError(f"layers in layers, more than {MAX_DEPTH} deep")


def count_result(left: Any, right: Any) -> int:
    """Return how many layers `left + right` or `left * right` would hold; 0 if neither is a layer.

    Raises:
        LimitError: If one of them alone holds too many.
    """
    total = 0
    for layer, other in ((left, right), (right, left)):
        if isinstance(layer, nn.Module):
            total += count_layers(layer) * (max(other, 1) if isinstance(other, int) else 1)
            total += len(other) if isinstance(other, list | tuple) else 0
    return total


def check_count(number: int) -> None:
    """Raise `LimitError` if a layer would hold too many layers."""
    if number > MAX_LAYERS:
        raise LimitError(f"a layer of more than {MAX_LAYERS:,} layers")
