"""Tensors without cells: they have a shape and a type, and no memory."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Shape


@cache
def _cell(kind: torch.dtype, _of: str = "value") -> Tensor:
    with torch._C.DisableTorchFunction():
        return torch.empty((), dtype=kind, device="meta")


def gradient_like(tensor: Tensor) -> Tensor:
    """Return what a tensor's gradient may be, if it is not None."""
    with torch._C.DisableTorchFunction():
        return _cell(tensor.dtype, "gradient").expand(tensor.shape)


def may_be_none(value: Any) -> bool:
    """Return whether a value is a tensor that stands for a gradient that need not be there."""
    if not isinstance(value, Tensor):
        return False
    with torch._C.DisableTorchFunction():
        return value._base is _cell(value.dtype, "gradient")


def memory(tensor: Tensor) -> int:
    """Return how many cells the memory has that a tensor looks into; 0 if that is not known."""
    return int(vars(tensor).get("_memory", tensor.numel()))


def look_into(tensor: Tensor, cells: int) -> None:
    """Let a tensor look into a memory of so many cells."""
    vars(tensor)["_memory"] = cells


def hold_truths(tensor: Tensor) -> None:
    """Let it be known that a tensor's cells are truths, for sure; of others `bool` says that they may be."""
    vars(tensor)["_truths"] = True


def holds_truths(tensor: Tensor) -> bool:
    """Return whether a tensor's cells are truths, for sure."""
    return bool(vars(tensor).get("_truths"))


def like(tensor: Tensor) -> Tensor:
    """Return another tensor of the same shape and type, which looks into as large a memory."""
    made = without_cells(tuple(tensor.shape), tensor.dtype)
    look_into(made, memory(tensor))
    return made


def without_cells(shape: Shape, kind: torch.dtype) -> Tensor:
    """Return a tensor of a shape that has no memory: each cell is the same one, which is nowhere."""
    with torch._C.DisableTorchFunction():
        return _cell(kind).expand(shape)
