"""A number for each row of a tensor, such as its sum: what may stand beside the rows of a picture."""

from __future__ import annotations

from torch import Tensor

from llm_linalg.axes import Shape


def margin(kind: str, value: Tensor) -> Tensor:
    """Return a reduction of a tensor's last axis.

    Args:
        kind: ``sum``, ``mean``, ``max`` or ``min``.
        value: At least one axis; its last is not empty.
    """
    if kind == "sum":
        return value.sum(-1)
    if kind == "mean":
        return (value if value.is_floating_point() or value.is_complex() else value.double()).mean(-1)
    return value.amax(-1) if kind == "max" else value.amin(-1)


def has_margin(shape: Shape) -> bool:
    """Whether there are rows, and something in them."""
    return bool(shape) and shape[-1] > 0
