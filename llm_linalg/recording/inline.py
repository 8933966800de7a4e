"""Record the inner calls of torch functions that make several, instead of one opaque call.

Two are `multi_head_attention_forward` and `gumbel_softmax` of `torch.nn.functional`, which a function mode is
handed as single calls. Others are `torch._foreach_mul_` and its like, which clipping and optimizers call: on
the CPU they call the operation for each tensor of their lists.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import getmembers
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_INLINED = (functional.multi_head_attention_forward, functional.gumbel_softmax)
_MODE_CHECKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


@cache
def inline_body(function: Any) -> Callable[..., Any] | None:
    """Return a copy of a torch function that runs call by call under a mode; None to record it as one call.

    The copy is the same code, except that its `has_torch_function` checks always say no, so that it doesn't
    hand itself to the mode as a whole.
    """
    if (name := getattr(function, "__name__", "")).startswith("_foreach_"):
        return _for_each(name.removeprefix("_foreach_"))
    if function not in _INLINED or not isinstance(function, FunctionType):
        return None
    names = {**dict(getmembers(functional)), **dict.fromkeys(_MODE_CHECKS, lambda *_: False)}
    body = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__
    return body


def _for_each(name: str) -> Callable[..., Any] | None:
    """Return what calls an operation for each item of its lists; None if tensors have no such method."""
    one = torch.linalg.vector_norm if name == "norm" else getattr(Tensor, name, None)
    if one is None:
        return None

    def body(*args: Any, **kwargs: Any) -> list[Any]:
        count = next(len(own) for own in args if isinstance(own, list | tuple))
        return [
            one(*[_item(own, k) for own in args], **{key: _item(own, k) for key, own in kwargs.items()})
            for k in range(count)
        ]

    return body


def _item(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, list | tuple) else value
