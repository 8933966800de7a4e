"""How many layers a layer is made of."""

from __future__ import annotations

from typing import Any

from torch import nn

from llm_linalg.base.errors import LimitError

MAX_LAYERS = 2_000  # in one layer: each call goes through all of them
MAX_DEPTH = 50


def count_layers(layer: nn.Module) -> int:
    """Return how many layers a layer is made of, itself included; one that is there twice counts twice.

    Raises:
        LimitError: If they are more than the bound, or too deep within each other.
    """
    total = depth = 0
    level = [layer]
    while level:
        total += len(level)
        depth += 1
        check_count(total + sum(len(vars(outer)["_modules"]) for outer in level))  # before they are listed
        if depth > MAX_DEPTH:
            raise LimitError(f"layers in layers, more than {MAX_DEPTH} deep")
        inner = [item for outer in level for item in vars(outer)["_modules"].values()]
        level = [item for item in inner if item is not None]
    return total


def count_result(left: Any, right: Any) -> int:
    """Return how many layers there are in a layer times a number, or with others behind it; 0 without one.

    Raises:
        LimitError: If one alone has more than the bound.
    """
    total = 0
    for layer, other in ((left, right), (right, left)):
        if isinstance(layer, nn.Module):
            total += count_layers(layer) * (max(other, 1) if isinstance(other, int) else 1)
            total += len(other) if isinstance(other, list | tuple) else 0
    return total


def check_count(number: int) -> None:
    """Hold how many layers are to be put into one against the bound, before they are.

    Raises:
        LimitError: If they are more.
    """
    if number > MAX_LAYERS:
        raise LimitError(f"a layer of more than {MAX_LAYERS:,} layers")
