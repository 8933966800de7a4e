"""How many layers a layer is made of."""

from __future__ import annotations

from torch import nn

from llm_linalg.errors import LimitError

MAX_LAYERS = 2_000  # in one layer: each call goes through all of them


def count(layer: nn.Module) -> int:
    """Return how many layers a layer is made of, itself included; one that is there twice counts twice.

    Raises:
        LimitError: If they are more than the bound.
    """
    total = 0
    todo = [layer]
    while todo:
        total += 1
        if total > MAX_LAYERS:
            raise LimitError(f"a layer of more than {MAX_LAYERS:,} layers")
        todo += [inner for inner in vars(todo.pop())["_modules"].values() if inner is not None]
    return total


def bound(number: int) -> None:
    """Hold how many layers are to be put into one against the bound, before they are.

    Raises:
        LimitError: If they are more.
    """
    if number > MAX_LAYERS:
        raise LimitError(f"a layer of more than {MAX_LAYERS:,} layers")
