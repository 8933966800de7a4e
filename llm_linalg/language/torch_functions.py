"""Functions of torch that the language has in a form of its own, with limits and for the CPU alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import extent
from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
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


def resize(tensor: Tensor, *sizes: Any) -> Tensor:
    """Do what `tensor.resize_(…)` does to a tensor whose cells lie in their order: all of them stay.

    Raises:
        RefusalError: If the size has another number of cells, or the cells lie in another order: torch would
            show what else is in the memory.
        RuntimeError: If gradients flow to it.
    """
    if tensor.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    with untraced():
        is_in_order, cells = tensor.is_contiguous(), tensor.numel()
    wanted = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], list | tuple) else sizes
    if len(wanted) > MAX_SIZE_NUMBERS or not all(isinstance(size, int) for size in wanted):
        raise TypeError(f"a size is whole numbers, not {short_repr(sizes)}")
    if extent(tuple(wanted)) != cells or min(wanted, default=0) < 0:
        size = "×".join(map(str, wanted))
        raise RefusalError(f"a tensor keeps its {cells:,} cells here: {size} are others; make a new tensor")
    if not is_in_order:
        raise RefusalError("its cells lie in another order in memory: write x = x.reshape(…)")
    return tensor.resize_(*sizes)


def cpu_device(kind: Any) -> torch.device:
    """Do what `torch.device` does for the CPU.

    Raises:
        ValueError: If it is another device.
    """
    if not isinstance(kind, str | torch.device) or str(kind) != "cpu":
        raise ValueError(f"there is only the CPU here, not {short_repr(kind)}")
    return torch.device("cpu")


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,  # noqa: ARG001  it has no effect in torch either
    dim: int = -1,
) -> Tensor:
    """Do what `F.gumbel_softmax` does, call by call."""
    noise = -torch.zeros_like(logits).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    place = soft.max(dim, keepdim=True)[1]
    return torch.zeros_like(logits).scatter_(dim, place, 1.0) - soft.detach() + soft


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
