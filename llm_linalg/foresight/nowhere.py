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


def without_cells(shape: Shape, kind: torch.dtype) -> Tensor:
    """Return a tensor of a shape that has no memory: each cell is the same one, which is nowhere."""
    with torch._C.DisableTorchFunction():
        return _cell(kind).expand(shape)
