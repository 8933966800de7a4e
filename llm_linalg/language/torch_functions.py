"""Functions of torch that the language has in a form of its own, with limits and for the CPU alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import extent
from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.arithmetic import MAX_ITEMS, MAX_SIZE_NUMBERS
from llm_linalg.language.refusal import RefusalError

_WHERE_MADE = "write dtype=torch.float64 where a tensor is made"


def make_size(numbers: Any = ()) -> torch.Size:
    """Do what `torch.Size` does, for as many numbers as a tensor may have axes."""
    if isinstance(numbers, list | tuple | range) and len(numbers) > MAX_SIZE_NUMBERS:
        raise LimitError(f"a size of {len(numbers):,} numbers; {MAX_SIZE_NUMBERS} are allowed")
    return torch.Size(numbers)


def to_list(tensor: Tensor) -> Any:
    """Do what `tensor.tolist()` does.

    Raises:
        LimitError: If the tensor has too many cells.
    """
    items = extent(tuple(tensor.shape))
    if items > MAX_ITEMS:
        raise LimitError(f"a list of {items:,} numbers; {MAX_ITEMS:,} are allowed")
    return tensor.tolist()


def to_dtype(tensor: Tensor, *kinds: Any, dtype: torch.dtype | None = None) -> Tensor:
    """Do what `tensor.to(…)` does, for dtypes and for the CPU, the only device."""
    for kind in (*kinds, dtype):
        if isinstance(kind, torch.dtype | Tensor):
            tensor = tensor.to(kind)
        elif kind is not None:
            cpu_device(kind)
    return tensor


def cpu_device(kind: Any) -> torch.device:
    """Do what `torch.device` does for the CPU.

    Raises:
        ValueError: If it is another device.
    """
    if not isinstance(kind, str | torch.device) or str(kind) != "cpu":
        raise ValueError(f"there is only the CPU here, not {short_repr(kind)}")
    return torch.device("cpu")


def manual_seed(seed: int) -> None:
    """Do what `torch.manual_seed` does, for the CPU's generator alone."""
    torch.default_generator.manual_seed(int(seed))


def set_default_device(device: Any) -> None:
    """Do what `torch.set_default_device` does for the only device: nothing."""
    if device is not None:
        cpu_device(device)


def set_default_dtype(d: Any) -> None:
    """Do what `torch.set_default_dtype` does for the dtype that is the default: nothing.

    Raises:
        RefusalError: If it is another: torch keeps it for all programs.
    """
    if d is not torch.float32:
        raise RefusalError(f"the default is float32 here: {_WHERE_MADE}")


def set_default_tensor_type(t: Any) -> None:
    """Do what `torch.set_default_tensor_type` does likewise."""
    if t != "torch.FloatTensor" and getattr(t, "kind", None) is not torch.FloatTensor:
        raise RefusalError(f"the default is torch.FloatTensor here: {_WHERE_MADE}")
