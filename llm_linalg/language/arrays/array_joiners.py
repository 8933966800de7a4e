"""`np.r_`, `np.c_` and `np.mgrid`: arrays that are made of what stands in brackets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.arrays.array import Array, as_array
from llm_linalg.language.arrays.array_creation import arange
from llm_linalg.language.arrays.array_operands import tensors_of
from llm_linalg.language.refusal import RefusalError


def _part(value: Any) -> Array:
    """Return what a part in the brackets stands for: `1:5:2` is a range.

    Raises:
        RefusalError: If it is text, which names axes in NumPy.
        ValueError: If it is a range without an end.
    """
    if isinstance(value, str):
        raise RefusalError("text in the brackets is not part of the language: write np.concatenate, np.stack")
    if isinstance(value, slice):
        if value.stop is None:
            raise ValueError("a range in the brackets says where it ends")
        return arange(
            0 if value.start is None else value.start, value.stop, 1 if value.step is None else value.step
        )
    return as_array(value)


class Joiner:
    """`np.r_`, which joins along the first axis, or `np.c_`, which sets columns side by side.

    Attributes:
        name: Its name.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<numpy.lib.{'RClass' if self.name == 'r_' else 'CClass'} object>"

    def __getitem__(self, key: Any) -> Array:
        parts = key if isinstance(key, tuple) else (key,)
        tensors = tensors_of([_part(part) for part in parts])
        if self.name == "r_":
            return Array(torch.cat([tensor.reshape(1) if not tensor.dim() else tensor for tensor in tensors]))
        return Array(torch.cat([_column(tensor) for tensor in tensors], dim=-1))


def _column(tensor: Tensor) -> Tensor:
    return tensor.reshape(-1, 1) if tensor.dim() < 2 else tensor


class NumberGrid:
    """`np.mgrid`: for each range in the brackets, an array of its numbers over the whole grid."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<numpy.lib.MGridClass object>"

    def __getitem__(self, key: Any) -> Array:
        parts = key if isinstance(key, tuple) else (key,)
        if not all(isinstance(part, slice) for part in parts):
            raise ValueError("np.mgrid takes ranges: np.mgrid[0:3, 0:4]")
        tensors = tensors_of([_part(part) for part in parts])
        grids = torch.meshgrid(*tensors, indexing="ij")
        return Array(torch.stack(grids) if isinstance(key, tuple) else grids[0].clone())


BRACKETS = Joiner | NumberGrid
MEMBERS = {"r_": Joiner("r_"), "c_": Joiner("c_"), "mgrid": NumberGrid()}
