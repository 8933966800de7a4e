"""What `torch.autocast` casts before a call, unseen: the recorder makes a node of each cast."""

from __future__ import annotations

import torch

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call

autocasts = torch._C._is_any_autocast_enabled  # noqa: SLF001 - torch has no other name for it


def dtype_of_cast(call: Call) -> torch.dtype | None:
    """Return the dtype to which real operands of a call were cast before it was made; None if to none.

    Which calls are made in which dtype, torch keeps to itself: so the call is made again, on operands that
    are cast and on those that are not.

    Raises:
        LookupError: If neither gives its result.
    """
    kinds = {tensor.dtype for tensor in call.tensors if tensor.is_floating_point()}
    own = call.result.dtype
    if kinds <= {own} or not own.is_floating_point:
        # Of a cell of an RNN torch casts what it multiplies, and not what it adds to that.
        if call.operation.kind != "composite" or _gives(call, None):
            return None
    else:
        for dtype in (None, own):
            if _gives(call, dtype):
                return dtype
    raise LookupError(f"{call.operation.name} has other operands than those it was called with")


def as_dtype(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor of real numbers as another dtype, and any other as it is."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _gives(call: Call, dtype: torch.dtype | None) -> bool:
    """Return whether a call gives its result, without a cast of torch's, on operands of a dtype."""
    tensors = [own if dtype is None else as_dtype(own, dtype) for own in call.tensors]
    with untraced(), torch.no_grad(), torch.autocast(call.result.device.type, enabled=False):
        try:
            made = call.replay(tensors)
        except (RuntimeError, TypeError, ValueError):  # of several dtypes
            return False
    same = (made.dtype, made.shape) == (call.result.dtype, call.result.shape)
    return same and torch.allclose(made, call.result, equal_nan=True)
